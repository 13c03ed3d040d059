"""Matchings along an order, or around a circle, that avoid pairs that met before.

Nothing here knows ratings, rounds or sides: `proskill.rating.pairing` makes the order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import networkx as nx
import numpy as np

from proskill.rating.comparisons import BoolArray, ComparisonTable, IntArray

# A round of this size, in pure Python, takes up to two seconds when few new pairs are left; until
# half of the pairs are played it takes hundredths (`benchmarks/pairing.py`).
MAX_EXACT_ITEMS: Final = 200
_FIRST_REACH: Final = 8


@dataclass(frozen=True, eq=False)
class Meetings:
    """Counts of how often any two items have met, judged or skipped.

    Attributes:
        num_items: I of the table.
        keys: (M,) int64, ascending: smaller index * I + larger index of each pair that met.
        counts: (M,) how often, >= 1.
    """

    num_items: int
    keys: IntArray
    counts: IntArray

    @classmethod
    def of(cls, table: ComparisonTable) -> Meetings:
        """Count the rows of a table; their order does not matter."""
        keys = _pair_keys(table.item_a, table.item_b, table.num_items)
        return cls(table.num_items, *np.unique(keys, return_counts=True))

    def count(self, a: IntArray, b: IntArray) -> IntArray:
        """(P,) how often each a met its b."""
        if not len(self.keys):
            return np.zeros(len(a), np.int64)
        wanted = _pair_keys(a, b, self.num_items)
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where(self.keys[place] == wanted, self.counts[place], 0)


def match_in_order(
    order: IntArray, *, item_group: IntArray, meetings: Meetings
) -> tuple[IntArray, IntArray]:
    """Pair neighbours of an order, and move apart those who have met.

    Neighbours 1-2, 3-4, ... are the matching of least total distance. Where two have met, they
    trade partners with a pair nearby, then further away. Where all trades fail, the items around
    are matched anew and exactly (Edmonds 1965, as networkx has it), more and more of them up to
    `MAX_EXACT_ITEMS`: a group of that size sees no rematch unless every matching has one, and then
    the fewest earlier meetings in sum. A larger group may, once most of its pairs are played.

    Args:
        order: (2P,) distinct item indices, ascending in their group, an even number of each group.
        item_group: (I,) group of each item; only items of one group are paired.
        meetings: what was played before.

    Returns:
        Two arrays (P,): the items of each pair.
    """
    first, second = order[0::2].copy(), order[1::2].copy()
    group = item_group[first]
    rematches = _trade_partners(first, second, group, meetings)
    if len(rematches):
        place = np.empty(len(item_group), np.int64)
        place[order] = np.arange(len(order))
        _match_around(rematches, first, second, group, place, meetings)
    return first, second


def match_round_robin(
    item_group: IntArray, meetings: Meetings
) -> tuple[IntArray, IntArray, IntArray]:
    """The next round of the circle method, by which all meet once in n - 1 rounds (n if n is odd).

    Of the rounds of a group's circle, the first with the fewest earlier meetings is taken, so an
    interrupted or repeated cycle goes on where it should.

    Args:
        item_group: (I,) group of each item.
        meetings: what was played before.

    Returns:
        Two arrays (P,), the items of each pair, and the items left out: in an odd group each item
        once in a cycle.
    """
    num_items = len(item_group)
    members = np.argsort(item_group, kind="stable")
    size = np.bincount(item_group)
    start = np.cumsum(size) - size
    seat = np.empty(num_items, np.int64)
    seat[members] = np.arange(num_items) - start[item_group[members]]
    # An odd circle gets an empty seat; the last seat is the fixed one that the others turn about.
    # Seats i and j meet in round (i + j) mod `last`, seat i and the fixed one in round 2 i.
    last = np.maximum(size + size % 2 - 1, 1)
    a, b = np.divmod(meetings.keys, num_items)
    inside = item_group[a] == item_group[b]
    a, b, counts = a[inside], b[inside], meetings.counts[inside]
    group = item_group[a]
    sum_of_seats = np.where(seat[b] == last[group], 2 * seat[a], seat[a] + seat[b])
    round_start = np.cumsum(last) - last
    num_played = np.bincount(
        round_start[group] + sum_of_seats % last[group], weights=counts, minlength=int(last.sum())
    )
    chosen = np.array(
        [
            np.argmin(num_played[begin : begin + length])
            for begin, length in zip(round_start.tolist(), last.tolist(), strict=True)
        ],
        np.int64,
    )
    turn, fixed = chosen[item_group], last[item_group]
    partner = (turn - seat) % fixed
    partner = np.where(partner == seat, fixed, partner)
    is_first = (seat < partner) & (partner < size[item_group])
    first = np.flatnonzero(is_first)
    second = members[start[item_group[first]] + partner[first]]
    left_out = np.ones(num_items, np.bool_)
    left_out[first] = left_out[second] = False
    return first, second, np.flatnonzero(left_out)


def _pair_keys(a: IntArray, b: IntArray, num_items: int) -> IntArray:
    keys: IntArray = np.minimum(a, b).astype(np.int64) * num_items + np.maximum(a, b)
    return keys


def _trade_partners(
    first: IntArray, second: IntArray, group: IntArray, meetings: Meetings
) -> IntArray:
    """Remove rematches from pairs in place; returns the rows of those that are left."""

    def have_met(a: IntArray, b: IntArray) -> BoolArray:
        return meetings.count(a, b) > 0

    rematches = np.flatnonzero(have_met(first, second))
    for offset, phase in _trading_steps(len(first)):
        if not len(rematches):
            break
        # Blocks of |offset| rows take turns, so that no row is traded twice in one step.
        row = rematches[(rematches // abs(offset)) % 2 == phase]
        row = row[(row + offset >= 0) & (row + offset < len(first))]
        row = row[group[row] == group[row + offset]]
        other = row + offset
        a, b, c, d = first[row], second[row], first[other], second[other]
        ac_bd = ~(have_met(a, c) | have_met(b, d))
        ad_bc = ~(have_met(a, d) | have_met(b, c)) & ~ac_bd
        second[row] = np.select([ac_bd, ad_bc], [c, d], b)
        first[other] = np.where(ac_bd, b, c)
        second[other] = np.where(ad_bc, b, d)
        rematches = rematches[have_met(first[rematches], second[rematches])]
    return rematches


def _trading_steps(num_pairs: int) -> Iterator[tuple[int, int]]:
    """Offsets to trade over, near ones first, each with the two phases of `_trade_partners`."""
    distance = 1
    while distance < num_pairs:
        for offset in (distance, -distance):
            yield offset, 0
            yield offset, 1
        distance += 1 + distance // 16


def _match_around(
    rows: IntArray,
    first: IntArray,
    second: IntArray,
    group: IntArray,
    place: IntArray,
    meetings: Meetings,
) -> None:
    """Match anew and in place the pairs around each rematch: few, then more, then the group."""
    settled = 0  # rows before it belong to groups that were matched as a whole
    for row in rows.tolist():
        begin, end = np.searchsorted(group, [group[row], group[row] + 1]).tolist()
        reach = _FIRST_REACH
        while row >= settled and meetings.count(first[[row]], second[[row]])[0]:
            low, high = max(begin, row - reach), min(end, row + reach)
            if 2 * (high - low) > MAX_EXACT_ITEMS:
                break
            is_whole = (low, high) == (begin, end)
            items = np.concatenate([first[low:high], second[low:high]])
            pairs = _match_exactly(items[np.argsort(place[items])], meetings, may_rematch=is_whole)
            if pairs is not None:
                first[low:high], second[low:high] = pairs
            if is_whole:
                settled = end
            reach *= 2


def _match_exactly(
    items: IntArray, meetings: Meetings, *, may_rematch: bool
) -> tuple[IntArray, IntArray] | None:
    """The matching of least total distance along `items` among those without a rematch.

    Where there is none: among those with the fewest earlier meetings in sum, or None.
    """
    num_items = len(items)
    i, j = np.triu_indices(num_items, 1)
    num_met = meetings.count(items[i], items[j])
    pairs = _shortest_matching(i[num_met == 0], j[num_met == 0], (j - i)[num_met == 0])
    if 2 * len(pairs) < num_items:
        if not may_rematch:
            return None
        # All distances together stay below num_items squared: one meeting outweighs them.
        pairs = _shortest_matching(i, j, j - i + num_items**2 * num_met)
    return items[pairs[:, 0]], items[pairs[:, 1]]


def _shortest_matching(i: IntArray, j: IntArray, costs: IntArray) -> IntArray:
    """(P, 2) pairs i-j of a matching with the most pairs, and least total cost among those."""
    graph = nx.Graph()
    graph.add_weighted_edges_from(zip(i.tolist(), j.tolist(), costs.tolist(), strict=True))
    pairs = sorted(sorted(pair) for pair in nx.min_weight_matching(graph))
    return np.array(pairs, np.int64).reshape(-1, 2)
