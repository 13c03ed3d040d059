"""Choice of the next pairs, a whole round at a time: every item once.

For one pair at a time, while other pairs are out, see `proskill.rating.asynchronous`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from proskill.rating.bradley_terry import fit_bradley_terry
from proskill.rating.comparisons import BoolArray, ComparisonTable, FloatArray, IntArray, in_range
from proskill.rating.matching import Meetings, match_in_order, match_round_robin

PairingMethod = Literal["mix20", "swiss_rating", "swiss_score", "random", "round_robin"]

# Pairs drawn at random identify the scale, which neighbours alone do not, and cost no accuracy.
RANDOM_LINK_SHARE: Final = 0.2

# Items of equal rating go in random order: logits, above the tolerance of a fit (1e-5) and far
# below any difference that votes can resolve.
RATING_JITTER: Final = 1e-4


@dataclass(frozen=True, eq=False)
class Round:
    """Pairs of one round, in random order, so that a round cut short favours no item.

    Attributes:
        left, right: (P,) indices of the items to show on each side; no item occurs twice.
        byes: (B,) indices of the items left out, one at most per group.
    """

    left: IntArray
    right: IntArray
    byes: IntArray


def pair_round(
    table: ComparisonTable,
    *,
    rng: np.random.Generator,
    method: PairingMethod = "mix20",
    params: FloatArray | None = None,
    anchors: Sequence[int] | IntArray = (),
    events: IntArray | None = None,
) -> Round:
    """Pair all items once, each group by itself.

    No pair meets twice while it can be avoided (`matching.match_in_order` says how hard it tries);
    of an odd group, an item with the most comparisons is left out. The item that was shown on the
    left less often goes left. The same seed gives the same pairs, in whatever order the rows are.

    Methods:
        mix20: 20 % of the pairs at random, the rest neighbours by rating; all at random at first,
            when no rating differs.
        swiss_rating: neighbours by rating.
        swiss_score: neighbours by wins plus half ties, at random within a score.
        random: at random.
        round_robin: the circle method, all against all; byes follow the circle.

    Args:
        table: all items and all votes so far; a skipped pair has met.
        rng: source of chance.
        method: see above.
        params: (I,) ratings in logits; None fits them to `table` where the method needs them.
        anchors: indices of items of known standard that hold groups or sessions together. They are
            never left out while another item can be, mix20 and random give half of their random
            links, at least one, to an anchor against an item that is none, and with `events` each
            anchor visits another event each round.
        events: (I,) event of each item, 0-based, for a table that has all events on one scale:
            only items of one event and its visiting anchors are paired. None: the table's groups.

    Raises:
        ValueError: an argument is outside of what is said above.
    """
    if method not in get_args(PairingMethod):
        raise ValueError(f"method={method!r}: allowed are {', '.join(get_args(PairingMethod))}")
    if params is not None:
        check_params(params, table)
    is_anchor = _checked_anchors(anchors, table.num_items)
    group = _deal_anchors(_checked_events(events, table), is_anchor, events is not None, rng)
    meetings = Meetings.of(table)
    if method == "round_robin":
        first, second, byes = match_round_robin(group, meetings)
    else:
        byes = _choose_byes(table.num_comparisons(), group, is_anchor, rng)
        playing = np.delete(np.arange(table.num_items), byes)
        is_random, rank = _draw_random_links(method, group[playing], is_anchor[playing], rng)
        strength = _strength(table, method, params)[playing]
        strength = strength + RATING_JITTER * rng.standard_normal(len(playing))
        value = np.where(is_random, rank, strength)
        order = playing[np.lexsort((value, ~is_random, group[playing]))]
        first, second = match_in_order(order, item_group=group, meetings=meetings)
    shuffled = rng.permutation(len(first))
    left, right = _assign_sides(table, first[shuffled], second[shuffled], rng)
    return Round(left, right, byes)


def left_surplus(table: ComparisonTable) -> IntArray:
    """(I,) how much more often each item was on the left than on the right, skips included."""
    num_items, shown = table.num_items, table.left.astype(np.float64)
    difference = np.bincount(table.item_a, shown, num_items)
    difference -= np.bincount(table.item_b, shown, num_items)
    return difference.astype(np.int64)


def check_params(params: FloatArray, table: ComparisonTable) -> None:
    """Refuse ratings that are not one finite number for each item, with a `ValueError`."""
    if np.shape(params) != (table.num_items,):
        raise ValueError(
            f"params has shape {np.shape(params)}, needs ({table.num_items},), one for each item"
        )
    unusable = np.flatnonzero(~np.isfinite(params))
    if len(unusable):
        raise ValueError(
            f"params of item {table.items[int(unusable[0])]!r} is {params[unusable[0]]}, needs a "
            "finite number; an item without votes takes 0"
        )


def _checked_anchors(anchors: Sequence[int] | IntArray, num_items: int) -> BoolArray:
    indices = np.asarray(anchors, np.int64)
    if not in_range(indices, num_items).all():
        raise ValueError(f"anchors={anchors!r}: needs item indices in 0..{num_items - 1}")
    is_anchor = np.zeros(num_items, np.bool_)
    is_anchor[indices] = True
    return is_anchor


def _checked_events(events: IntArray | None, table: ComparisonTable) -> IntArray:
    if events is None:
        return table.item_group.astype(np.int64)
    if len(table.groups) > 1:
        raise ValueError(
            f"events given for a table of {len(table.groups)} groups; build the table on one scale "
            "to pair by event, or leave events out to pair by group"
        )
    events = np.asarray(events, np.int64)
    if events.shape != (table.num_items,) or (events < 0).any():
        raise ValueError(f"events needs {table.num_items} indices >= 0, one for each item")
    return events


def _deal_anchors(
    group: IntArray, is_anchor: BoolArray, may_travel: bool, rng: np.random.Generator
) -> IntArray:
    """The group in which each item plays this round; anchors that travel are dealt out evenly."""
    visited = np.unique(group[~is_anchor])
    if not may_travel or not len(visited):
        return group
    travellers = rng.permutation(np.flatnonzero(is_anchor))
    group = group.copy()
    group[travellers] = np.resize(rng.permutation(visited), len(travellers))
    return group


def _choose_byes(
    num_comparisons: IntArray, group: IntArray, is_anchor: BoolArray, rng: np.random.Generator
) -> IntArray:
    """Of each odd group an item with the most comparisons, an anchor only if all are."""
    chance = rng.random(len(group))
    order = np.lexsort((chance, -num_comparisons, is_anchor, group))
    _, start, size = np.unique(group[order], return_index=True, return_counts=True)
    byes: IntArray = order[start[size % 2 == 1]]
    return byes


def _draw_random_links(
    method: PairingMethod, group: IntArray, is_anchor: BoolArray, rng: np.random.Generator
) -> tuple[BoolArray, IntArray]:
    """Return the playing items that take a random link, and their rank in the order of those.

    Anchors, up to half of the items drawn, share their ranks with one item each that is none, so
    that these are neighbours.
    """
    share = {"mix20": RANDOM_LINK_SHARE, "random": 1.0}.get(method, 0.0)
    size = np.bincount(group)
    num_anchors = np.bincount(group, is_anchor).astype(np.int64)
    num_links = np.rint(share * size / 2).astype(np.int64)
    if share > 0:
        num_links = np.maximum(num_links, num_anchors > 0)
    num_anchors = np.minimum(num_anchors, num_links)
    rank = _rank_within(2 * group + is_anchor, rng.random(len(group)))
    num_drawn = np.where(is_anchor, num_anchors[group], (2 * num_links - num_anchors)[group])
    return rank < num_drawn, rank


def _rank_within(group: IntArray, value: FloatArray) -> IntArray:
    """(N,) how many entries of the same group have a smaller value."""
    order = np.lexsort((value, group))
    size = np.bincount(group)
    rank = np.empty(len(group), np.int64)
    rank[order] = np.arange(len(group)) - (np.cumsum(size) - size)[group[order]]
    return rank


def _strength(
    table: ComparisonTable, method: PairingMethod, params: FloatArray | None
) -> FloatArray:
    """(I,) by what the method sorts items."""
    if method == "swiss_score":
        judged = table.judged()
        points = (judged.outcome + 1) / 2  # of item a: 1, or .5 for a tie, or 0
        score: FloatArray = np.bincount(judged.item_a, points, table.num_items).astype(np.float64)
        score += np.bincount(judged.item_b, 1 - points, table.num_items)
        return score
    if method == "random":
        return np.zeros(table.num_items)
    return fit_bradley_terry(table).params if params is None else params


def _assign_sides(
    table: ComparisonTable, first: IntArray, second: IntArray, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    surplus = left_surplus(table)
    lead = surplus[first] - surplus[second]
    first_is_left = (lead < 0) | ((lead == 0) & (rng.random(len(first)) < 0.5))
    left = np.where(first_is_left, first, second)
    return left, np.where(first_is_left, second, first)
