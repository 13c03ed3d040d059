"""Results of `proskill test`, `validate` and `compare` as tables on standard output.

Names of scenarios, views and skills come from outside: they are `Text`, never markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from proskill.phrases import VERDICT_NAMES, figure_text, interval_text

if TYPE_CHECKING:
    from proskill.evaluation.comparison import Comparison, Paired
    from proskill.evaluation.intervals import Interval


def print_evaluation(summary: Mapping[str, Any], *, page: Path) -> None:
    """Print every figure with its interval, scenarios against their majority, and the page."""
    from proskill.evaluation.labelled_predictions import MAJORITIES, METRICS

    console = Console(highlight=False)
    people = f"{summary['num_takes']} takes of {summary['num_participants']} participants"
    console.print(Text(f"Split {summary['split']}: {people}. Data: {summary['data']}."))
    if "all_views" in summary:
        table = _table("figure", "value", "95 % interval")
        for name, metric in {**METRICS, **MAJORITIES}.items():
            if name in summary["all_views"]:
                found = summary["all_views"][name]
                table.add_row(metric.title, *_cells(found, is_share=metric.is_share))
        console.print(table)
    groups = summary["scenarios"] if "confusion_matrix" in summary else {}
    skills = summary.get("skills", {})
    for title, blocks, key in (
        ("scenario", groups, "accuracy"),
        ("skill", skills, "top1_accuracy"),
    ):
        if blocks:
            _print_groups(console, title, blocks, key)
    console.print(Text(f"Report: {page}"))


def print_comparison(comparison: Comparison, *, report: Path | None) -> None:
    """Print both runs, their difference with its interval, and the tests."""
    from proskill.evaluation.labelled_predictions import MAJORITIES, METRICS

    console = Console(highlight=False)
    people = f"{comparison.num_takes} takes of {comparison.num_participants} participants"
    console.print(Text(f"Split {', '.join(comparison.splits)}: {people}."))
    shown = {**METRICS, **MAJORITIES}
    rows = {
        shown[name].title: (paired, shown[name].is_share)
        for name, paired in comparison.metrics.items()
    }
    _print_pairs(console, "figure", rows)
    _print_pairs(console, "accuracy", {k: (v, True) for k, v in comparison.scenarios.items()})
    _print_pairs(console, "exact accuracy", {k: (v, True) for k, v in comparison.skills.items()})
    for name, test in comparison.mcnemar.items():
        console.print(
            Text(
                f"McNemar, {shown[name].title}: only A right {test.only_a_right}, only B right "
                f"{test.only_b_right}, p = {test.p_value:.3g} (as if takes were independent)"
            )
        )
    if report is not None:
        console.print(Text(f"Report: {report}"))


def _print_groups(console: Console, title: str, blocks: Mapping[str, Any], key: str) -> None:
    table = _table(title, "takes", "accuracy", "95 % interval", "majority")
    for name, block in blocks.items():
        majority = block.get("scenario_majority_accuracy")
        table.add_row(
            Text(name),
            str(block.get("num_takes", "")),
            *_cells(block[key], is_share=True),
            "" if majority is None else _cells(majority, is_share=True)[0],
        )
    console.print(table)


def _print_pairs(console: Console, title: str, rows: Mapping[str, tuple[Paired, bool]]) -> None:
    if not rows:
        return
    table = _table(title, "A", "B", "B - A", "95 % interval", "")
    for name, (paired, is_share) in rows.items():
        table.add_row(
            Text(name),
            _interval_cells(paired.a, is_share=is_share)[0],
            _interval_cells(paired.b, is_share=is_share)[0],
            *_interval_cells(paired.difference, is_share=is_share),
            Text(VERDICT_NAMES[paired.better], style="" if paired.better == "none" else "bold"),
        )
    console.print(table)


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right" if name else "left")
    return table


def _interval_cells(interval: Interval, *, is_share: bool) -> tuple[str, str]:
    return _cells(vars(interval), is_share=is_share)


def _cells(interval: Mapping[str, float], *, is_share: bool) -> tuple[str, str]:
    return (
        figure_text(interval["value"], is_share=is_share),
        interval_text(interval["lower"], interval["upper"], is_share=is_share),
    )
