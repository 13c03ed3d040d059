"""The next pair for a free annotator, while other pairs are out, as an annotation server needs.

Everything is in memory and no clock is read: the server says when a lease has expired. For whole
rounds see `proskill.rating.pairing`, whose mix20 this follows one pair at a time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from proskill.rating.comparisons import ComparisonTable, FloatArray, IntArray
from proskill.rating.pairing import RANDOM_LINK_SHARE, RATING_JITTER, check_params, left_surplus

# An item may be this many turns ahead of the one that it meets, so that turns stay even; 0 would
# keep to strict rounds, at the end of which only far partners are left.
_TURNS_AHEAD: Final = 1

# An annotator's own pair comes back after this many others, to be judged and not remembered.
_PAIRS_BEFORE_OWN_REPEAT: Final = 20

# Some of the pairs that could be repeated are out, or were judged by the same annotator.
_REPEAT_TRIES: Final = 20


@dataclass(frozen=True)
class Pair:
    """Two items to show to an annotator: a lease until it is recorded or released.

    Attributes:
        left, right: item indices, on the sides where they are to be shown.
        annotator: who is asked.

    Raises:
        ValueError: an item against itself.
    """

    left: int
    right: int
    annotator: str

    def __post_init__(self) -> None:
        if self.left == self.right:
            raise ValueError(f"left={self.left}, right={self.right}: a pair needs two items")

    @property
    def key(self) -> tuple[int, int]:
        """The two items whatever their sides: smaller index, larger index."""
        return min(self.left, self.right), max(self.left, self.right)


class AsynchronousPairing:
    """Hands out pairs and keeps count of what was answered and what is out.

    The item that had the fewest turns (answers, skips among them, and pairs out) is next. Its
    partner is one it has not met, of its group, at most one turn ahead: at random for 20 % of the
    pairs, otherwise the nearest by rating. The item that was on the left less often goes left. The
    same seed and the same calls give the same pairs. A call takes a few passes over the items.

    A pair goes to one annotator, but for the shares below, which measure agreement. They come due
    by chance and give way to a new pair when there is nothing to repeat; once no new pair is left,
    they are all that is asked. They teach less about skill than new pairs: after 10 simulated votes
    an item, rho is .006 below that of mix20 rounds, and not below it without repeats
    (`benchmarks/pairing_asynchronous.py`).

    Args:
        table: all items, and the votes so far; after a restart, every answer there was.
        rng: source of chance; kept and drawn from.
        params: (I,) ratings in logits to begin with; None: all equal, so that partners are random.
        repeat_share: part of the pairs that one other annotator has judged before.
        swapped_share: part of the pairs that only this annotator has judged before, once and at
            least 20 pairs ago, now with sides swapped.
        excluded: pairs of item indices that are never handed out, such as those whose answer is
            known.

    Raises:
        ValueError: an argument is outside of what is said above.
    """

    def __init__(
        self,
        table: ComparisonTable,
        *,
        rng: np.random.Generator,
        params: FloatArray | None = None,
        repeat_share: float = 0.15,
        swapped_share: float = 0.05,
        excluded: Iterable[tuple[int, int]] = (),
    ) -> None:
        if not (repeat_share >= 0 and swapped_share >= 0 and repeat_share + swapped_share < 1):
            raise ValueError(
                f"repeat_share={repeat_share}, swapped_share={swapped_share}: both must be >= 0 "
                "and together < 1, so that new pairs are asked"
            )
        self._rng = rng
        self._repeat_share, self._swapped_share = repeat_share, swapped_share
        self._table = table
        groups = range(len(table.groups))
        self._members = [np.flatnonzero(table.item_group == group) for group in groups]
        ends = np.concatenate([table.item_a, table.item_b])
        self._num_turns = np.bincount(ends, minlength=table.num_items)
        self._left_surplus = left_surplus(table)
        self._partners: defaultdict[int, set[int]] = defaultdict(set)  # met, or out with
        self._out: dict[tuple[int, int], Pair] = {}
        self._judges: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
        self._judged_once: list[tuple[int, int]] = []  # some by now twice; dropped when drawn
        self._judged_by: defaultdict[str, list[Pair]] = defaultdict(list)
        for pair in _pairs_of(table):
            self._partners[pair.left].add(pair.right)
            self._partners[pair.right].add(pair.left)
            self._add_judge(pair)
        for item, other in excluded:
            self._partners[item].add(other)
            self._partners[other].add(item)
        num_met = [len(self._partners[item]) for item in range(table.num_items)]
        self._num_unmet = np.bincount(table.item_group)[table.item_group] - 1
        self._num_unmet -= np.array(num_met, np.int64)
        self.update_params(np.zeros(table.num_items) if params is None else params)

    @property
    def num_out(self) -> int:
        """Count the pairs that are handed out and neither recorded nor released."""
        return len(self._out)

    def next_pair(self, annotator: str) -> Pair | None:
        """Hand out the next pair; it is out until `record` or `release` is called with it.

        A pair that is out, or that the annotator has judged, is not handed out, the swapped repeats
        excepted. None when there is nothing to ask this annotator, for good or until pairs that
        are out come back.
        """
        chance, pair = self._rng.random(), None
        if chance < self._swapped_share:
            pair = self._own_repeat(annotator)
        elif chance < self._swapped_share + self._repeat_share:
            pair = self._repeat(annotator, num_tries=_REPEAT_TRIES)
        pair = pair or self._new_pair(annotator)
        if pair is None and self._repeat_share > 0:
            pair = self._repeat(annotator, num_tries=len(self._judged_once))
        if pair is None and self._swapped_share > 0:
            pair = self._own_repeat(annotator)
        if pair is not None:
            self.hand_out(pair)
        return pair

    def hand_out(self, pair: Pair) -> None:
        """Count a pair as out that was handed out elsewhere, or before a restart.

        Raises:
            ValueError: it is out already, the items do not exist, or belong to different groups.
        """
        self._check(pair)
        if pair.key in self._out:
            raise ValueError(f"{pair}: is out already, to {self._out[pair.key].annotator!r}")
        self._out[pair.key] = pair
        self._count_turn(pair)

    def record(self, pair: Pair) -> None:
        """Count the answer to a pair, a skip like any other.

        An answer that comes after the lease was released, or from elsewhere, counts as well.

        Raises:
            ValueError: the items do not exist, or belong to different groups.
        """
        self._check(pair)
        if self._out.get(pair.key) == pair:
            del self._out[pair.key]
        else:
            self._count_turn(pair)
        self._add_judge(pair)

    def release(self, pair: Pair) -> None:
        """Take back a pair that was not answered in time; nothing happens when it is not out."""
        if self._out.get(pair.key) != pair:
            return
        del self._out[pair.key]
        self._add_turn(pair, -1)
        if pair.key not in self._judges:
            for item, other in (pair.key, pair.key[::-1]):
                self._partners[item].remove(other)
                self._num_unmet[item] += 1

    def update_params(self, params: FloatArray) -> None:
        """Pair by these ratings from now on.

        Args:
            params: (I,) in logits, such as `fit_bradley_terry(votes so far).params`.

        Raises:
            ValueError: not one finite number for each item.
        """
        check_params(params, self._table)
        # Equal items must not all choose the partner of the lowest index.
        self._params = params + RATING_JITTER * self._rng.standard_normal(len(params))

    def _check(self, pair: Pair) -> None:
        low, high = pair.key
        if not 0 <= low < high < self._table.num_items:
            raise ValueError(f"{pair}: items lie in 0..{self._table.num_items - 1}")
        if self._table.item_group[low] != self._table.item_group[high]:
            raise ValueError(f"{pair}: the two items belong to different groups")

    def _count_turn(self, pair: Pair) -> None:
        self._add_turn(pair, 1)
        if pair.right not in self._partners[pair.left]:
            for item, other in (pair.key, pair.key[::-1]):
                self._partners[item].add(other)
                self._num_unmet[item] -= 1

    def _add_turn(self, pair: Pair, number: int) -> None:
        self._num_turns[pair.left] += number
        self._num_turns[pair.right] += number
        self._left_surplus[pair.left] += number
        self._left_surplus[pair.right] -= number

    def _add_judge(self, pair: Pair) -> None:
        judges = self._judges[pair.key]
        judges.append(pair.annotator)
        if len(judges) == 1:
            self._judged_once.append(pair.key)
            self._judged_by[pair.annotator].append(pair)

    def _new_pair(self, annotator: str) -> Pair | None:
        is_open = self._num_unmet > 0
        if not is_open.any():
            return None
        fewest = self._num_turns[is_open].min()
        item = self._draw(np.flatnonzero(is_open & (self._num_turns == fewest)))
        members = self._members[self._table.item_group[item]]
        is_new = np.ones(self._table.num_items, np.bool_)
        is_new[[item, *self._partners[item]]] = False
        partners = members[is_new[members]]
        turns = self._num_turns[partners]
        partners = partners[turns <= max(turns.min(), fewest + _TURNS_AHEAD)]
        if self._rng.random() < RANDOM_LINK_SHARE:
            partner = self._draw(partners)
        else:
            nearest = np.abs(self._params[partners] - self._params[item]).argmin()
            partner = int(partners[nearest])
        return self._seat(item, partner, annotator)

    def _repeat(self, annotator: str, *, num_tries: int) -> Pair | None:
        """A pair that one other annotator has judged, found from a random place onwards."""
        once = self._judged_once
        place = int(self._rng.integers(len(once))) if once else 0
        for _ in range(min(num_tries, len(once))):
            place %= len(once)
            key = once[place]
            if len(self._judges[key]) > 1:
                once.pop(place)  # those behind move up: in their order none is left out
            elif key in self._out or self._judges[key] == [annotator]:
                place += 1
            else:
                return self._seat(*key, annotator)
        return None

    def _own_repeat(self, annotator: str) -> Pair | None:
        """A pair that only this annotator has judged, once and a while ago, with sides swapped."""
        own = self._judged_by[annotator]
        while len(own) > _PAIRS_BEFORE_OWN_REPEAT:
            place = int(self._rng.integers(len(own) - _PAIRS_BEFORE_OWN_REPEAT))
            pair = own.pop(place)
            if self._judges[pair.key] == [annotator] and pair.key not in self._out:
                return Pair(pair.right, pair.left, annotator)
        return None

    def _seat(self, a: int, b: int, annotator: str) -> Pair:
        lead = self._left_surplus[a] - self._left_surplus[b]
        a_is_left = lead < 0 or (lead == 0 and self._rng.random() < 0.5)
        return Pair(a, b, annotator) if a_is_left else Pair(b, a, annotator)

    def _draw(self, items: IntArray) -> int:
        return int(items[self._rng.integers(len(items))])


def _pairs_of(table: ComparisonTable) -> Iterator[Pair]:
    """Yield the rows as pairs that were shown; a is left where the side is unknown."""
    b_is_left = table.left < 0
    left = np.where(b_is_left, table.item_b, table.item_a).tolist()
    right = np.where(b_is_left, table.item_a, table.item_b).tolist()
    for row, annotator in enumerate(table.annotator.tolist()):
        yield Pair(left[row], right[row], table.annotators[annotator])
