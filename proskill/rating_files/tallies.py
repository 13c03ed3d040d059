"""Counts and lists drawn from a rating run: flags, levels and the pairs to ask about next."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from proskill.rating.health import FLAGS
from proskill.rating.rate import RatingRun


@dataclass(frozen=True)
class FlagCount:
    """A flag, what it means, and which items carry it."""

    flag: str
    meaning: str
    num_items: int
    examples: tuple[str, ...]


def flag_counts(run: RatingRun, *, num_examples: int = 4) -> list[FlagCount]:
    """The flags that occur, gravest first."""
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
    """How many items are called by a level, and how many of these are expected to be right."""

    name: str
    colour: float
    num_items: int
    expected_items: float
    share_right: float
    share_within_one: float


def level_counts(run: RatingRun) -> list[LevelCount]:
    """The levels from the highest to the lowest; empty without levels.

    The probability of the level that an item is given, averaged over the items, is the share of
    them that is expected to be right, as far as the model holds.
    """
    scale, p = run.ratings.scale, run.ratings.level_probabilities
    if scale is None:
        return []
    has_level = np.isfinite(p).all(axis=1)
    level = np.array([-1 if not n else scale.index(n) for n in run.ratings.level], np.int64)
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
    """The pairs to ask about next, those that matter most first.

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
