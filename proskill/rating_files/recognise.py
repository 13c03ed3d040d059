"""Recognition of a judgement file's format by its content."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from proskill.errors import ComparisonError
from proskill.rating_files.columns import Block, ColumnFile, open_columns, text_lines
from proskill.rating_files.layouts import LAYOUTS, Votes, votes_of_winners
from proskill.rating_files.published import (
    best_blocks,
    is_best_line,
    is_proskill_line,
    proskill_blocks,
)

# What each format looks like, for people.
FORMATS: Final[dict[str, str]] = {
    "comparisons": "columns item_a, item_b, outcome (a, b, tie or skip)",
    "log": "the annotation log: columns token, left, right, answer (left, right, tie or skip)",
    "winners": "columns winner, loser",
    "epic_skills": "EPIC-Skills: columns Vid1, Vid2, Best",
    "best": 'BEST: lines "better worse"',
    "proskill": "ProSkill: lines winner,loser,goal->subgoal",
}

# Part of the log without a meaning for ratings: no reason for a note.
_EXPECTED_UNUSED: Final = {
    "pair", "watched_left", "watched_right", "client", "seq", "kind", "strength", "reason",
    "received_at",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Source:
    """A file whose format is known.

    Attributes:
        path: the file.
        format: a key of `FORMATS`.
        blocks: its rows.
        votes: what a block of them means.
        unused: columns that the format knows no use for.
    """

    path: Path
    format: str
    blocks: Callable[[], Iterator[Block]]
    votes: Callable[[Block], Votes]
    unused: tuple[str, ...] = ()


def recognise(paths: Sequence[Path], *, format: str | None = None) -> list[Source]:
    """Open files of judgements without reading their rows.

    Args:
        paths: existing files.
        format: the key of `FORMATS` to take for all of them; None looks at each.

    Raises:
        ComparisonError: a file is empty or of no known format; the message says which columns it
            has and which are needed.
    """
    tasks = {path: _epic_task(path) for path in paths}
    is_one_of_many = len(set(tasks.values())) > 1
    return [_source(path, format, tasks[path], is_one_of_many) for path in paths]


def unknown_columns(path: Path, columns: ColumnFile, needed: str) -> ComparisonError:
    """The error for a table without the columns that are needed."""
    found = ", ".join(repr(name) for name in columns.names[:20]) or "none"
    separators = {";": "semicolons", "\t": "tabs", "|": "bars"}
    hints = [name for mark, name in separators.items() if mark in "".join(columns.names)]
    hint = f"; its columns are separated by {hints[0]}, save it with commas" if hints else ""
    if columns.names[:1] == ("[",) or "".join(columns.names).startswith("[{"):
        hint = "; it looks like one JSON array, save it as JSONL with one object per line"
    return ComparisonError(f"has the columns {found}{hint}; needed are {needed}", path=path)


def _source(path: Path, format: str | None, task: str, is_one_of_many: bool) -> Source:
    if format in ("best", "proskill"):
        return _line_source(path, format)
    columns = open_columns(path)
    for name, layout in LAYOUTS.items():
        is_there = any(set(names) <= set(columns.names) for names in layout.needs)
        if format not in (None, name) or not is_there:
            continue
        votes = layout.votes
        if name == "epic_skills":
            votes = partial(votes, task=task, is_one_of_many=is_one_of_many)
        wanted = layout.wanted()
        unused = tuple(n for n in columns.names if n and n not in {*wanted, *_EXPECTED_UNUSED})
        return Source(path, name, partial(columns.blocks, wanted), votes, unused)
    if format is None and columns.container == "CSV":
        line = next(filter(str.strip, text_lines(path)))
        if is_proskill_line(line):
            return _line_source(path, "proskill")
        if is_best_line(line):
            return _line_source(path, "best")
    needed = "one of: " + "; ".join(FORMATS.values()) if format is None else FORMATS[format]
    raise unknown_columns(path, columns, needed)


def _line_source(path: Path, format: str) -> Source:
    blocks = best_blocks if format == "best" else proskill_blocks
    return Source(path, format, partial(blocks, path), votes_of_winners)


def _epic_task(path: Path) -> str:
    """`knot_tying` of `knot_tying_gt.csv` and of `knot_tying_train_2.csv`."""
    return re.sub(r"_(gt|(train|val|test)_\d+)$", "", path.stem)
