"""An assessment as tables on standard output.

Names of views, files and skills come from outside: they are `Text`, never markup.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from proskill import phrases

if TYPE_CHECKING:
    from proskill.scoring import Assessment, Explanation

_BAR_WIDTH = 24
_STYLES = {"ok": "bold green", "low_confidence": "bold yellow", "abstained": "bold"}


def print_assessment(
    assessment: Assessment, *, explanation: Explanation | None = None, report: Path | None = None
) -> None:
    """Print level, doubts, probabilities, skills and views.

    Args:
        assessment: to show.
        explanation: moments and views with the largest effects.
        report: file that was written, to be named at the end.
    """
    console = Console()
    headline = Text(assessment.level or phrases.NO_LEVEL, style=_STYLES[assessment.status])
    headline.append(f"  ({phrases.STATUS_NAMES[assessment.status].lower()})", style="dim")
    console.print(headline)
    if assessment.score is not None:
        line = phrases.score_sentence(assessment.score, len(assessment.levels))
        if (interval := assessment.interval) is not None:
            ends = interval.lower, interval.upper
            line += f" {phrases.interval_sentence(interval.coverage, *ends)}"
        console.print(Text(line))
    if (chosen := assessment.prediction_set) is not None:
        console.print(Text(phrases.set_sentence(chosen.in_words, chosen.coverage)))
    for reason in assessment.reasons:
        console.print(Text(f"- {reason}"))
    parts: list[Table | Text] = []
    if assessment.probabilities:
        parts.append(_probabilities(assessment))
    if assessment.skill_levels:
        parts.append(_skills(assessment))
    parts.append(_views(assessment))
    if explanation is not None:
        parts.append(_moments(explanation))
        if len(explanation.views) > 1:
            parts.append(_importance(explanation))
    for part in parts:
        console.print()
        console.print(part)
    if explanation is not None:
        console.print(Text(explanation.method, style="dim"))
    notice = phrases.model_notice(assessment.provenance.checkpoint_data)
    for line in filter(None, [*assessment.warnings, notice]):
        console.print(Text(f"Note: {line}", style="yellow"))
    if report is not None:
        console.print(Text(f"Report: {report}"))


def _probabilities(assessment: Assessment) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for level, p in assessment.probabilities.items():
        bar = "█" * round(p * _BAR_WIDTH)
        style = "bold" if level == assessment.level else "dim"
        table.add_row(Text(level, style=style), Text(f"{100 * p:3.0f} %"), Text(bar, style="cyan"))
    return table


def _skills(assessment: Assessment) -> Table:
    table = _table("skill", "score", "", "level", "uncalibrated")
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
        return Text(phrases.NO_MOMENT)
    headings = ["moment", "looks", "by itself", "noise", "seen most in"]
    if explanation.moments[0].skill_effects:
        headings.append("most in skill")
    table = _table(*headings)
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
    """Return the views by the share of ups and downs that they show."""
    table = _table("view", "ups and downs", "", "average segment without it")
    for name, view in explanation.views_by_share:
        bar = "█" * round(view.share * _BAR_WIDTH)
        share = Text(f"{100 * view.share:3.0f} %")
        table.add_row(Text(name), share, Text(bar, style="cyan"), Text(view.without_it))
    return table


def _views(assessment: Assessment) -> Table:
    table = _table("view", "kind", "file", "seconds", "pixels", "alone", "distance", "remark")
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


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table
