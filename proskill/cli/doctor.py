"""`proskill doctor`: check this machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from proskill.diagnostics import Diagnosis


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Show versions, devices, codecs and free disk, and decode a generated clip.

    Exit code 1 if something that proskill needs is missing or broken.
    """
    from proskill.diagnostics import diagnose

    diagnosis = diagnose()
    if as_json:
        print(json.dumps({**asdict(diagnosis), "is_healthy": diagnosis.is_healthy}, indent=2))
    else:
        _print_table(diagnosis)
    if not diagnosis.is_healthy:
        raise typer.Exit(1)


def _print_table(diagnosis: Diagnosis) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    marks = {"ok": ("ok", "green"), "note": ("note", "yellow"), "fail": ("FAIL", "bold red")}
    for finding in diagnosis.findings:
        table.add_row(Text(*marks[finding.status]), Text(finding.name), Text(finding.detail))
    console = Console(highlight=False)
    console.print(table)
    failed = [finding.name for finding in diagnosis.findings if finding.status == "fail"]
    verdict = f"To be repaired first: {', '.join(failed)}." if failed else "proskill can work here."
    console.print(f"\n{verdict}")
