"""The demo's page: one self-contained HTML file that a person wants to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from proskill.data.take import Take
from proskill.evaluation.predictions import Predictions
from proskill.reports.assessment import assessment_context, view_strips
from proskill.reports.assessment.charts import NUM_SERIES_COLOURS
from proskill.reports.evaluation.charts import IntervalRow, interval_chart
from proskill.reports.pictures import take_strips
from proskill.reports.toolkit import (
    Axis,
    Chart,
    axis_over,
    level_axis,
    number_text,
    render_page,
    round_ticks,
    write_page,
)
from proskill.scoring import Assessment

CONTROLS = {
    "oracle": ("True motion of every joint", "ceiling: what a perfect observer reads"),
    "motion_energy": ("Change from frame to frame", "the cheap motion baseline"),
    "shuffled": ("The model, frames shuffled", "negative control"),
    "static": ("The model, one frame repeated", "negative control"),
    "appearance": ("Single frames, linear model", "negative control"),
    "pose_set": ("True poses without their order", "negative control"),
}
"""Name of a control -> (its input, its purpose)."""

_SHOWN_FRAMES = 6


@dataclass(frozen=True)
class DemoResults:
    """Content of the page.

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
    scenarios = sorted({take.scenario for take in results.predictions.takes})
    strips = view_strips(results.assessment, results.assessed_files)
    text = render_page(
        "demo.html",
        "demo",
        "assessment",
        **assessment_context(results.assessment, strips=strips),
        metrics=metrics,
        shown=shown,
        shown_strips=take_strips(shown, num_frames=_SHOWN_FRAMES),
        scatter=_scatter(results.predictions, scenarios),
        series={name: number % NUM_SERIES_COLOURS for number, name in enumerate(scenarios)},
        views=_views(metrics),
        controls=[(*CONTROLS[name], results.controls[name]) for name in CONTROLS],
        truth=results.assessed_truth,
        new_tasks=results.new_tasks,
    )
    write_page(path, text)


def _scatter(predictions: Predictions, scenarios: Sequence[str]) -> Markup:
    """Draw predicted score against true skill, one point a take."""
    skill = axis_over(predictions.rating.tolist(), name="true skill (standard deviations)")
    chart = Chart(skill, level_axis(predictions.scale.names, has_grid=True), height=370)
    for take, truth, score in zip(
        predictions.takes, predictions.rating, predictions.score, strict=True
    ):
        number = scenarios.index(take.scenario) % NUM_SERIES_COLOURS
        chart.dot((truth, score), look=f"spot series-{number}", radius=4)
    return chart.svg("predicted score against true skill, one point a take")


def _views(metrics: Mapping[str, Any]) -> Markup:
    """Draw the rank correlation of each view alone, of their late average, and of all views."""
    blocks = {
        "all views fused": metrics["all_views"],
        "late average of views": metrics["late_average"],
        **{f"{name} alone": values for name, values in metrics["single_views"].items()},
    }
    rows = [
        IntervalRow(name, block["spearman"], note=f"{block['spearman']['value']:.2f}")
        for name, block in blocks.items()
    ]
    rho = Axis(0, 1, round_ticks(0, 1), number_text, "rank correlation with true skill", True)
    return interval_chart(rows, rho, title="rank correlation of each view and of all", width=480)
