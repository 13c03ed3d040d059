"""Scoring: video files of a performance to an Assessment that says how sure it is, or abstains."""

from proskill.calibration.calibration import Calibration
from proskill.calibration.fitting import ViewFeatures, fit_calibration
from proskill.calibration.out_of_distribution import OutOfDistributionDetector, fit_detector
from proskill.calibration.picture_statistics import read_takes_statistics
from proskill.calibration.selective_prediction import SelectionThresholds
from proskill.features.encoding import EncodedTake
from proskill.scoring.assessment import (
    Assessment,
    Provenance,
    TimelineWindow,
    ViewResult,
)
from proskill.scoring.certainty import Certainty, PredictionSet, ScoreInterval
from proskill.scoring.explain.explaining import explain_stepwise, explain_take
from proskill.scoring.explanation import Explanation, Moment, SegmentEffect, ViewEffect
from proskill.scoring.scorer import ScoredTake, Scorer
from proskill.scoring.takes import make_take, name_views
from proskill.scoring.uploads import (
    make_proxies,
    score_proxies,
    score_uploads,
)
from proskill.video.sanitize import Proxy
from proskill.view_names import guess_kind

__all__ = [
    "Assessment",
    "Calibration",
    "Certainty",
    "EncodedTake",
    "Explanation",
    "Moment",
    "OutOfDistributionDetector",
    "PredictionSet",
    "Provenance",
    "Proxy",
    "ScoreInterval",
    "ScoredTake",
    "Scorer",
    "SegmentEffect",
    "SelectionThresholds",
    "TimelineWindow",
    "ViewEffect",
    "ViewFeatures",
    "ViewResult",
    "explain_stepwise",
    "explain_take",
    "fit_calibration",
    "fit_detector",
    "guess_kind",
    "make_proxies",
    "make_take",
    "name_views",
    "read_takes_statistics",
    "score_proxies",
    "score_uploads",
]
