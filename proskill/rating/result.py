"""Published figures of each item, without the method behind them.

Every figure comes with its uncertainty: an interval, the probability of each level, the
number of comparisons, and flags that say why an item should not be trusted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from proskill.levels import LevelScale
from proskill.rating.comparisons import BoolArray, FloatArray, IntArray

# Probabilities are written with all their digits, but people round them by hand.
_SUM_TOLERANCE: Final = 1e-3


@dataclass(frozen=True, eq=False)
class Ratings:
    """I rated items, sorted by group and, within a group, best first.

    Attributes:
        items: (I,) distinct ids.
        groups: (I,) the group of each item; each group has its own scale unless all were joined.
        rating: (I,) logits: a difference of d between two items of a group means that the better
            one wins with probability logistic(d). The mean of a group is 0.
        lower, upper: (I,) logits, the ends of the 90 % interval.
        elo: (I,) the same rating in Elo's unit, 1500 + rating * 400 / ln 10 (Elo 1978, 8.4).
        scale: the levels, None when none were cut.
        level: (I,) a name on `scale`; empty where an item has none.
        level_probabilities: (I, L) by level of `scale`, rows sum to 1 or are NaN where an item has
            no level; L = 0 without a scale.
        num_comparisons: (I,) judged comparisons that the item takes part in.
        component: (I,) number of the connected part of its group's graph, 0 the largest. Items of
            different components were never compared, not even over others.
        flags: (I,) names of what is wrong with each item; empty when nothing is.

    Arrays are made read-only.

    Raises:
        ValueError: lengths differ, the order is another, or a value is outside of what is said.
    """

    items: tuple[str, ...]
    groups: tuple[str, ...]
    rating: FloatArray
    lower: FloatArray
    upper: FloatArray
    elo: FloatArray
    scale: LevelScale | None
    level: tuple[str, ...]
    level_probabilities: FloatArray
    num_comparisons: IntArray
    component: IntArray
    flags: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        num_items = len(self.items)
        num_levels = 0 if self.scale is None else len(self.scale)
        arrays: dict[str, tuple[Any, tuple[int, ...]]] = {
            "rating": (np.float64, (num_items,)),
            "lower": (np.float64, (num_items,)),
            "upper": (np.float64, (num_items,)),
            "elo": (np.float64, (num_items,)),
            "level_probabilities": (np.float64, (num_items, num_levels)),
            "num_comparisons": (np.int64, (num_items,)),
            "component": (np.int64, (num_items,)),
        }
        for name, (dtype, shape) in arrays.items():
            array = np.array(
                getattr(self, name), dtype
            )  # a copy, so that the caller's stays writable
            if array.shape != shape:
                raise ValueError(f"{name} has shape {array.shape}, needs {shape}")
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        for name in ("groups", "level", "flags"):
            if len(getattr(self, name)) != num_items:
                raise ValueError(f"{name} has {len(getattr(self, name))} entries for {num_items}")
        if len(set(self.items)) != num_items or not all(self.items):
            raise ValueError("items: the ids must be distinct and not empty")
        self._check_numbers()
        self._check_levels()

    def __len__(self) -> int:
        return len(self.items)

    def rank(self) -> IntArray:
        """(I,) place within the group, 1 for the best."""
        places = np.arange(len(self))
        first = np.maximum.accumulate(np.where(self._continues_group(), 0, places))
        return places - first + 1

    def _check_numbers(self) -> None:
        for name in ("rating", "lower", "upper", "elo"):
            _refuse(self, ~np.isfinite(getattr(self, name)), f"{name} must be a finite number")
        _refuse(self, self.lower > self.upper, "lower must not be above upper")
        _refuse(self, self.num_comparisons < 0, "num_comparisons must be 0 or more")
        _refuse(self, self.component < 0, "component must be 0 or more")
        falls = np.array([now < before for before, now in self._neighbours()], np.bool_)
        rises = self._continues_group() & (np.diff(self.rating, prepend=np.inf) > 0)
        _refuse(self, falls | rises, "items must be sorted by group, then best first")

    def _neighbours(self) -> Iterator[tuple[str, str]]:
        """The group of the item before, and of the item; the first item has itself before it."""
        return zip(self.groups[:1] + self.groups, self.groups, strict=False)

    def _continues_group(self) -> BoolArray:
        same = np.array([now == before for before, now in self._neighbours()], np.bool_)
        same[:1] = False
        return same

    def _check_levels(self) -> None:
        names = () if self.scale is None else self.scale.names
        known = np.array([name in ("", *names) for name in self.level], np.bool_)
        _refuse(self, ~known, f"level must be one of {', '.join(names) or 'none'}, or empty")
        if self.scale is not None:
            sums = self.level_probabilities.sum(axis=1)
            unknown = np.isnan(self.level_probabilities).all(axis=1)
            is_share = (self.level_probabilities >= 0).all(axis=1)
            right = unknown | (is_share & (abs(sums - 1) <= _SUM_TOLERANCE))
            _refuse(self, ~right, "level_probabilities must be shares that sum to 1, or all NaN")


def _refuse(ratings: Ratings, is_bad: Any, reason: str) -> None:
    bad = np.flatnonzero(is_bad)
    if len(bad):
        raise ValueError(f"item {ratings.items[int(bad[0])]!r}: {reason}")
