"""The SQL of leases and votes, one statement or few per function, inside the caller's transaction.

Only a transaction that holds the campaign's lock may write here, so that `change` grows in the
order in which others see the changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, func, insert, select, update

from proskill.annotation.records import LeaseKind, LeaseRow, VoteRow
from proskill.annotation.schema import annotators, leases, votes

_LEASE_COLUMNS = (
    leases.c.id, leases.c.public_id, leases.c.left_clip, leases.c.right_clip,
    leases.c.annotator_id, leases.c.kind, leases.c.slot, leases.c.issued_at, leases.c.expires_at,
    leases.c.state, leases.c.change,
)  # fmt: skip
_LEASES = select(*_LEASE_COLUMNS)
_VOTES = select(
    votes.c.seq, votes.c.token, votes.c.criterion_id, votes.c.lease_id, leases.c.kind,
    votes.c.left_clip, votes.c.right_clip, votes.c.annotator_id, votes.c.answer, votes.c.strength,
    votes.c.reason, votes.c.shown_at, votes.c.answered_at, votes.c.received_at,
    votes.c.watched_left, votes.c.watched_right, votes.c.client, votes.c.revokes,
).join_from(votes, leases)  # fmt: skip


def leases_after(connection: Connection, change: int) -> list[LeaseRow]:
    """Leases that are new or in another state since a change, in the order of the changes."""
    return _lease_rows(
        connection, _LEASES.where(leases.c.change > change).order_by(leases.c.change)
    )


def all_leases(connection: Connection) -> list[LeaseRow]:
    """Every lease there was, oldest first."""
    return _lease_rows(connection, _LEASES.order_by(leases.c.id))


def open_leases(connection: Connection, annotator_id: int) -> list[LeaseRow]:
    """What an annotator has out, oldest first."""
    query = _LEASES.where(leases.c.annotator_id == annotator_id, leases.c.state == "out")
    return _lease_rows(connection, query.order_by(leases.c.id))


def find_lease(connection: Connection, public_id: str) -> LeaseRow | None:
    """The lease with a public id."""
    row = connection.execute(_LEASES.where(leases.c.public_id == public_id)).first()
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
    row = connection.execute(
        insert(leases)
        .values(
            public_id=public_id,
            left_clip=left_clip,
            right_clip=right_clip,
            low_clip=min(left_clip, right_clip),
            high_clip=max(left_clip, right_clip),
            annotator_id=annotator_id,
            slot=slot,
            kind=kind,
            issued_at=issued_at,
            expires_at=expires_at,
            state="out",
            change=_last_change(connection) + 1,
        )
        .returning(*_LEASE_COLUMNS)
    ).one()
    return LeaseRow(*row)


def mark_answered(connection: Connection, lease_id: int) -> None:
    """Note that a lease was answered."""
    connection.execute(
        update(leases)
        .where(leases.c.id == lease_id)
        .values(state="answered", change=_last_change(connection) + 1)
    )


def extend_open_leases(
    connection: Connection, annotator_id: int | None, *, until: float, longest_seconds: float
) -> None:
    """Let open leases run until an instant at least, but not for ever after their issue.

    Args:
        connection: see above.
        annotator_id: whose; None: everybody's.
        until: UTC seconds.
        longest_seconds: a lease runs no longer than this in all.
    """
    whose = [] if annotator_id is None else [leases.c.annotator_id == annotator_id]
    connection.execute(
        update(leases)
        .where(
            *whose,
            leases.c.state == "out",
            leases.c.expires_at < until,
            leases.c.expires_at < leases.c.issued_at + longest_seconds,
        )
        .values(expires_at=until)
    )


def has_due_leases(connection: Connection, now: float) -> bool:
    """Whether the time of some open lease has run out."""
    query = select(leases.c.id).where(leases.c.state == "out", leases.c.expires_at < now).limit(1)
    return connection.execute(query).first() is not None


def expire_due_leases(connection: Connection, now: float) -> None:
    """Take back the leases whose time has run out."""
    _expire(connection, select(leases.c.id).where(leases.c.expires_at < now))


def expire_open_leases(connection: Connection, annotator_id: int) -> None:
    """Take back what an annotator has out."""
    _expire(connection, select(leases.c.id).where(leases.c.annotator_id == annotator_id))


def _expire(connection: Connection, which: Select[tuple[int]]) -> None:
    found = connection.scalars(which.where(leases.c.state == "out").order_by(leases.c.id)).all()
    for change, lease_id in enumerate(found, _last_change(connection) + 1):
        connection.execute(
            update(leases).where(leases.c.id == lease_id).values(state="expired", change=change)
        )


def add_votes(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append to the log, one row for each criterion.

    Raises:
        sqlalchemy.exc.IntegrityError: a constraint says that the answer was given already.
    """
    connection.execute(insert(votes), rows)


def votes_with_token(connection: Connection, token: str) -> list[VoteRow]:
    """The rows of one answer; none when it is unknown."""
    return _vote_rows(connection, _VOTES.where(votes.c.token == token))


def may_work(connection: Connection, annotator_id: int) -> bool:
    """Whether somebody is neither revoked nor excluded."""
    row = connection.execute(
        select(annotators.c.id).where(
            annotators.c.id == annotator_id,
            annotators.c.revoked_at.is_(None),
            annotators.c.excluded_at.is_(None),
        )
    ).first()
    return row is not None


def num_answered_after(connection: Connection, annotator_id: int, change: int) -> dict[str, int]:
    """How many leases of each kind somebody answered since a change."""
    query = (
        select(leases.c.kind, func.count())
        .where(
            leases.c.annotator_id == annotator_id,
            leases.c.change > change,
            leases.c.state == "answered",
        )
        .group_by(leases.c.kind)
    )
    return {kind: number for kind, number in connection.execute(query)}


def last_answers(
    connection: Connection, annotator_id: int, *, number: int
) -> list[tuple[LeaseRow, list[VoteRow]]]:
    """Somebody's last answers as they stand now, newest first, practice left out.

    An answer that was changed keeps the place of the first one.
    """
    if number == 0:
        return []
    query = _LEASES.where(
        leases.c.annotator_id == annotator_id,
        leases.c.state == "answered",
        leases.c.kind != "practice",
    )
    answered = _lease_rows(connection, query.order_by(leases.c.change.desc()).limit(number))
    ids = [lease.id for lease in answered]
    given = _vote_rows(connection, _VOTES.where(votes.c.lease_id.in_(ids)).order_by(votes.c.seq))
    standing = effective_votes(given)
    return [(lease, [v for v in standing if v.lease_id == lease.id]) for lease in answered]


def effective_votes(rows: Iterable[VoteRow]) -> list[VoteRow]:
    """The votes that stand: those that no other one revokes."""
    rows = list(rows)
    revoked = {row.revokes for row in rows}
    return [row for row in rows if row.token not in revoked]


def votes_after(connection: Connection, seq: int) -> list[VoteRow]:
    """The log after a sequence number, in its order."""
    query = _VOTES.where(votes.c.seq > seq).order_by(votes.c.seq)
    return _vote_rows(connection, query)


def _last_change(connection: Connection) -> int:
    return connection.scalar(select(func.coalesce(func.max(leases.c.change), 0))) or 0


def _lease_rows(connection: Connection, query: Select[Any]) -> list[LeaseRow]:
    return [LeaseRow(*row) for row in connection.execute(query)]


def _vote_rows(connection: Connection, query: Select[Any]) -> list[VoteRow]:
    rows = connection.execute(query)
    return [VoteRow(*row) for row in rows]
