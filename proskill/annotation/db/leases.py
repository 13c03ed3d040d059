"""The SQL of leases and votes, one statement or few per function, inside the caller's transaction.

Only a transaction that holds the campaign's lock may write here, so that `change` grows in the
order in which others see the changes. Statements are built once: building one takes SQLAlchemy
four times as long as running it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, func, insert, literal_column, select, update
from sqlalchemy.exc import IntegrityError

from proskill.annotation.db.schema import annotators, leases, votes
from proskill.annotation.records import LeaseKind, LeaseRow, VoteRow
from proskill.annotation.tokens import is_public_id

_LEASE_COLUMNS: Final = (
    leases.c.id, leases.c.public_id, leases.c.left_clip, leases.c.right_clip,
    leases.c.annotator_id, leases.c.kind, leases.c.slot, leases.c.issued_at, leases.c.expires_at,
    leases.c.state, leases.c.change,
)  # fmt: skip
_LEASES: Final = select(*_LEASE_COLUMNS)
# A parameter would keep SQLite from using the indices of open leases, which are of this text.
_IS_OUT: Final = leases.c.state == literal_column("'out'")
_OF_ANNOTATOR: Final = leases.c.annotator_id == bindparam("annotator")
# Both slots are all there are; naming them makes SQLite take the index of who has what out.
_IS_THEIRS: Final = (
    _IS_OUT, _OF_ANNOTATOR, leases.c.slot.in_((literal_column("0"), literal_column("1"))),
)  # fmt: skip
_NEXT_CHANGE: Final = select(
    func.coalesce(func.max(leases.alias().c.change), 0) + 1
).scalar_subquery()  # fmt: skip

_AFTER: Final = _LEASES.where(leases.c.change > bindparam("change")).order_by(leases.c.change)
_ALL: Final = _LEASES.order_by(leases.c.id)
_OPEN: Final = _LEASES.where(*_IS_THEIRS).order_by(leases.c.id)
_BY_PUBLIC_ID: Final = _LEASES.where(leases.c.public_id == bindparam("public_id"))
_ADD: Final = insert(leases).values(state="out", change=_NEXT_CHANGE).returning(*_LEASE_COLUMNS)
_SET_STATE: Final = (
    update(leases)
    .where(leases.c.id == bindparam("lease"))
    .values(state=bindparam("to"), change=_NEXT_CHANGE)
)
_RUNS_ON: Final = (
    leases.c.expires_at < bindparam("until"),
    leases.c.expires_at < leases.c.issued_at + bindparam("longest"),
)
_LONGER: Final = update(leases).where(*_RUNS_ON).values(expires_at=bindparam("until"))
_EXTEND_ALL: Final = _LONGER.where(_IS_OUT)
_EXTEND: Final = _LONGER.where(*_IS_THEIRS)
_DUE: Final = select(leases.c.id).where(_IS_OUT, leases.c.expires_at < bindparam("now"))
_OPEN_IDS: Final = select(leases.c.id).where(*_IS_THEIRS)
_OPEN_OF_PAIR: Final = _OPEN_IDS.where(
    leases.c.low_clip == bindparam("low"), leases.c.high_clip == bindparam("high")
)
_MAY_WORK: Final = select(annotators.c.id).where(
    annotators.c.id == bindparam("annotator"),
    annotators.c.revoked_at.is_(None),
    annotators.c.excluded_at.is_(None),
)
_NUM_ANSWERED: Final = (
    select(leases.c.kind, func.count())
    .where(_OF_ANNOTATOR, leases.c.change > bindparam("change"), leases.c.state == "answered")
    .group_by(leases.c.kind)
)

_VOTES: Final[Select[Any]] = select(
    votes.c.seq, votes.c.token, votes.c.criterion_id, votes.c.lease_id, leases.c.kind,
    votes.c.left_clip, votes.c.right_clip, votes.c.annotator_id, votes.c.answer, votes.c.strength,
    votes.c.reason, votes.c.shown_at, votes.c.answered_at, votes.c.received_at,
    votes.c.watched_left, votes.c.watched_right, votes.c.client, votes.c.revokes,
).join_from(votes, leases)  # fmt: skip
_ADD_VOTES: Final = insert(votes)
_WITH_TOKEN: Final = _VOTES.where(votes.c.token == bindparam("token"))
_LAST: Final = (
    _LEASES.where(_OF_ANNOTATOR, leases.c.state == "answered", leases.c.kind != "practice")
    .order_by(leases.c.change.desc())
    .limit(bindparam("number"))
)
_OF_LEASES: Final = _VOTES.where(
    votes.c.lease_id.in_(bindparam("leases", expanding=True))
).order_by(votes.c.seq)
_LOG: Final = _VOTES.where(votes.c.seq > bindparam("seq")).order_by(votes.c.seq)


def leases_after(connection: Connection, change: int) -> list[LeaseRow]:
    """Leases that are new or in another state since a change, in the order of the changes."""
    return [LeaseRow(*row) for row in connection.execute(_AFTER, {"change": change})]


def all_leases(connection: Connection) -> list[LeaseRow]:
    """Every lease there was, oldest first."""
    return [LeaseRow(*row) for row in connection.execute(_ALL)]


def open_leases(connection: Connection, annotator_id: int) -> list[LeaseRow]:
    """Return an annotator's open leases, oldest first."""
    return [LeaseRow(*row) for row in connection.execute(_OPEN, {"annotator": annotator_id})]


