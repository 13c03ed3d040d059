"""The page of a comparison: one HTML file that needs no other file and no network."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import PackageLoader

from proskill.evaluation.comparison import Comparison, Paired
from proskill.evaluation.labelled_predictions import MAJORITIES, METRICS
from proskill.reports.evaluation.figures import IntervalRow, interval_chart
from proskill.reports.evaluation.page import figure_text, interval_text
from proskill.reports.toolkit import template_environment
from proskill.whole_file import write_whole

_ADVICE = "free some space or choose another place"


def write_comparison_page(
    path: Path, comparison: Comparison, *, name_a: str, name_b: str, is_simulated: bool
) -> None:
    """Write the page whole or not at all.

    Args:
        path: the HTML file.
        comparison: to show.
        name_a: of the first run.
        name_b: of the second run.
        is_simulated: whether the takes are; the page says so.

    Raises:
        ProskillError: the file cannot be written.
    """
    environment = template_environment(PackageLoader("proskill.reports.evaluation"))
    environment.filters.update(figure=figure_text, interval=interval_text)
    groups = {**comparison.scenarios, **comparison.skills}
    text = environment.get_template("comparison.html").render(
        found=comparison,
        name_a=name_a,
        name_b=name_b,
        is_simulated=is_simulated,
        metrics={**METRICS, **MAJORITIES},
        verdicts=_verdicts(comparison),
        scenario_chart=_difference_chart(groups) if groups else None,
    )
    write_whole(path, [text.encode()], advice=_ADVICE)


def _verdicts(comparison: Comparison) -> dict[str, list[str]]:
    """Run, or "none" -> titles of the figures that speak for it."""
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
    return interval_chart(rows, title="difference in accuracy", low=-reach, high=reach)
