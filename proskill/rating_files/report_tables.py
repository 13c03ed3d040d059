"""The report's tables beside the rankings: flags, levels, annotators, what to ask next."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from proskill.rating.annotators import AnnotatorReport
from proskill.rating.health import FLAGS
from proskill.rating.rate import RatingRun
from proskill.rating_files.charts import axis_over
from proskill.rating_files.report_ranking import Bar, interval_bar, level_colour

MAX_ANNOTATORS: Final = 100


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


@dataclass(frozen=True)
class AnnotatorRow:
    """One annotator, with the bar of the discrimination."""

    report: AnnotatorReport
    bar: Bar


def annotator_rows(run: RatingRun) -> tuple[list[AnnotatorRow], tuple[float, float]]:
    """Annotators, flagged ones first, then those who follow the others least.

    Returns:
        The rows, as many as a page can hold, and the places of 0 (a coin) and 1 (the mean
        annotator) on their bars.
    """
    reports = sorted(
        run.agreement.annotators, key=lambda one: (not one.flags, one.discrimination, one.annotator)
    )[:MAX_ANNOTATORS]
    lowest = [one.discrimination_lower for one in reports]
    highest = [one.discrimination_upper for one in reports]
    axis = axis_over([-0.25, 1.25, *lowest, *highest])  # room for the names of the marks
    rows = [
        AnnotatorRow(
            one,
            interval_bar(
                axis, one.discrimination, one.discrimination_lower, one.discrimination_upper
            ),
        )
        for one in reports
    ]
    return rows, (100 * axis.share(0), 100 * axis.share(1))


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
