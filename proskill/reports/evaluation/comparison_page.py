"""The page of a comparison: one HTML file that needs no other file and no network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proskill.evaluation.comparison import Comparison, Paired
from proskill.evaluation.labelled_predictions import MAJORITIES, METRICS
from proskill.phrases import figure_text
from proskill.reports.evaluation.charts import IntervalRow, interval_chart
from proskill.reports.toolkit import render_page, share_axis, write_page


def write_comparison_page(
    path: Path, comparison: Comparison, *, name_a: str, name_b: str, is_simulated: bool
) -> None:
    """Write the page whole or not at all.

    Args:
        path: the HTML file.
        comparison: to show.
        name_a: of the first run.
        name_b: of the second run.
        is_simulated: the takes are simulated, and the page warns of it.

    Raises:
        ProskillError: the file cannot be written.
    """
    groups = {**comparison.scenarios, **comparison.skills}
    text = render_page(
        "comparison.html",
        "evaluation",
        found=comparison,
        name_a=name_a,
        name_b=name_b,
        is_simulated=is_simulated,
        metrics={**METRICS, **MAJORITIES},
        verdicts=_verdicts(comparison),
        scenario_chart=_difference_chart(groups) if groups else None,
    )
    write_page(path, text)


def _verdicts(comparison: Comparison) -> dict[str, list[str]]:
    """Return run, or "none" -> titles of the metrics in which it is better."""
    verdicts: dict[str, list[str]] = {"a": [], "b": [], "none": []}
    for name, paired in comparison.metrics.items():
        verdicts[paired.better].append(METRICS[name].title)
    return verdicts


def _difference_chart(groups: Mapping[str, Paired]) -> Any:
    rows = [
        IntervalRow(
            name=name.replace("_", " "),
            interval=vars(paired.difference),
            note=figure_text(paired.difference.value, is_share=True),
        )
        for name, paired in groups.items()
    ]
    ends = [
        abs(end)
        for paired in groups.values()
        for end in vars(paired.difference).values()
        if math.isfinite(end)
    ]
    reach = max(0.1, math.ceil(10 * max(ends, default=0.1)) / 10)
    axis = share_axis("", low=-reach, high=reach, has_grid=True)
    return interval_chart(rows, axis, title="difference in accuracy")
