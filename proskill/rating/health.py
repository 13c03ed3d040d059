"""Checks of the votes before any score is shown. Nothing is estimated here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from proskill.rating.comparisons import (
    A_WINS,
    B_WINS,
    TIE,
    BoolArray,
    ComparisonTable,
    IntArray,
)
from proskill.rating.posterior import Posterior

FLAGS: Final[dict[str, str]] = {
    "alone": "alone in the group, with nothing to be compared with",
    "no_comparisons": "no judged comparison, so no rating",
    "disconnected": "no chain of comparisons to most of the group",
    "scale_not_identified": "in a group whose votes do not say how far apart its items are",
    "never_won": "lost every comparison, so only the prior limits the rating from below",
    "never_lost": "won every comparison, so only the prior limits the rating from above",
    "one_way": "in no circle of wins with the rest, so only the prior says how far away",
    "few_comparisons": "fewer comparisons than a rating needs",
}
"""Sentences for the flags of an item, gravest first."""

# A group's scale is not identified when its sd of skill may be near 0 logits (two people then agree
# on a random pair with probability .52 at most), or is not known within a factor of 8 in all: the
# half-Cauchy prior alone spans a factor of 160 between these quantiles.
_SMALL_SCALE: Final = 0.25
_WIDE_SCALE: Final = 8.0


@dataclass(frozen=True, eq=False)
class Health:
    """The state of the votes.

    Attributes:
        component: (I,) which connected part of its group an item is in, 0 for the largest; an item
            without a judged comparison is a part of its own.
        num_comparisons: (I,) judged comparisons, ties among them.
        flags: (I,) keys of `FLAGS` for each item, gravest first; empty when all is well.
        findings: plain sentences for people, gravest first; empty when all is well.
    """

    component: IntArray
    num_comparisons: IntArray
    flags: tuple[tuple[str, ...], ...]
    findings: tuple[str, ...]


def check_health(
    table: ComparisonTable, *, min_comparisons: int = 8, posterior: Posterior | None = None
) -> Health:
    """Look for items and groups that the votes cannot rate.

    Maximum likelihood is finite only where every item can be reached from every other along wins
    (Ford 1957); elsewhere it is the prior that says how far apart items are, and the items carry
    "never_won", "never_lost" or "one_way".

    Args:
        table: the votes, skips among them.
        min_comparisons: an item with fewer carries "few_comparisons"; 8 is where posterior
            reliability becomes trustworthy in simulation.
        posterior: of the same table; without it no group carries "scale_not_identified".

    Raises:
        ValueError: `min_comparisons` < 1.
    """
    if min_comparisons < 1:
        raise ValueError(f"min_comparisons={min_comparisons}: needs to be 1 or more")
    judged = table.judged()
    num_comparisons = table.num_comparisons()
    part = _component_label(judged, one_way=False)
    component = _rank_by_size(part, table.item_group)
    circle = _rank_by_size(_component_label(judged, one_way=True), part)
    won, lost = _won_and_lost(judged)
    is_judged = num_comparisons > 0
    group_size = np.bincount(table.item_group, minlength=len(table.groups))
    alone = group_size[table.item_group] == 1
    never_won, never_lost = is_judged & ~won, is_judged & ~lost
    masks = {
        "alone": alone,
        "no_comparisons": ~is_judged & ~alone,
        "disconnected": _is_disconnected(judged, component) & is_judged,
        "scale_not_identified": _is_scale_open(table, posterior) & ~alone,
        "never_won": never_won,
        "never_lost": never_lost,
        "one_way": (circle > 0) & ~never_won & ~never_lost,
        "few_comparisons": is_judged & (num_comparisons < min_comparisons),
    }
    findings = _findings(table, judged, masks, min_comparisons=min_comparisons)
    return Health(component, num_comparisons, _name_flags(masks), findings)


def _component_label(judged: ComparisonTable, *, one_way: bool) -> IntArray:
    """(I,) a number for each connected part; `one_way`: for each circle of wins, ties both ways."""
    num_items = judged.num_items
    winner = np.where(judged.outcome == B_WINS, judged.item_b, judged.item_a)
    loser = np.where(judged.outcome == B_WINS, judged.item_a, judged.item_b)
    tied = judged.outcome == TIE
    start = np.concatenate([winner, loser[tied]])
    stop = np.concatenate([loser, winner[tied]])
    graph = coo_array((np.ones(len(start), np.int8), (start, stop)), shape=(num_items, num_items))
    connection = "strong" if one_way else "weak"
    label: IntArray = connected_components(graph.tocsr(), connection=connection)[1]
    return label


def _rank_by_size(label: IntArray, parent: IntArray) -> IntArray:
    """(I,) number of each label among those of its parent, the largest 0, then by first item."""
    if not len(label):
        return np.empty(0, np.int64)
    _, first, inverse, size = np.unique(
        label, return_index=True, return_inverse=True, return_counts=True
    )
    order = np.lexsort((first, -size, parent[first]))
    start_of_parent = np.searchsorted(parent[first][order], parent[first][order])
    rank = np.empty(len(first), np.int64)
    rank[order] = np.arange(len(first)) - start_of_parent
    return rank[inverse]


def _won_and_lost(judged: ComparisonTable) -> tuple[BoolArray, BoolArray]:
    """(I,), (I,) which items won, and lost, at least once; a tie is half of each."""
    won, lost = np.zeros((2, judged.num_items), np.bool_)
    won[judged.item_a[judged.outcome != B_WINS]] = True
    won[judged.item_b[judged.outcome != A_WINS]] = True
    lost[judged.item_a[judged.outcome != A_WINS]] = True
    lost[judged.item_b[judged.outcome != B_WINS]] = True
    return won, lost


def _is_disconnected(judged: ComparisonTable, component: IntArray) -> BoolArray:
    """(I,) outside of the part that holds most judged items of the group; all where none does."""
    is_judged = judged.num_comparisons() > 0
    num_groups = len(judged.groups)
    in_group = np.bincount(judged.item_group, weights=is_judged, minlength=num_groups)
    in_largest = np.bincount(
        judged.item_group, weights=is_judged & (component == 0), minlength=num_groups
    )
    has_most = in_largest > in_group / 2
    return (component > 0) | ~has_most[judged.item_group]


def _is_scale_open(table: ComparisonTable, posterior: Posterior | None) -> BoolArray:
    """(I,) items whose group's sd of skill may be near 0, or is hardly known at all."""
    if posterior is None:
        return np.zeros(table.num_items, np.bool_)
    low, high = np.quantile(posterior.scale, [0.05, 0.95], axis=0)  # (G,)
    is_open: BoolArray = (low < _SMALL_SCALE) | (high > _WIDE_SCALE * low)
    return is_open[table.item_group]