def find_lease(connection: Connection, public_id: str) -> LeaseRow | None:
    """The lease with a public id, which may be any text."""
    if not is_public_id(public_id):
        return None
    row = connection.execute(_BY_PUBLIC_ID, {"public_id": public_id}).first()
    return None if row is None else LeaseRow(*row)


def add_lease(
    connection: Connection,
    *,
    public_id: str,
    left_clip: int,
    right_clip: int,
    annotator_id: int,
    slot: int,
    kind: LeaseKind,
    issued_at: float,
    expires_at: float,
) -> LeaseRow:
    """Hand a pair out.

    Raises:
        sqlalchemy.exc.IntegrityError: a constraint says that it must not be handed out.
    """
    values = {
        "public_id": public_id,
        "left_clip": left_clip,
        "right_clip": right_clip,
        "low_clip": min(left_clip, right_clip),
        "high_clip": max(left_clip, right_clip),
        "annotator_id": annotator_id,
        "slot": slot,
        "kind": kind,
        "issued_at": issued_at,
        "expires_at": expires_at,
    }
    return LeaseRow(*connection.execute(_ADD, values).one())


def mark_answered(connection: Connection, lease_id: int) -> None:
    """Note that a lease was answered."""
    connection.execute(_SET_STATE, {"lease": lease_id, "to": "answered"})


def mark_answered_late(connection: Connection, lease: LeaseRow) -> bool:
    """Note that an expired lease was answered, unless another annotator was given the pair.

    What its annotator has out of the same pair expires: it was asked again, and is answered now.

    Returns:
        Whether it was noted; the constraints of the table decide.
    """
    low, high = sorted((lease.left_clip, lease.right_clip))
    values = {"annotator": lease.annotator_id, "low": low, "high": high}
    try:
        with connection.begin_nested():
            _expire(connection, connection.scalars(_OPEN_OF_PAIR, values).all())
            mark_answered(connection, lease.id)
    except IntegrityError:
        return False
    return True


def extend_open_leases(
    connection: Connection, annotator_id: int | None, *, until: float, longest_seconds: float
) -> None:
    """Let open leases run until a timestamp at least, but not for ever after their issue.

    Args:
        connection: see above.
        annotator_id: whose; None: everybody's.
        until: UTC seconds.
        longest_seconds: a lease is extended no more when it runs for this long.
    """
    values = {"until": until, "longest": longest_seconds}
    if annotator_id is None:
        connection.execute(_EXTEND_ALL, values)
    else:
        connection.execute(_EXTEND, {**values, "annotator": annotator_id})


def expire_due_leases(connection: Connection, now: float) -> None:
    """Take back the leases whose time has run out."""
    _expire(connection, connection.scalars(_DUE, {"now": now}).all())


def expire_open_leases(connection: Connection, annotator_id: int) -> None:
    """Take back what an annotator has out."""
    _expire(connection, connection.scalars(_OPEN_IDS, {"annotator": annotator_id}).all())


def _expire(connection: Connection, lease_ids: Sequence[int]) -> None:
    for lease_id in sorted(lease_ids):
        connection.execute(_SET_STATE, {"lease": lease_id, "to": "expired"})


def may_work(connection: Connection, annotator_id: int) -> bool:
    """Return True for an annotator who is neither revoked nor excluded."""
    return connection.execute(_MAY_WORK, {"annotator": annotator_id}).first() is not None


def num_answered_after(connection: Connection, annotator_id: int, change: int) -> dict[str, int]:
    """Count the leases of each kind that an annotator answered since a change."""
    rows = connection.execute(_NUM_ANSWERED, {"annotator": annotator_id, "change": change})
    return {kind: number for kind, number in rows}


def add_votes(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append to the log, one row for each criterion.

    Raises:
        sqlalchemy.exc.IntegrityError: a constraint says that the answer was given already.
    """
    connection.execute(_ADD_VOTES, rows)


def votes_with_token(connection: Connection, token: str) -> list[VoteRow]:
    """Return the rows of one answer; none when it is unknown."""
    return [VoteRow(*row) for row in connection.execute(_WITH_TOKEN, {"token": token})]


def last_answers(
    connection: Connection, annotator_id: int, *, number: int
) -> list[tuple[LeaseRow, list[VoteRow]]]:
    """Return an annotator's last effective answers, newest first, without practice.

    An answer that was changed keeps the place of the first one.
    """
    found = connection.execute(_LAST, {"annotator": annotator_id, "number": number})
    answered = [LeaseRow(*row) for row in found]
    if not answered:
        return []
    given = connection.execute(_OF_LEASES, {"leases": [lease.id for lease in answered]})
    standing = effective_votes(VoteRow(*row) for row in given)
    return [(lease, [v for v in standing if v.lease_id == lease.id]) for lease in answered]


def votes_after(connection: Connection, seq: int) -> list[VoteRow]:
    """Return the log after a sequence number, in its order."""
    return [VoteRow(*row) for row in connection.execute(_LOG, {"seq": seq})]


def effective_votes(rows: Iterable[VoteRow]) -> list[VoteRow]:
    """Return the effective votes: those that no other one revokes."""
    rows = list(rows)
    revoked = {row.revokes for row in rows}
    return [row for row in rows if row.token not in revoked]
