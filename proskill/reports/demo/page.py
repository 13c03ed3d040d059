"""The demo's page: one self-contained HTML file that a person wants to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import PackageLoader
from matplotlib.figure import Figure

from proskill.data.take import Take
from proskill.evaluation.predictions import Predictions
from proskill.reports.assessment.figures import figure_data_uri
from proskill.reports.assessment.page import assessment_context, page_environment, thumbnail_strips
from proskill.reports.evaluation.thumbnails import take_strips
from proskill.scoring import Assessment
from proskill.whole_file import write_whole

CONTROLS = {
    "oracle": ("True motion of every joint", "ceiling: what a perfect observer reads"),
    "motion_energy": ("Change from frame to frame", "the cheap motion baseline"),
    "shuffled": ("The model, frames shuffled", "must not know skill"),
    "static": ("The model, one frame repeated", "must not know skill"),
    "appearance": ("Single frames, linear model", "must not know skill"),
    "pose_set": ("True poses without their order", "must not know skill"),
}
"""Name of a control -> (what it looks at, what it is for)."""

WRITE_ADVICE = "free some space or choose another folder"
_SHOWN_FRAMES = 6
_INK, _ACCENT, _SOFT = "#5b6763", "#0b7a63", "#9aa5a1"


@dataclass(frozen=True)
class DemoResults:
    """Everything the page shows.

    Attributes:
        predictions: on the test takes.
        metrics: of `proskill.evaluation.summary.summarise`.
        controls: name -> spearman and accuracy with intervals.
        assessment: of the newly scored take.
        assessed_files: its view name -> file.
        assessed_truth: the take with its true level and rating.
        new_tasks: tasks that the backbone never saw.
    """

    predictions: Predictions
    metrics: Mapping[str, Any]
    controls: Mapping[str, Mapping[str, Any]]
    assessment: Assessment
    assessed_files: Mapping[str, Path]
    assessed_truth: Take
    new_tasks: tuple[str, ...] = ()


def write_demo_report(path: Path, results: DemoResults) -> None:
    """Write the page whole or not at all."""
    metrics = results.metrics
    shown = results.predictions.takes[int(np.argmax(results.predictions.rating))]
    environment = page_environment(PackageLoader("proskill.reports.demo"))
    strips = thumbnail_strips(results.assessment, results.assessed_files)
    text = environment.get_template("demo.html").render(
        **assessment_context(results.assessment, strips=strips),
        metrics=metrics,
        shown=shown,
        shown_strips=take_strips(shown, num_frames=_SHOWN_FRAMES),
        confusion=_shaded(metrics["confusion_matrix"]),
        scatter=figure_data_uri(_scatter(results.predictions)),
        views=figure_data_uri(_views(metrics)),
        controls=[(*CONTROLS[name], results.controls[name]) for name in CONTROLS],
        truth=results.assessed_truth,
        new_tasks=results.new_tasks,
    )
    write_whole(path, [text.encode()], advice=WRITE_ADVICE)


def _shaded(matrix: list[list[int]]) -> list[list[tuple[int, float]]]:
    """Counts with the share of their row, which colours the cell."""
    return [[(count, count / max(1, sum(row))) for count in row] for row in matrix]


def _scatter(predictions: Predictions) -> Figure:
    """Predicted score against true skill, one point a take."""
    figure = Figure(figsize=(4.7, 3.7))
    axes = figure.add_subplot()
    scenarios = sorted({take.scenario for take in predictions.takes})
    colours = ("#0072b2", "#d55e00", "#9a6fb0", "#b58900", "#56b4e9", "#c2528b", "#7a7a7a")
    for scenario, colour in zip(scenarios, colours, strict=False):
        rows = [i for i, take in enumerate(predictions.takes) if take.scenario == scenario]
        axes.scatter(
            predictions.rating[rows],
            predictions.score[rows],
            s=14,
            alpha=0.75,
            color=colour,
            linewidths=0,
            label=scenario.replace("_", " "),
        )
    axes.set_xlabel("true skill (population's standard deviations)")
    axes.set_ylabel("predicted score")
    axes.set_yticks(range(len(predictions.scale)), labels=predictions.scale.names)
    axes.legend(frameon=False, fontsize=8, loc="upper left", handletextpad=0.2)
    _plain(axes)
    return figure


def _views(metrics: Mapping[str, Any]) -> Figure:
    """Rank correlation of each view alone, of their late average, and of all views fused."""
    rows = [
        *((f"{name} alone", values, _SOFT) for name, values in metrics["single_views"].items()),
        ("late average of views", metrics["late_average"], "#56b4e9"),
        ("all views fused", metrics["all_views"], _ACCENT),
    ]
    figure = Figure(figsize=(4.7, 0.5 * len(rows) + 0.9))
    axes = figure.add_subplot()
    for height, (_, values, colour) in enumerate(reversed(rows)):
        rho = values["spearman"]
        axes.barh(height, rho["value"], height=0.6, color=colour)
        axes.plot([rho["lower"], rho["upper"]], [height, height], color=_INK, linewidth=1.4)
        axes.text(0.015, height, f"{rho['value']:.2f}", va="center", color="white", weight="bold")
    axes.set_yticks(range(len(rows)), labels=[name for name, *_ in reversed(rows)])
    axes.set_xlim(0, 1)
    axes.set_xlabel("rank correlation with true skill, 95 % interval")
    _plain(axes)
    return figure


def _plain(axes: Any) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    for spine in axes.spines.values():
        spine.set_color("#c9d0cd")
    axes.tick_params(colors=_INK, labelsize=9)
    axes.xaxis.label.set_color(_INK)
    axes.yaxis.label.set_color(_INK)
