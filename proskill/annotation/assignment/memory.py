"""In-memory state of a campaign's leases, and the choice of the next pair.

Everything follows from the rows of `leases` in the order of their changes, so that a restart, or a
second process, comes to know the same. Proposals are no more than that: the database decides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from proskill.annotation.campaign import CampaignSettings
from proskill.annotation.counting import empty_table
from proskill.annotation.records import Clip, GoldPair, LeaseKind, LeaseRow
from proskill.rating import AsynchronousPairing, Pair
from proskill.rating.comparisons import FloatArray


@dataclass(frozen=True)
class Proposal:
    """Two clips, by id, to show to an annotator on these sides."""

    left_clip: int
    right_clip: int
    annotator_id: int
    kind: LeaseKind

    @property
    def key(self) -> tuple[int, int]:
        """The two clips whatever their sides: smaller id, larger id."""
        return min(self.left_clip, self.right_clip), max(self.left_clip, self.right_clip)


class LeaseMemory:
    """Leases so far, and `AsynchronousPairing` over them.

    Args:
        clips: all, with ids 1, 2, ...; priors, when all have one, are the ratings to begin with.
        gold: pairs whose answer is known; never asked as anything else.
        settings: the campaign's.
        rng: source of chance.
    """

    def __init__(
        self,
        clips: Sequence[Clip],
        gold: Sequence[GoldPair],
        settings: CampaignSettings,
        *,
        rng: np.random.Generator,
    ) -> None:
        self._rng = rng
        self._gold_share = settings.gold_share
        self._practice = [pair for pair in gold if pair.is_practice]
        self._gold = [pair for pair in gold if not pair.is_practice]
        self._pairing = AsynchronousPairing(
            empty_table(clips),
            rng=rng,
            params=prior_params(clips),
            repeat_share=settings.repeat_share,
            swapped_share=settings.swapped_share,
            excluded=[(pair.left_clip - 1, pair.right_clip - 1) for pair in gold],
        )
        self._proposed: set[Pair] = set()
        self._first_judge: dict[tuple[int, int], int] = {}
        self._seen_gold: defaultdict[int, set[tuple[int, int]]] = defaultdict(set)
        self._num_answered: Counter[int] = Counter()
        self._num_practised: Counter[int] = Counter()
        self.last_change = 0

    @property
    def num_out(self) -> int:
        """Return pairs with an open lease, without practice and gold."""
        return self._pairing.num_out

    def num_answered(self, annotator_id: int) -> int:
        """Return pairs answered by an annotator, without practice."""
        return self._num_answered[annotator_id]

    def num_practice_left(self, annotator_id: int) -> int:
        """Return practice pairs that an annotator has not answered yet."""
        return len(self._practice) - self._num_practised[annotator_id]

    def apply(self, row: LeaseRow) -> None:
        """Learn of a lease that is new or in another state; rows come in order of `change`."""
        self.last_change = row.change
        key = min(row.left_clip, row.right_clip), max(row.left_clip, row.right_clip)
        if row.kind in ("gold", "practice"):
            self._apply_gold(row, key)
            return
        pair = Pair(row.left_clip - 1, row.right_clip - 1, str(row.annotator_id))
        is_proposed = pair in self._proposed
        self._proposed.discard(pair)
        if row.state == "expired":
            self._pairing.release(pair)
        elif row.state == "answered":
            self._pairing.record(pair)
            self._num_answered[row.annotator_id] += 1
            self._first_judge.setdefault(key, row.annotator_id)
        elif not is_proposed:
            self._pairing.hand_out(pair)

    def _apply_gold(self, row: LeaseRow, key: tuple[int, int]) -> None:
        seen = self._seen_gold[row.annotator_id]
        if row.state == "expired":
            seen.discard(key)
            return
        seen.add(key)
        if row.state == "answered":
            counted = self._num_practised if row.kind == "practice" else self._num_answered
            counted[row.annotator_id] += 1

    def propose(self, annotator_id: int) -> Proposal | None:
        """Propose an annotator's next pair, or None; a row or `withdraw` frees it again.

        Practice comes first. A gold pair that the annotator has not seen comes by chance, on sides
        by chance.
        """
        unseen = [p for p in self._practice if _key(p) not in self._seen_gold[annotator_id]]
        if unseen:
            return self._propose_gold(unseen[0], annotator_id, is_swapped=False)
        if self._rng.random() < self._gold_share:
            unseen = [p for p in self._gold if _key(p) not in self._seen_gold[annotator_id]]
            if unseen:
                chosen = unseen[int(self._rng.integers(len(unseen)))]
                return self._propose_gold(
                    chosen, annotator_id, is_swapped=bool(self._rng.random() < 0.5)
                )
        pair = self._pairing.next_pair(str(annotator_id))
        if pair is None:
            return None
        self._proposed.add(pair)
        left, right = pair.left + 1, pair.right + 1
        judge = self._first_judge.get((min(left, right), max(left, right)))
        kind: LeaseKind = "new"
        if judge is not None:
            kind = "swapped" if judge == annotator_id else "repeat"
        return Proposal(left, right, annotator_id, kind)

    def _propose_gold(self, pair: GoldPair, annotator_id: int, *, is_swapped: bool) -> Proposal:
        self._seen_gold[annotator_id].add(_key(pair))
        left, right = pair.left_clip, pair.right_clip
        if is_swapped:
            left, right = right, left
        kind: LeaseKind = "practice" if pair.is_practice else "gold"
        return Proposal(left, right, annotator_id, kind)

    def withdraw(self, proposal: Proposal) -> None:
        """Forget a proposal that the database did not take."""
        if proposal.kind in ("gold", "practice"):
            self._seen_gold[proposal.annotator_id].discard(proposal.key)
            return
        left, right = proposal.left_clip - 1, proposal.right_clip - 1
        pair = Pair(left, right, str(proposal.annotator_id))
        self._proposed.discard(pair)
        self._pairing.release(pair)

    def update_params(self, params: FloatArray) -> None:
        """Pair by these ratings from now on: (I,) logits in the order of the clips."""
        self._pairing.update_params(params)


def _key(pair: GoldPair) -> tuple[int, int]:
    return min(pair.left_clip, pair.right_clip), max(pair.left_clip, pair.right_clip)


def prior_params(clips: Sequence[Clip]) -> FloatArray | None:
    """Scores on the scale of logits, with a spread that is usual for skill; only order matters.

    Clips without a score are in the middle.
    """
    scores = np.array([np.nan if clip.prior is None else clip.prior for clip in clips])
    known = scores[~np.isnan(scores)]
    if not len(known) or known.std() == 0:
        return None
    params: FloatArray = (scores - known.mean()) / known.std()
    return np.nan_to_num(params)
