"""Pairwise judgements: rows at the border, columns of indices inside.

Nothing here reads a file or the clock, and nothing is estimated.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from proskill.errors import ComparisonError

IntArray = npt.NDArray[np.integer[Any]]
FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]

Outcome = Literal["a", "b", "tie", "skip"]

# Codes of `ComparisonTable.outcome`; a judged row's code is the sign of a's advantage.
A_WINS: Final = 1
TIE: Final = 0
B_WINS: Final = -1
SKIP: Final = 2
OUTCOME_CODES: Final[dict[str, int]] = {"a": A_WINS, "b": B_WINS, "tie": TIE, "skip": SKIP}


@dataclass(frozen=True)
class Comparison:
    """One judgement of which of two items shows more skill.

    Attributes:
        item_a, item_b: two different item ids, any non-empty text.
        outcome: "a" or "b" shows more skill, "tie" neither does, "skip" could not be judged.
        annotator: who judged; empty when unknown.
        group: the event that the pair belongs to, such as an action or a scenario.
        left_item: the item shown on the left, or first; None when unknown.
        seconds: how long the answer took, >= 0; None when unknown.
        token: identifies the vote; the same token twice counts once.

    Raises:
        ComparisonError: a value is outside of what is said above.
    """

    item_a: str
    item_b: str
    outcome: Outcome
    annotator: str = ""
    group: str = ""
    left_item: str | None = None
    seconds: float | None = None
    token: str | None = None

    def __post_init__(self) -> None:
        for name in ("item_a", "item_b"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value:
                raise ComparisonError(f"{name}={value!r}: an item needs a non-empty text id")
        if self.item_a == self.item_b:
            raise ComparisonError(f"item {self.item_a!r} is compared with itself")
        if self.outcome not in get_args(Outcome):
            raise ComparisonError(f"outcome={self.outcome!r}: allowed are a, b, tie and skip")
        if self.left_item not in (None, self.item_a, self.item_b):
            raise ComparisonError(
                f"left_item={self.left_item!r} is neither {self.item_a!r} nor {self.item_b!r}"
            )
        if self.seconds is not None and not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise ComparisonError(f"seconds={self.seconds!r}: must be a finite number >= 0")


@dataclass(frozen=True, eq=False)
class ComparisonTable:
    """N judgements of I items in G groups by A annotators, as columns.

    Attributes:
        items: (I,) distinct ids; an item may have no judgement yet.
        item_a, item_b: (N,) indices into `items`, never equal within a row.
        outcome: (N,) int8: 1 a wins, 0 tie, -1 b wins, 2 skip.
        groups: (G,) distinct names.
        item_group: (I,) index into `groups`; both items of a row share it.
        annotators: (A,) distinct names.
        annotator: (N,) index into `annotators`.
        left: (N,) int8: 1 when a was on the left, -1 when b was, 0 unknown.
        seconds: (N,) how long each answer took, NaN where unknown.

    Columns left out take their neutral value. Arrays are made read-only.

    Raises:
        ComparisonError: lengths differ, or a value is outside of what is said above; the message
            names the first bad row, counted from 1.
    """

    items: tuple[str, ...]
    item_a: IntArray
    item_b: IntArray
    outcome: IntArray
    groups: tuple[str, ...] = ("",)
    item_group: IntArray = field(default_factory=lambda: np.empty(0, np.int32))
    annotators: tuple[str, ...] = ("",)
    annotator: IntArray = field(default_factory=lambda: np.empty(0, np.int32))
    left: IntArray = field(default_factory=lambda: np.empty(0, np.int8))
    seconds: FloatArray = field(default_factory=lambda: np.empty(0, np.float32))

    def __post_init__(self) -> None:
        num_rows, num_items = len(self.item_a), len(self.items)
        columns: dict[str, tuple[Any, int, float]] = {
            "item_a": (np.int32, num_rows, 0),
            "item_b": (np.int32, num_rows, 0),
            "outcome": (np.int8, num_rows, 0),
            "item_group": (np.int32, num_items, 0),
            "annotator": (np.int32, num_rows, 0),
            "left": (np.int8, num_rows, 0),
            "seconds": (np.float32, num_rows, math.nan),
        }
        for name, (dtype, length, neutral) in columns.items():
            given = np.asarray(getattr(self, name))
            if len(given) == 0 and length and name not in ("item_a", "item_b", "outcome"):
                given = np.full(length, neutral, dtype)
            if given.shape != (length,):
                raise ComparisonError(f"{name} has shape {given.shape}, needs ({length},)")
            column = np.array(given, dtype)  # a copy, so that the caller's stays writable
            column.flags.writeable = False
            object.__setattr__(self, name, column)
        for name in ("items", "groups", "annotators"):
            if len(set(getattr(self, name))) != len(getattr(self, name)):
                raise ComparisonError(f"{name} holds a name twice")
        if num_items and not in_range(self.item_group, len(self.groups)).all():
            raise ComparisonError(f"item_group must lie in 0..{len(self.groups) - 1}")
        self._check_rows()

    def _check_rows(self) -> None:
        known = in_range(self.item_a, len(self.items)) & in_range(self.item_b, len(self.items))
        refuse_rows(~known, f"an item index outside 0..{len(self.items) - 1}")
        refuse_rows(self.item_a == self.item_b, "an item is compared with itself")
        refuse_rows(
            self.item_group[self.item_a] != self.item_group[self.item_b],
            "the two items belong to different groups",
        )
        refuse_rows(
            ~np.isin(self.outcome, tuple(OUTCOME_CODES.values())), "an unknown outcome code"
        )
        refuse_rows(
            ~in_range(self.annotator, len(self.annotators)), "an annotator index out of range"
        )
        refuse_rows(abs(self.left) > 1, "left must be -1, 0 or 1")
        refuse_rows(
            (self.seconds < 0) | np.isinf(self.seconds), "seconds must be finite and not negative"
        )

    def __len__(self) -> int:
        return len(self.item_a)

    @property
    def num_items(self) -> int:
        return len(self.items)

    def judged(self) -> ComparisonTable:
        """Return the table without skips, which enter no likelihood."""
        return self.select(self.outcome != SKIP)

    def select(self, rows: BoolArray | IntArray) -> ComparisonTable:
        """Return the rows of a mask or of indices, in that order; all names stay."""
        names = ("item_a", "item_b", "outcome", "annotator", "left", "seconds")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def num_comparisons(self) -> IntArray:
        """(I,) judged rows, ties among them, that each item takes part in."""
        judged = self.outcome != SKIP
        ends = np.concatenate([self.item_a[judged], self.item_b[judged]])
        return np.bincount(ends, minlength=self.num_items)


def in_range(indices: IntArray, length: int) -> BoolArray:
    """Return True for indices in 0..length - 1."""
    return (indices >= 0) & (indices < length)


def refuse_rows(is_bad: BoolArray, reason: str, start: int = 0) -> None:
    """Raise a `ComparisonError` with the first bad row, `start` rows coming before the first."""
    bad = np.flatnonzero(is_bad)
    if len(bad):
        raise ComparisonError(reason, row=start + int(bad[0]) + 1)
