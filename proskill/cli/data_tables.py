"""Tables of `proskill data` for the terminal.

Names of takes, views and files come from outside: the console has no markup, and cells are `Text`.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from proskill.data.baselines import Accuracy
    from proskill.data.new_manifest import NewManifest
    from proskill.data.problems import CheckReport, Problem, ProblemKind
    from proskill.data.stats import DatasetStats, Group

_SHOWN_PER_KIND = 8
_SHOWN_SCENARIOS = 20


def print_check(report: CheckReport, *, folder: Path) -> None:
    """Print a few problems of each kind, and the files with all of them."""
    console = Console(highlight=False, markup=False, emoji=False)
    looked = f"{_count(report.num_takes, 'take')}, {_count(report.num_views, 'view')}"
    looked += (
        f", {_count(report.num_files, 'file')} read" if report.num_files else ", no video opened"
    )
    console.print(looked)
    if report.problems:
        _print_problems(console, report.problems)
    if report.unusable:
        num_views = len({(problem.take_id, problem.view) for problem in report.unusable})
        left = f"{report.num_usable_takes:,} of {report.num_takes:,} takes have a view that can"
        console.print(f"{_count(num_views, 'view')} cannot be used; {left}", style="bold red")
        console.print(f"To be left out or repaired: {folder / 'quarantine.csv'}")
    else:
        console.print("Everything can be used.", style="bold green")
    if report.remarks:
        console.print(f"{_count(len(report.remarks), 'remark')}: {folder / 'remarks.csv'}")


def print_stats(stats: DatasetStats, *, page: Path) -> None:
    """Print counts per split and scenario, views, and the accuracy of guessing."""
    console = Console(highlight=False, markup=False, emoji=False)
    levels = _used_levels(stats.whole)
    for title, groups in (("split", stats.splits), ("scenario", stats.scenarios)):
        table = _table(title, "takes", "people", "hours", *levels)
        for name, group in list(groups.items())[:_SHOWN_SCENARIOS]:
            table.add_row(*_group_cells(name or "(none)", group, levels))
        if len(groups) > _SHOWN_SCENARIOS:
            table.add_row(Text(f"and {len(groups) - _SHOWN_SCENARIOS} more", "dim"))
        if title == "split" and len(groups) > 1:
            table.add_row(*_group_cells("all", stats.whole, levels), style="bold")
        console.print(table)
        console.print()
    table = _table("view", "takes", "ego", "exo")
    for name, count in stats.views.items():
        kinds = _kinds(count.kinds.get("ego", 0), count.kinds.get("exo", 0))
        table.add_row(*map(Text, (name, f"{count.num_takes:,}", *kinds)))
    console.print(table)
    if stats.seconds is not None:
        length = stats.seconds
        longest = f"{length.maximum:.1f} s, median {length.median:.1f} s."
        console.print(f"\nA take lasts {length.minimum:.1f} to {longest}")
    if stats.num_unreadable:
        files = _count(stats.num_unreadable, "file")
        console.print(f"{files} cannot be read: run proskill data check", style="red")
    _print_baselines(console, stats)
    console.print(f"\nPage: {page}")


def print_new_manifest(made: NewManifest) -> None:
    """Print the guesses and the columns to fill in."""
    console = Console(highlight=False, markup=False, emoji=False)
    takes = {view.take_id for view in made.views}
    names = Counter(view.view for view in made.views)
    console.print(
        f"{_count(len(takes), 'take')} with {_count(len(made.views), 'view')}: {made.path}"
    )
    for name, count in sorted(names.items()):
        console.print(f"  {name}  {count:,}")
    for fact in made.left_out:
        console.print(f"Left out: {fact.path}: {fact.reason}", style="yellow")
    console.print(
        "Correct take_id, view and kind where the guess is wrong; fill in participant_id, "
        "scenario and level (or rating); then run proskill data check."
    )


def _print_baselines(console: Console, stats: DatasetStats) -> None:
    if not stats.baselines and not stats.skill_baselines:
        return
    console.print("\nAccuracy of guessing (95 % interval over participants):")
    for name, base in stats.baselines.items():
        console.print(
            f"  {name}, {base.num_takes:,} takes: always {base.level!r} "
            f"{_percent(base.majority)}; each scenario's commonest "
            f"{_percent(base.scenario_majority)}; learned from {base.learned_from}"
        )
    if stats.skill_baselines:
        bases = list(stats.skill_baselines.values())
        mean = sum(base.majority.value for base in bases) / len(bases)
        console.print(
            f"  {bases[0].judged_on}, up to {max(base.num_takes for base in bases):,} takes: "
            f"each skill's commonest value {100 * mean:.1f} %, mean over {len(bases)} skills"
        )


def _print_problems(console: Console, problems: Sequence[Problem]) -> None:
    """Print the first few problems of each kind, those of unusable views first."""
    by_kind: dict[ProblemKind, list[Problem]] = defaultdict(list)
    for problem in sorted(problems, key=lambda problem: not problem.is_unusable):
        by_kind[problem.kind].append(problem)
    for kind, some in by_kind.items():
        style = "bold red" if some[0].is_unusable else "bold yellow"
        console.print(f"\n{kind} ({len(some):,})", style=style)
        table = Table(box=None, padding=(0, 2, 0, 2), show_header=False)
        for problem in some[:_SHOWN_PER_KIND]:
            table.add_row(Text(problem.take_id), Text(problem.view), Text(problem.reason))
        console.print(table)
        if len(some) > _SHOWN_PER_KIND:
            console.print(f"  and {len(some) - _SHOWN_PER_KIND:,} more", style="dim")
    console.print()


def _table(first: str, *numbers: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column(first, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right", overflow="fold")
    return table


def _used_levels(whole: Group) -> list[str]:
    """Return all levels, or none of them where no take has one."""
    return list(whole.levels) if whole.num_labelled else []


def _group_cells(name: str, group: Group, levels: Sequence[str]) -> list[Text]:
    counts = [group.num_takes, group.num_participants]
    return [
        Text(name),
        *(Text(f"{count:,}") for count in counts),
        Text(f"{group.hours:.2f}"),
        *(Text(f"{group.levels[level]:,}") for level in levels),
    ]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def _kinds(*counts: int) -> list[str]:
    return [f"{count:,}" if count else "" for count in counts]


def _percent(accuracy: Accuracy) -> str:
    text = f"{100 * accuracy.value:.1f} %"
    if math.isnan(accuracy.lower):
        return text
    return f"{text} ({100 * accuracy.lower:.1f} to {100 * accuracy.upper:.1f})"
