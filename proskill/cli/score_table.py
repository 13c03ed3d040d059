"""An assessment as a table for people, on standard output.

Names of views, files and skills come from outside: they are `Text`, never markup.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from proskill.scoring import Assessment, Explanation

_BAR_WIDTH = 24
_STYLES = {"ok": "bold green", "low_confidence": "bold yellow", "abstained": "bold"}


def print_assessment(
    assessment: Assessment, *, explanation: Explanation | None = None, report: Path | None = None
) -> None:
    """Print the answer, why it is in doubt, the probabilities, the skills and the views.

    Args:
        assessment: to show.
        explanation: when and in which view it shows, if that was asked for.
        report: the page that was written, to be named at the end.
    """
    from proskill.reports.assessment.page import STATUS_NAMES, notice_for

    console = Console()
    headline = Text(assessment.level or "No level", style=_STYLES[assessment.status])
    headline.append(f"  ({STATUS_NAMES[assessment.status].lower()})", style="dim")
    console.print(headline)
    if assessment.score is not None:
        console.print(Text(_score_line(assessment)))
    if assessment.prediction_set is not None:
        chosen = assessment.prediction_set
        line = f"levels to reckon with: {chosen.in_words}; such a set holds the true level of "
        console.print(Text(f"{line}{100 * chosen.coverage:.0f} of 100 performers"))
    for reason in assessment.reasons:
        console.print(Text(f"- {reason}"))
    if assessment.probabilities:
        console.print()
        console.print(_probabilities(assessment))
    if assessment.skill_levels:
        console.print()
        console.print(_skills(assessment))
    console.print()
    console.print(_views(assessment))
    if explanation is not None:
        console.print()
        console.print(_moments(explanation))
        if len(explanation.views) > 1:
            console.print()
            console.print(_importance(explanation))
        console.print(Text(explanation.method, style="dim"))
    lines = [*assessment.warnings, notice_for(assessment.provenance.checkpoint_data)]
    for line in filter(None, lines):
        console.print(Text(f"Note: {line}", style="yellow"))
    if report is not None:
        console.print(Text(f"Report: {report}"))


def _score_line(assessment: Assessment) -> str:
    line = f"score {assessment.score:.2f} of {len(assessment.levels) - 1}"
    interval = assessment.interval
    if interval is not None:
        line += (
            f"; for {100 * interval.coverage:.0f} of 100 performers the truth lies between "
            f"{interval.lower:.2f} and {interval.upper:.2f}"
        )
    return line


def _probabilities(assessment: Assessment) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for level, p in assessment.probabilities.items():
        bar = "█" * round(p * _BAR_WIDTH)
        style = "bold" if level == assessment.level else "dim"
        table.add_row(Text(level, style=style), Text(f"{100 * p:3.0f} %"), Text(bar, style="cyan"))
    return table


def _skills(assessment: Assessment) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("skill", "score", "", "level", "uncalibrated"):
        table.add_column(heading, overflow="fold")
    for name, level in assessment.skill_levels.items():
        score = assessment.skills[name]
        bar = "█" * round(score / (len(assessment.levels) - 1) * _BAR_WIDTH)
        p = assessment.skill_probabilities[name][level]
        table.add_row(
            Text(name), f"{score:.2f}", Text(bar, style="cyan"), Text(level), f"{100 * p:3.0f} %"
        )
    return table


def _moments(explanation: Explanation) -> Table | Text:
    if not explanation.moments:
        return Text("No moment stands out of the noise.")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("moment", "looks", "by itself", "noise", "seen most in", "most in skill"):
        if heading != "most in skill" or explanation.moments[0].skill_effects:
            table.add_column(heading, overflow="fold")
    for moment in explanation.moments:
        look, side = ("more", "above") if moment.effect > 0 else ("less", "below")
        cells = [
            f"{moment.start_seconds:.1f} to {moment.end_seconds:.1f} s",
            f"{look} skilled",
            f"{abs(moment.effect):.2f} {side} average",
            f"{moment.noise:.2f}",
            moment.view,
        ]
        if skills := moment.skills_most:
            cells.append(skills[0][0])
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _importance(explanation: Explanation) -> Table:
    """Where the ups and downs show most; what is left without a view is another question."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("view", "ups and downs", "", "average stretch without it"):
        table.add_column(heading, overflow="fold")
    for name, view in explanation.views_by_share:
        bar = "█" * round(view.share * _BAR_WIDTH)
        share = Text(f"{100 * view.share:3.0f} %")
        table.add_row(Text(name), share, Text(bar, style="cyan"), Text(view.without_it))
    return table


def _views(assessment: Assessment) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("view", "kind", "file", "seconds", "pixels", "alone", "distance", "remark"):
        table.add_column(heading, overflow="fold")
    for name, view in assessment.views.items():
        alone = "" if view.score is None else f"{view.level} ({view.score:.2f})"
        remarks = [*view.reasons, *view.warnings]
        if view.status != "used":
            remarks.insert(0, view.status.replace("_", " "))
        cells = (
            name,
            view.kind,
            view.file,
            "" if view.duration_seconds is None else f"{view.duration_seconds:.1f}",
            "" if view.size_px is None else f"{view.size_px[0]}x{view.size_px[1]}",
            alone,
            "" if view.distance is None else f"{view.distance:.2f}",
            "; ".join(remarks),
        )
        table.add_row(*(Text(cell) for cell in cells))
    return table