def _name_flags(masks: dict[str, BoolArray]) -> tuple[tuple[str, ...], ...]:
    # Few combinations occur, so each is spelled once and shared between its items.
    code = sum(mask.astype(np.int64) << bit for bit, mask in enumerate(masks.values()))
    codes, inverse = np.unique(code, return_inverse=True)
    spelled = [
        tuple(flag for bit, flag in enumerate(masks) if value >> bit & 1)
        for value in codes.tolist()
    ]
    return tuple(spelled[index] for index in inverse.tolist())


def _findings(
    table: ComparisonTable,
    judged: ComparisonTable,
    masks: dict[str, BoolArray],
    *,
    min_comparisons: int,
) -> tuple[str, ...]:
    if not len(judged):
        skips = f", only {len(table)} skipped ones" if len(table) else ""
        return (f"There is no judged comparison{skips}: nothing can be rated.",)
    group = judged.item_group[judged.item_a]
    num_judged = np.bincount(group, minlength=len(table.groups))
    num_ties = np.bincount(group[judged.outcome == TIE], minlength=len(table.groups))
    only_ties = np.flatnonzero((num_ties == num_judged) & (num_judged > 0))
    sentences = []
    if len(only_ties):
        sentences.append(
            f"Every vote is a tie{_in_groups(table, only_ties)}: nothing ranks the items."
        )
    meanings = {**FLAGS, "few_comparisons": f"fewer than {min_comparisons} comparisons"}
    for flag, meaning in meanings.items():
        affected = np.flatnonzero(masks[flag])
        if len(affected):
            where = _in_groups(table, np.unique(table.item_group[affected]))
            sentences.append(
                f"{len(affected):,} of {table.num_items:,} items{where}: {meaning} "
                f"({_name_a_few([table.items[item] for item in affected[:4]], len(affected))})."
            )
    return tuple(sentences)


def _in_groups(table: ComparisonTable, groups: IntArray) -> str:
    if len(table.groups) == 1:
        return ""
    named = _name_a_few([table.groups[group] for group in groups[:4]], len(groups))
    return f" in {len(groups):,} of {len(table.groups):,} groups ({named})"


def _name_a_few(names: Sequence[str], num: int) -> str:
    shown = [repr(name) for name in names[:3]]
    return ", ".join(shown) + (f" and {num - 3:,} more" if num > 3 else "")
