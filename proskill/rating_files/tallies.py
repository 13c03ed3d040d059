"""Counts and lists drawn from a rating run: rankings, histograms, flags, levels, next pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from proskill.rating.comparisons import FloatArray, IntArray
from proskill.rating.health import FLAGS
from proskill.rating.level_cuts import LevelCuts
from proskill.rating.rate import RatingRun

_MAX_BARS: Final = 40


def least_reliable_first(run: RatingRun, *, limit: int) -> list[int]:
    """Return indices of groups, those without a reliability last."""

    def place(group: int) -> tuple[bool, float, str]:
        found = run.reliability[group]
        is_known = math.isfinite(found.reliability)
        return not is_known, found.reliability if is_known else 0.0, found.group

    return sorted(range(len(run.reliability)), key=place)[:limit]


@dataclass(frozen=True, eq=False)
class GroupRows:
    """Rows of one group's ratings, best first.

    Attributes:
        group: its index.
        rows: (N,) indices into the ratings.
        end: rows to show from each end; None shows all of them.
    """

    group: int
    rows: IntArray
    end: int | None

    @property
    def top(self) -> IntArray:
        """Return the rows to show from the top."""
        return self.rows[: self.end]

    @property
    def bottom(self) -> IntArray:
        """Return the rows to show from the bottom of a long ranking."""
        return self.rows[:0] if self.end is None else self.rows[-self.end :]


def group_rows(
    run: RatingRun, groups: list[int], *, max_rows: int, ends: tuple[int, int]
) -> list[GroupRows]:
    """Return the rows of these groups, long rankings cut down to their ends.

    Args:
        run: has one or more groups.
        groups: indices, such as those of `least_reliable_first`.
        max_rows: of all groups together, as far as `ends` allows.
        ends: the fewest and the most rows to show from each end of a long ranking.
    """
    rows_of: dict[str, list[int]] = {}
    for row, name in enumerate(run.ratings.groups):
        rows_of.setdefault(name, []).append(row)
    end = int(np.clip(max_rows // (2 * max(len(groups), 1)), *ends))
    found = []
    for group in groups:
        rows = np.array(rows_of.get(run.table.groups[group], []), np.int64)
        found.append(GroupRows(group, rows, end if len(rows) > 2 * end + 4 else None))
    return found


@dataclass(frozen=True)
class CountBars:
    """Numbers of items by number of comparisons: bar i counts from start + i step on."""

    start: int
    step: int
    bars: tuple[int, ...]


def count_bars(num_comparisons: IntArray, *, minimum: int) -> CountBars:
    """Count items by their number of comparisons.

    Args:
        num_comparisons: (I,) of each item, I >= 1.
        minimum: number of comparisons that an item needs.
    """
    least, most = int(num_comparisons.min()), int(num_comparisons.max())
    start = least if least > 2 * minimum else 0
    step = math.ceil((most - start + 1) / _MAX_BARS)
    return CountBars(start, step, tuple(np.bincount((num_comparisons - start) // step).tolist()))


def rating_bars(
    rating: FloatArray, level: IntArray, *, num_levels: int, low: float, high: float
) -> IntArray:
    """Return (B, num_levels + 1) numbers of items by rating and level, those without one last.

    Args:
        rating: (I,) logits, I >= 1.
        level: (I,) index on the scale, -1 where an item has none.
        num_levels: of the scale, 0 without one.
        low, high: outer ends of the bars, which are of equal width.
    """
    num_bars = int(np.clip(2 * math.sqrt(len(rating)), 8, _MAX_BARS))
    bars = np.clip(((rating - low) / (high - low) * num_bars).astype(int), 0, num_bars - 1)
    counts = np.zeros((num_bars, num_levels + 1), np.int64)
    np.add.at(counts, (bars, np.where(level < 0, num_levels, level)), 1)
    return counts


def level_indices(run: RatingRun) -> IntArray:
    """Return (I,) the index of each rating's level, -1 where it has none."""
    scale = run.ratings.scale
    return np.array([scale.index(n) if scale and n else -1 for n in run.ratings.level], np.int64)


def cut_bands(cuts: LevelCuts) -> list[tuple[float, float, float]]:
    """Return mean, lower and upper end (90 %) of each cut."""
    lower, upper = np.quantile(cuts.draws, [0.05, 0.95], axis=0)
    return list(zip(cuts.cuts, lower.tolist(), upper.tolist(), strict=True))


@dataclass(frozen=True)
class FlagCount:
    """A flag, what it means, and which items carry it."""

    flag: str
    meaning: str
    num_items: int
    examples: tuple[str, ...]


def flag_counts(run: RatingRun, *, num_examples: int = 4) -> list[FlagCount]:
    """Return the flags that occur, gravest first."""
    found: dict[str, list[str]] = {flag: [] for flag in FLAGS}
    for item, flags in zip(run.ratings.items, run.ratings.flags, strict=True):
        for flag in flags:
            found[flag].append(item)
    return [
        FlagCount(flag, FLAGS[flag], len(items), tuple(items[:num_examples]))
        for flag, items in found.items()
        if items
    ]


@dataclass(frozen=True)
class LevelCount:
    """Number of items at a level, and the share of these that is expected to be right."""

    name: str
    colour: float
    num_items: int
    expected_items: float
    share_right: float
    share_within_one: float


def level_counts(run: RatingRun) -> list[LevelCount]:
    """Return the levels from the highest to the lowest; empty without levels.

    The probability of the level that an item is given, averaged over the items, is the share of
    them that is expected to be right, as far as the model holds.
    """
    scale, p = run.ratings.scale, run.ratings.level_probabilities
    if scale is None:
        return []
    has_level = np.isfinite(p).all(axis=1)
    level = level_indices(run)
    counts = []
    for index, name in reversed(list(enumerate(scale.names))):
        named = p[has_level & (level == index)]
        near = named[:, max(index - 1, 0) : index + 2].sum(axis=1)
        counts.append(
            LevelCount(
                name=name,
                colour=level_colour(index, len(scale)),
                num_items=len(named),
                expected_items=float(p[has_level, index].sum()),
                share_right=float(named[:, index].mean()) if len(named) else math.nan,
                share_within_one=float(near.mean()) if len(named) else math.nan,
            )
        )
    return counts


def next_pairs(run: RatingRun, *, limit: int | None = None) -> list[dict[str, Any]]:
    """Return the next pairs to ask about, the most needed first.

    Args:
        run: says which.
        limit: how many at most; None gives all.
    """
    table, pairs = run.table, run.next_round
    num = table.num_comparisons()
    chosen = zip(pairs.left[:limit].tolist(), pairs.right[:limit].tolist(), strict=True)
    return [
        {
            "left": table.items[left],
            "right": table.items[right],
            "group": table.groups[table.item_group[left]],
            "comparisons_left": int(num[left]),
            "comparisons_right": int(num[right]),
        }
        for left, right in chosen
    ]


def level_colour(index: int, num_levels: int) -> float:
    """Return the position of a level on the colour scale, in per cent."""
    return 100 * index / max(num_levels - 1, 1)
