"""The page of one evaluation: numbers, pictures and the takes that went most wrong.

One HTML file that needs no other file and no network. Not here: the numbers
(`proskill.evaluation.summary`), charts (`charts`), layout (`templates/evaluation.html`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from proskill.data.take import Take
from proskill.evaluation.labelled_predictions import MAJORITIES, METRICS
from proskill.evaluation.predictions import Predictions
from proskill.levels import UNLABELLED
from proskill.phrases import is_simulated
from proskill.reports.evaluation.charts import (
    IntervalRow,
    coverage_risk_chart,
    interval_chart,
    reliability_chart,
)
from proskill.reports.pictures import Strip, take_strips
from proskill.reports.toolkit import (
    Axis,
    number_text,
    render_page,
    round_ticks,
    share_axis,
    write_page,
)

REPORT_FILE = "report.html"

_NUM_WORST = 6
_FRAMES_PER_VIEW = 4
_SHOWN_PARTICIPANTS = 200


@dataclass(frozen=True)
class WorstTake:
    """A mispredicted take.

    Attributes:
        take: with its truth.
        predicted: level.
        probability: of the true level.
        confidence: probability of the predicted level.
        score: of the model.
        strips: view name -> pictures; views that cannot be read are absent.
    """

    take: Take
    predicted: str
    probability: float
    confidence: float
    score: float
    strips: Mapping[str, Strip]


def write_report(
    path: Path, predictions: Predictions, summary: Mapping[str, Any], *, name: str
) -> None:
    """Write the page whole or not at all.

    Args:
        path: the HTML file.
        predictions: for the worst takes and their videos.
        summary: the content of `metrics.json`.
        name: of the run, for the heading.

    Raises:
        ProskillError: the file cannot be written.
    """
    text = render_page(
        "evaluation.html",
        "evaluation",
        name=name,
        summary=summary,
        metrics=METRICS,
        majorities=MAJORITIES,
        is_simulated=is_simulated(summary["data"]),
        charts=_charts(summary),
        worst=worst_takes(predictions),
        max_participants=_SHOWN_PARTICIPANTS,
    )
    write_page(path, text)


def worst_takes(predictions: Predictions, *, num_takes: int = _NUM_WORST) -> list[WorstTake]:
    """Return mispredicted takes with pictures, those with the least probable truth first."""
    truth, predicted = predictions.truth, predictions.predicted
    missed = np.flatnonzero((truth != UNLABELLED) & (truth != predicted))
    given = predictions.probabilities[missed, truth[missed]]
    order = missed[np.argsort(given, kind="stable")][:num_takes]
    return [
        WorstTake(
            take=predictions.takes[row],
            predicted=predictions.scale.names[predicted[row]],
            probability=float(predictions.probabilities[row, truth[row]]),
            confidence=float(predictions.probabilities[row, predicted[row]]),
            score=float(predictions.score[row]),
            strips=take_strips(predictions.takes[row], num_frames=_FRAMES_PER_VIEW),
        )
        for row in order.tolist()
    ]


def _charts(summary: Mapping[str, Any]) -> dict[str, Any]:
    charts: dict[str, Any] = {}
    if "reliability" in summary:
        charts["reliability"] = reliability_chart(summary["reliability"])
        charts["coverage_risk"] = coverage_risk_chart(summary["coverage_risk"])
        charts["scenarios"] = interval_chart(
            _accuracy_rows(summary["scenarios"]),
            share_axis("", has_grid=True),
            title="accuracy per scenario, and accuracy of the scenario's majority",
        )
    if "all_views" in summary:
        charts["views"] = _view_chart(summary)
    if "skills" in summary:
        charts["skills"] = interval_chart(
            _accuracy_rows(summary["skills"], metric="top1_accuracy"),
            share_axis("", has_grid=True),
            title="exact accuracy per skill, and accuracy of the majority",
        )
    return charts


def _accuracy_rows(blocks: Mapping[str, Any], *, metric: str = "accuracy") -> list[IntervalRow]:
    return [
        IntervalRow(
            name=name.replace("_", " "),
            interval=block[metric],
            marks=[block[key]["value"] for key in ("scenario_majority_accuracy",) if key in block],
            note=f"{block['num_takes']} takes" if "num_takes" in block else "",
        )
        for name, block in blocks.items()
    ]


def _view_chart(summary: Mapping[str, Any]) -> Any:
    """Draw the rank correlation of every set of views, which needs no level and no threshold."""
    blocks = {
        "all views": summary["all_views"],
        "late average of views": summary["late_average"],
        **{f"{name} views, fused": block for name, block in summary["view_sets"].items()},
        **{f"{name} alone": block for name, block in summary["single_views"].items()},
    }
    rows = [
        IntervalRow(name, block["spearman"], note=f"{block['num_takes']} takes")
        for name, block in blocks.items()
    ]
    ends = [
        block["spearman"][end]
        for block in blocks.values()
        for end in ("value", "lower")
        if math.isfinite(block["spearman"][end])
    ]
    low = min(0.0, math.floor(min(ends, default=0.0) * 5) / 5)
    rho = Axis(low, 1.0, round_ticks(low, 1.0), number_text, has_grid=True)
    return interval_chart(rows, rho, title="rank correlation by set of views")
