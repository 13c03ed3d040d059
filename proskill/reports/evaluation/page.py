"""The page of one evaluation: numbers, pictures and the takes that went most wrong.

One HTML file that needs no other file and no network. Not here: the numbers
(`proskill.evaluation.summary`), charts (`figures`), layout (`templates/evaluation.html`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import PackageLoader

from proskill.data.take import Take
from proskill.evaluation.labelled_predictions import MAJORITIES, METRICS
from proskill.evaluation.predictions import Predictions
from proskill.levels import UNLABELLED
from proskill.reports.evaluation.figures import (
    IntervalRow,
    coverage_risk_chart,
    interval_chart,
    reliability_chart,
)
from proskill.reports.evaluation.thumbnails import Strip, take_strips
from proskill.reports.toolkit import template_environment
from proskill.whole_file import write_whole

REPORT_FILE = "report.html"

_ADVICE = "free some space or choose another run folder"
_NUM_WORST = 6
_FRAMES_PER_VIEW = 4
_SHOWN_PARTICIPANTS = 200


@dataclass(frozen=True)
class WorstTake:
    """A take whose true level the model thought least likely.

    Attributes:
        take: with its truth.
        said: the level that was said.
        probability: given to the true level.
        confidence: given to the level that was said.
        score: of the model.
        strips: view name -> pictures; views that cannot be read are absent.
    """

    take: Take
    said: str
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
    environment = template_environment(PackageLoader("proskill.reports.evaluation"))
    environment.filters.update(figure=figure_text, interval=interval_text)
    text = environment.get_template("evaluation.html").render(
        name=name,
        summary=summary,
        metrics=METRICS,
        majorities=MAJORITIES,
        is_simulated="simulat" in str(summary["data"]).lower(),
        confusion=_shaded(summary.get("confusion_matrix", [])),
        charts=_charts(summary),
        worst=worst_takes(predictions),
        max_participants=_SHOWN_PARTICIPANTS,
    )
    write_whole(path, [text.encode()], advice=_ADVICE)


def worst_takes(predictions: Predictions, *, num_takes: int = _NUM_WORST) -> list[WorstTake]:
    """Takes with a level that was missed, the most surprising first, with pictures."""
    truth, said = predictions.truth, predictions.predicted
    missed = np.flatnonzero((truth != UNLABELLED) & (truth != said))
    given = predictions.probabilities[missed, truth[missed]]
    order = missed[np.argsort(given, kind="stable")][:num_takes]
    return [
        WorstTake(
            take=predictions.takes[row],
            said=predictions.scale.names[said[row]],
            probability=float(predictions.probabilities[row, truth[row]]),
            confidence=float(predictions.probabilities[row, said[row]]),
            score=float(predictions.score[row]),
            strips=take_strips(predictions.takes[row], num_frames=_FRAMES_PER_VIEW),
        )
        for row in order.tolist()
    ]


def figure_text(value: float, *, is_share: bool) -> str:
    """A figure for people, a dash where it is undefined."""
    if not math.isfinite(value):
        return "\N{EN DASH}"
    text = f"{100 * value:.1f} %" if is_share else f"{value:.3f}"
    return text.replace("-", "\N{MINUS SIGN}")


def interval_text(lower: float, upper: float, *, is_share: bool) -> str:
    """The ends of an interval for people, empty where they are undefined."""
    if not (math.isfinite(lower) and math.isfinite(upper)):
        return ""
    if is_share:
        lower, upper = 100 * lower, 100 * upper
    text = f"{lower:.1f} to {upper:.1f}" if is_share else f"{lower:.3f} to {upper:.3f}"
    return text.replace("-", "\N{MINUS SIGN}")


def _charts(summary: Mapping[str, Any]) -> dict[str, Any]:
    charts: dict[str, Any] = {}
    if "reliability" in summary:
        charts["reliability"] = reliability_chart(summary["reliability"])
        charts["coverage_risk"] = coverage_risk_chart(summary["coverage_risk"])
        charts["scenarios"] = interval_chart(
            _accuracy_rows(summary["scenarios"]),
            title="accuracy per scenario, and what the scenario's majority reaches",
            low=0,
            high=1,
        )
    if "all_views" in summary:
        charts["views"] = _view_chart(summary)
    if "skills" in summary:
        charts["skills"] = interval_chart(
            _accuracy_rows(summary["skills"], metric="top1_accuracy", count="num_takes"),
            title="exact accuracy per skill, and what the majority reaches",
            low=0,
            high=1,
        )
    return charts


def _accuracy_rows(
    blocks: Mapping[str, Any], *, metric: str = "accuracy", count: str = "num_takes"
) -> list[IntervalRow]:
    return [
        IntervalRow(
            name=name.replace("_", " "),
            interval=block[metric],
            marks=[block[key]["value"] for key in ("scenario_majority_accuracy",) if key in block],
            note=f"{block[count]} takes" if count in block else "",
        )
        for name, block in blocks.items()
    ]


def _view_chart(summary: Mapping[str, Any]) -> Any:
    """Rank correlation of every set of views: it needs no level and no threshold."""
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
    return interval_chart(
        rows, title="rank correlation by set of views", low=low, high=1, percent=False
    )


def _shaded(matrix: Sequence[Sequence[int]]) -> list[list[tuple[int, float]]]:
    """Counts with the share of their row, which colours the cell."""
    return [[(count, count / max(1, sum(row))) for count in row] for row in matrix]
