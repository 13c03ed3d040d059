"""Results of the demo as a table on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from proskill.reports.demo import CONTROLS


def print_table(
    summary: Mapping[str, Any],
    metrics: Mapping[str, Any],
    controls: Mapping[str, Mapping[str, Any]],
    *,
    report: Path,
) -> None:
    """Print every result with its 95 % interval, and the place of the report."""
    table = Table(
        title=f"Simulated test takes: {summary['num_test_takes']} of "
        f"{summary['num_test_participants']} unseen performers",
        title_justify="left",
    )
    for name in ("observer", "rank correlation", "accuracy"):
        table.add_column(name, justify="left" if name == "observer" else "right")
    for name, values in metrics["single_views"].items():
        table.add_row(f"{name} alone", *_cells(values))
    table.add_row("late average of the views", *_cells(metrics["late_average"]))
    table.add_row("[bold]all views fused", *_cells(metrics["all_views"]), end_section=True)
    for name, (what, _) in CONTROLS.items():
        table.add_row(what, *_cells(controls[name]))
    table.add_row("commonest level", "", f"{summary['majority_accuracy']:.0%}")
    table.add_row("commonest level of the task", "", f"{summary['scenario_majority_accuracy']:.0%}")
    console = Console()
    console.print(table)
    stages = ", ".join(f"{name} {seconds:.0f}" for name, seconds in summary["seconds"].items())
    console.print(f"Seconds: {stages}. Peak memory {summary['peak_memory_gib']} GiB.")
    console.print(f"Report: {report}")


def _cells(values: Mapping[str, Mapping[str, float]]) -> tuple[str, str]:
    rho, share = values["spearman"], values["accuracy"]
    return (
        f"{rho['value']:.2f} ({rho['lower']:.2f}..{rho['upper']:.2f})",
        f"{share['value']:.0%} ({share['lower']:.0%}..{share['upper']:.0%})",
    )
