"""A set of ratings as tables on standard output.

Ids come from outside: they are `Text`, never markup, and control characters are replaced.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from proskill.phrases import SOUND_VOTES, counted, probability_text

if TYPE_CHECKING:
    from pathlib import Path

    from proskill.rating import RatingRun
    from proskill.rating_files import Origin
    from proskill.reports.rating import GroupPart, Row

_NUM_TOP, _NUM_BOTTOM, _NUM_GROUPS = 10, 5, 20
_MAX_RANKED_GROUPS = 3
_BAR_WIDTH, _WIDTH_FOR_BARS = 28, 110
_NAME_WIDTH = 44
_WRITTEN = {
    "--out": "Ratings",
    "--report": "Report",
    "--next-pairs": "Next pairs",
    "--proskill-rankings": "ProSkill rankings",
}


def print_ratings(run: RatingRun, origin: Origin, written: Mapping[str, Path]) -> None:
    """Print faults of the votes, their reliability, and the ranking.

    Args:
        run: to show.
        origin: of the run.
        written: option -> file, to be named at the end.
    """
    from proskill.rating_files.headline import headline
    from proskill.reports.rating import group_parts

    console = Console(highlight=False)
    head = headline(run)
    by = f" by {counted(head.num_annotators, 'annotator')}" if head.num_annotators else ""
    groups = f" in {head.num_groups:,} groups" if head.num_groups > 1 else ""
    votes = counted(head.num_votes, "vote")
    console.print(Text(f"{counted(head.num_items, 'item')}{groups}, {votes}{by}"))
    for finding in head.findings:
        console.print(Text(f"! {_clean(finding)}", style="yellow"))
    if not head.findings:
        console.print(Text(f"{SOUND_VOTES}.", style="green"))
    console.print()
    console.print(Text(head.verdict, style="bold green" if head.is_enough else "bold yellow"))
    console.print(Text(head.explanation))
    parts = group_parts(run)
    if len(parts) > _MAX_RANKED_GROUPS:
        console.print()
        console.print(_groups(parts))
        if len(run.reliability) > _NUM_GROUPS:
            console.print(Text(f"... and {len(run.reliability) - _NUM_GROUPS:,} more groups"))
    else:
        for part in parts:
            console.print()
            console.print(Text(_reliability_line(part), style="bold"))
            has_levels = run.ratings.scale is not None
            has_bars = console.width >= _WIDTH_FOR_BARS
            console.print(_ranking(part, has_levels=has_levels, has_bars=has_bars))
    console.print()
    for option, path in written.items():
        console.print(Text(f"{_WRITTEN[option]}: {path}"))
    console.print(Text(_how(origin), style="dim"))


def _reliability_line(part: GroupPart) -> str:
    figures = part.reliability
    name = f"{_clean(figures.group)}: " if figures.group else ""
    line = f"{name}reliability {_number(figures.reliability)}"
    line += f", expected rho {_number(figures.expected_rho)}"
    if not math.isnan(figures.held_out_accuracy):
        line += f", right on {100 * figures.held_out_accuracy:.0f} % of new random pairs"
    return f"{line}; least comparisons of an item: {figures.min_comparisons}"


def _ranking(part: GroupPart, *, has_levels: bool, has_bars: bool) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("", justify="right")
    table.add_column("item", overflow="fold", max_width=_NAME_WIDTH)
    table.add_column("rating", justify="right", no_wrap=True)
    table.add_column("90 % interval", no_wrap=True)
    if has_bars:
        table.add_column("", no_wrap=True)
    if has_levels:
        table.add_column("level", overflow="fold")
    table.add_column("votes", justify="right")
    table.add_column("flags", overflow="fold")
    rows = [*part.rows, *part.bottom]
    num = part.reliability.num_items
    shown = rows
    if num > _NUM_TOP + _NUM_BOTTOM + 1:
        shown = rows[:_NUM_TOP]
    for row in shown:
        table.add_row(*_cells(row, has_levels=has_levels, has_bars=has_bars))
    if shown is not rows:
        table.add_row("", Text(f"... {num - _NUM_TOP - _NUM_BOTTOM:,} between", style="dim"))
        for row in rows[-_NUM_BOTTOM:]:
            table.add_row(*_cells(row, has_levels=has_levels, has_bars=has_bars))
    return table


def _cells(row: Row, *, has_levels: bool, has_bars: bool) -> list[Text]:
    piece = [f"piece {row.piece}"] if row.piece else []
    flags = ", ".join([*piece, *(flag.replace("_", " ") for flag in row.flags)])
    cells = [
        Text(str(row.rank), style="dim"),
        Text(_clean(row.item)),
        Text(f"{row.rating:+.2f}", style="bold"),
        Text(f"{row.lower:+.2f} to {row.upper:+.2f}", style="dim"),
    ]
    if has_bars:
        cells.append(Text(_bar(row), style="cyan"))
    if has_levels:
        known = not math.isnan(row.level_probability)
        sure = f" {probability_text(row.level_probability)}" if known else ""
        cells.append(Text(f"{_clean(row.level)}{sure}"))
    return [*cells, Text(str(row.num_comparisons)), Text(flags, style="yellow")]


def _bar(row: Row) -> str:
    scale = (_BAR_WIDTH - 1) / 100
    start, at = round(row.bar.start * scale), round(row.bar.at * scale)
    end = round((row.bar.start + row.bar.width) * scale)
    line = [" "] * start + ["─"] * (end - start + 1)
    line[at] = "●"
    return "".join(line)


def _groups(parts: list[GroupPart]) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="dim")
    table.add_column("group, least reliable first", overflow="fold", max_width=_NAME_WIDTH)
    for heading in ("items", "comparisons", "reliability", "rho", "flagged", "more votes"):
        table.add_column(heading, justify="right")
    table.add_column("best item", overflow="fold", max_width=_NAME_WIDTH)
    for part in parts[:_NUM_GROUPS]:
        figures = part.reliability
        more = figures.expected_more_votes
        cells = (
            _clean(figures.group),
            f"{figures.num_items:,}",
            f"{figures.mean_comparisons:.1f}",
            _number(figures.reliability),
            _number(figures.expected_rho),
            str(part.num_flagged or ""),
            "enough" if figures.is_enough else "unknown" if more is None else f"{more:,}",
            _clean(part.rows[0].item),
        )
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _how(origin: Origin) -> str:
    read = origin.read
    line = f"read as {read.format}: {read.num_rows:,} rows"
    if read.num_repeated_tokens:
        line += f", {read.num_repeated_tokens:,} there twice"
    if read.num_revoked:
        line += f", {read.num_revoked:,} taken back"
    times = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in origin.seconds.items())
    return ". ".join([f"{line}. {times}", *read.notes])


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _clean(text: str) -> str:
    """Return the text without characters that would command the terminal."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
