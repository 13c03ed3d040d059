"""Evaluation: metrics, clustered intervals, predictions with ground truth, comparisons of runs.

>>> from proskill.evaluation import accuracy, spearman
>>> accuracy([0, 1, 2, 3], [0, 1, 1, 3])
0.75
>>> spearman([0, 1, 2, 3], [0.2, 0.9, 1.4, 2.8])
1.0
"""

from proskill.evaluation.comparison import Comparison, compare_runs
from proskill.evaluation.intervals import Interval, clustered_bootstrap
from proskill.evaluation.labelled_predictions import LabelledPredictions
from proskill.evaluation.metrics import (
    Metric,
    accuracy,
    confusion_tables,
    macro_f1,
    mean_level_error,
    quadratic_kappa,
)
from proskill.evaluation.predictions import Predictions
from proskill.evaluation.probability_metrics import (
    brier_score,
    coverage_risk,
    expected_calibration_error,
    log_loss,
)
from proskill.evaluation.rank_metrics import kendall, pairwise_accuracy, spearman
from proskill.evaluation.stored_predictions import find_predictions, read_predictions
from proskill.evaluation.submission import make_submission
from proskill.evaluation.summary import summarise

__all__ = [
    "Comparison",
    "Interval",
    "LabelledPredictions",
    "Metric",
    "Predictions",
    "accuracy",
    "brier_score",
    "clustered_bootstrap",
    "compare_runs",
    "confusion_tables",
    "coverage_risk",
    "expected_calibration_error",
    "find_predictions",
    "kendall",
    "log_loss",
    "macro_f1",
    "make_submission",
    "mean_level_error",
    "pairwise_accuracy",
    "quadratic_kappa",
    "read_predictions",
    "spearman",
    "summarise",
]
