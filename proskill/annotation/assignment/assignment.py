"""Assignment of pairs to annotators, and intake of their answers.

Each call is one transaction. A process proposes pairs from memory (`memory`) and the database
takes or refuses them; several processes may serve one campaign.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Final, TypeVar

import numpy as np
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from proskill.annotation.answers import (
    Answer,
    Answered,
    LeasedPair,
    NoWorkReason,
    PracticeFeedback,
    Progress,
    Vote,
    VoteResult,
    Work,
)
from proskill.annotation.assignment.memory import LeaseMemory, Proposal
from proskill.annotation.assignment.vote_rules import (
    practice_feedback,
    require_answers,
    require_open,
    require_open_campaign,
    require_same,
    require_unanswered,
    require_watched,
    vote_rows,
)
from proskill.annotation.db import leases
from proskill.annotation.db.store import CampaignStore
from proskill.annotation.records import CampaignState, LeaseRow, VoteRow
from proskill.annotation.refusals import Refusal
from proskill.annotation.tokens import new_public_id
from proskill.rating.comparisons import FloatArray

_Result = TypeVar("_Result")

# Two pairs are out to an annotator: the one that is judged and the one that is loaded meanwhile.
_NUM_SLOTS: Final = 2

# However often a page reports watching, a lease ends after so many times its length.
_LONGEST_LEASES: Final = 12

# After a start: answers that were typed while no server ran are on their way.
_RESEND_SECONDS: Final = 60.0

_TRIES: Final = 3


class Assignment:
    """Leases and answers of one campaign; methods may be called from any thread, one at a time.

    Opening it gives every open lease at least a minute more, so that answers typed while no server
    ran are taken.

    Args:
        store: the campaign.
        now: UTC seconds.

    Every method raises `Refusal` when nothing was recorded; any of them may say `storage_full` or
    `unavailable`.
    """

    def __init__(self, store: CampaignStore, *, now: float) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._campaign = store.campaign()
        self._settings = self._campaign.settings
        self._clips = store.clips()
        self._gold = store.gold()
        self._params: FloatArray | None = None
        with store.write() as (connection, _):
            self._extend(connection, None, now + _RESEND_SECONDS)
        self._memory = self._read_memory()

    def work(self, annotator_id: int, now: float) -> Work:
        """Return an annotator's work: the pairs handed out, topped up with new ones."""

        def act(connection: Connection, state: CampaignState, taken: list[Proposal]) -> Work:
            return self._serve(connection, state, annotator_id, now, taken)

        return self._run(act, now)

    def vote(self, annotator_id: int, vote: Vote, now: float) -> VoteResult:
        """Record an answer, or the change of an earlier one, and hand out what comes next.

        An answer that comes late, because the campaign rested or the page had no connection, counts
        until another annotator is asked about the pair.

        Args:
            annotator_id: who answers.
            vote: what.
            now: UTC seconds, when it was received.

        Returns:
            After the answer is on the disk. A token that came before changes nothing.

        Raises:
            Refusal: see `Refusal.code`.
        """
        require_answers(vote, self._campaign)

        def act(
            connection: Connection, state: CampaignState, taken: list[Proposal]
        ) -> tuple[bool, PracticeFeedback | None, Work | None]:
            earlier = leases.votes_with_token(connection, vote.token)
            lease = leases.find_lease(connection, vote.lease)
            if earlier:
                require_same(earlier, vote, annotator_id, lease)
            else:
                self._record(connection, state, annotator_id, lease, vote, now)
            practice = practice_feedback(vote, lease, self._gold)
            if lease is not None and lease.state == "expired":
                return bool(earlier), practice, None
            return bool(earlier), practice, self._serve(connection, state, annotator_id, now, taken)

        is_duplicate, practice, work = self._run(act, now)
        if work is None:
            # To the memory the pair is free until the next transaction: this one would offer it.
            work = self.work(annotator_id, now)
        return VoteResult(vote.token, is_duplicate, practice, work)

    def keep(self, annotator_id: int, lease: str, now: float) -> float:
        """Extend the leases of an annotator who watches; return the end of this lease.

        Raises:
            Refusal: `lease_expired` or `lease_moved`.
        """

        def act(connection: Connection, state: CampaignState, taken: list[Proposal]) -> float:
            require_open(leases.find_lease(connection, lease), annotator_id, now)
            self._extend(connection, annotator_id, now + self._settings.lease_seconds)
            kept = leases.find_lease(connection, lease)
            assert kept is not None
            return kept.expires_at

        return self._run(act, now)

    def update_params(self, params: FloatArray) -> None:
        """Pair by these ratings from now on: (I,) logits in the order of the clips."""
        with self._lock:
            self._memory.update_params(params)
            self._params = params

    # --- one transaction

    def _run(
        self, act: Callable[[Connection, CampaignState, list[Proposal]], _Result], now: float
    ) -> _Result:
        """Do something in one transaction that knows what other processes did before."""
        with self._lock:
            for attempt in range(_TRIES):
                taken: list[Proposal] = []
                try:
                    with self._store.write() as (connection, state):
                        for row in leases.leases_after(connection, self._memory.last_change):
                            self._memory.apply(row)
                        # What expires here is offered again from the next transaction on.
                        leases.expire_due_leases(connection, now)
                        return act(connection, state, taken)
                except BaseException as error:
                    for proposal in taken:
                        self._memory.withdraw(proposal)
                    if not isinstance(error, IntegrityError) or attempt + 1 == _TRIES:
                        raise
                    # Memory and database disagree, and the database is right.
                    self._memory = self._read_memory()
        raise AssertionError("unreachable")

    def _read_memory(self) -> LeaseMemory:
        with self._store.database.read() as connection:
            rows = sorted(leases.all_leases(connection), key=lambda row: row.change)
        last = rows[-1].change if rows else 0
        memory = LeaseMemory(
            self._clips, self._gold, self._settings,
            rng=np.random.default_rng((self._campaign.seed, last)),
        )  # fmt: skip
        for row in rows:
            memory.apply(row)
        if self._params is not None:
            memory.update_params(self._params)
        return memory

    def _progress(self, connection: Connection, annotator_id: int) -> Progress:
        """Return an annotator's progress, including this transaction."""
        memory = self._memory
        since = leases.num_answered_after(connection, annotator_id, memory.last_change)
        practised = since.pop("practice", 0)
        return Progress(
            done=memory.num_answered(annotator_id) + sum(since.values()),
            quota=self._settings.quota,
            practice_left=memory.num_practice_left(annotator_id) - practised,
        )

    def _serve(
        self,
        connection: Connection,
        state: CampaignState,
        annotator_id: int,
        now: float,
        taken: list[Proposal],
    ) -> Work:
        """Fill an annotator's slots, extend their leases, and return their work."""
        progress = self._progress(connection, annotator_id)
        recent = leases.last_answers(connection, annotator_id, number=self._settings.undo_depth)
        pairs: list[LeasedPair] = []
        reason: NoWorkReason | None = state if state != "open" else None
        if state == "open":
            self._extend(connection, annotator_id, now + self._settings.lease_seconds)
            opened = leases.open_leases(connection, annotator_id)
            reason = self._fill(connection, opened, annotator_id, progress, now, taken)
            pairs = [self._pair(lease) for lease in opened]
        return Work(
            current=pairs[0] if pairs else None,
            next=pairs[1] if len(pairs) > 1 else None,
            reason=None if pairs else reason,
            progress=progress,
            recent=tuple(self._answered(lease, rows) for lease, rows in recent),
        )

    def _fill(
        self,
        connection: Connection,
        opened: list[LeaseRow],
        annotator_id: int,
        progress: Progress,
        now: float,
        taken: list[Proposal],
    ) -> NoWorkReason | None:
        """Append pairs until both slots are full; says why it stopped before."""
        if not leases.may_work(connection, annotator_id):
            return "nothing_left"
        for slot in sorted(set(range(_NUM_SLOTS)) - {lease.slot for lease in opened}):
            planned = progress.done + len(opened)
            if not progress.practice_left and planned >= (progress.quota or math.inf):
                return "quota_reached"
            proposal = self._memory.propose(annotator_id)
            if proposal is None:
                return "waiting" if self._memory.num_out else "nothing_left"
            taken.append(proposal)
            lease = leases.add_lease(
                connection,
                public_id=new_public_id(),
                left_clip=proposal.left_clip,
                right_clip=proposal.right_clip,
                annotator_id=annotator_id,
                slot=slot,
                kind=proposal.kind,
                issued_at=now,
                expires_at=now + self._settings.lease_seconds,
            )
            opened.append(lease)
        return None

    def _extend(self, connection: Connection, annotator_id: int | None, until: float) -> None:
        longest = _LONGEST_LEASES * self._settings.lease_seconds
        leases.extend_open_leases(connection, annotator_id, until=until, longest_seconds=longest)

    # --- recording

    def _record(
        self,
        connection: Connection,
        state: CampaignState,
        annotator_id: int,
        lease: LeaseRow | None,
        vote: Vote,
        now: float,
    ) -> None:
        require_open_campaign(state)
        if vote.revokes is None:
            lease = require_unanswered(lease, annotator_id)
            self._mark_answered(connection, lease)
        else:
            lease = self._require_last(connection, annotator_id, lease, vote.revokes)
        require_watched(vote, self._settings)
        leases.add_votes(connection, vote_rows(vote, lease, now))

    def _mark_answered(self, connection: Connection, lease: LeaseRow) -> None:
        if lease.state == "out":
            leases.mark_answered(connection, lease.id)
        elif not (
            leases.may_work(connection, lease.annotator_id)
            and leases.mark_answered_late(connection, lease)
        ):
            raise Refusal(
                "lease_expired",
                "this pair waited too long and went to somebody else; here is another one",
            )

    def _require_last(
        self, connection: Connection, annotator_id: int, lease: LeaseRow | None, token: str
    ) -> LeaseRow:
        """The lease of an earlier answer that its annotator may still change."""
        depth = self._settings.undo_depth
        for last, rows in leases.last_answers(connection, annotator_id, number=depth):
            if lease is not None and last.id == lease.id and rows[0].token == token:
                return last
        raise Refusal(
            "cannot_undo",
            f"that answer is not among your last {depth}, or was changed already",
        )

    # --- what pages get

    def _pair(self, lease: LeaseRow) -> LeasedPair:
        return LeasedPair(
            lease=lease.public_id,
            left=self._clips[lease.left_clip - 1],
            right=self._clips[lease.right_clip - 1],
            is_practice=lease.kind == "practice",
            expires_at=lease.expires_at,
        )

    def _answered(self, lease: LeaseRow, rows: list[VoteRow]) -> Answered:
        answers = {row.criterion_id: Answer(row.answer, row.strength) for row in rows}
        return Answered(self._pair(lease), rows[0].token, answers)
