"""Problems that a check finds, its report, and the quarantine file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from proskill.whole_file import write_whole

ProblemKind = Literal[
    "wrong row", "take twice", "participant in two splits", "missing", "unreadable", "truncated",
    "too short", "same content twice", "unequal lengths", "worth knowing",
]  # fmt: skip
QUARANTINE_COLUMNS = ("take_id", "view", "path", "reason", "decoded_ratio")

_REMARKS = frozenset({"unequal lengths", "worth knowing"})


@dataclass(frozen=True)
class Problem:
    """Problem with one view.

    Attributes:
        kind: what sort of thing.
        take_id: as in the source; may be empty in a wrong row.
        view: its name; may be empty in a wrong row.
        path: its file; None where a wrong row names none.
        reason: one sentence.
        decoded_ratio: of the file, in [0, 1]; None where it was not decoded.

    Raises:
        ValueError: an unknown kind.
    """

    kind: ProblemKind
    take_id: str
    view: str
    path: Path | None
    reason: str
    decoded_ratio: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in get_args(ProblemKind):
            raise ValueError(f"kind={self.kind!r}: allowed are {', '.join(get_args(ProblemKind))}")

    @property
    def is_unusable(self) -> bool:
        """True if the view must be left out; if not, this is a remark."""
        return self.kind not in _REMARKS


@dataclass(frozen=True)
class CheckReport:
    """Result of a check.

    Attributes:
        num_takes: that could be read from the source.
        num_usable_takes: those of them with a view that can be used.
        num_views: of all of them.
        num_files: videos that were looked at; 0 where only the table was checked.
        problems: in the order of the source, unusable views and remarks.
    """

    num_takes: int
    num_usable_takes: int
    num_views: int
    num_files: int
    problems: tuple[Problem, ...]

    @property
    def unusable(self) -> tuple[Problem, ...]:
        """The problems that make a view unusable."""
        return tuple(problem for problem in self.problems if problem.is_unusable)

    @property
    def remarks(self) -> tuple[Problem, ...]:
        """The other problems, which a person should know."""
        return tuple(problem for problem in self.problems if not problem.is_unusable)


def write_problems(path: Path, problems: Sequence[Problem]) -> None:
    """Write problems as CSV, a row each; a header alone where there is none.

    Cells hold what the source holds, unchanged, so that rows can be matched with it.

    Raises:
        ProskillError: the file cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(QUARANTINE_COLUMNS)
    for problem in problems:
        ratio = "" if problem.decoded_ratio is None else f"{problem.decoded_ratio:.4f}"
        file = "" if problem.path is None else str(problem.path)
        writer.writerow([problem.take_id, problem.view, file, problem.reason, ratio])
    content = text.getvalue().encode("utf-8", "surrogateescape")
    write_whole(path, [content], advice="free some space or choose another folder")
