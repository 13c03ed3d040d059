"""From the log to the table that ratings are estimated from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from sqlalchemy import Connection, select

from proskill.annotation.records import Clip
from proskill.annotation.schema import annotators, leases, votes
from proskill.rating import ComparisonTable
from proskill.rating.comparisons import A_WINS, B_WINS, SKIP, TIE

_CODES: Final = {"left": A_WINS, "right": B_WINS, "tie": TIE, "skip": SKIP}


def empty_table(clips: Sequence[Clip]) -> ComparisonTable:
    """All clips as items, in their order and by their take ids, without a vote."""
    groups = sorted({clip.group for clip in clips})
    index = {group: number for number, group in enumerate(groups)}
    nothing = np.empty(0, np.int32)
    return ComparisonTable(
        items=tuple(clip.take_id for clip in clips),
        item_a=nothing,
        item_b=nothing,
        outcome=nothing,
        groups=tuple(groups),
        item_group=np.array([index[clip.group] for clip in clips], np.int32),
    )


def read_table(connection: Connection, clips: Sequence[Clip], criterion_id: int) -> ComparisonTable:
    """The votes on one criterion that count, a being the left clip.

    Not counted: votes that were replaced, practice and gold, and votes of who is excluded.
    """
    later = votes.alias()
    columns = (
        votes.c.left_clip, votes.c.right_clip, votes.c.answer, votes.c.annotator_id,
        votes.c.answered_at - votes.c.shown_at,
    )  # fmt: skip
    query = (
        select(*columns)
        .join(leases, leases.c.id == votes.c.lease_id)
        .join(annotators, annotators.c.id == votes.c.annotator_id)
        .outerjoin(
            later,
            (later.c.revokes == votes.c.token) & (later.c.criterion_id == votes.c.criterion_id),
        )
        .where(
            votes.c.criterion_id == criterion_id,
            later.c.seq.is_(None),
            leases.c.kind.in_(("new", "repeat", "swapped")),
            annotators.c.excluded_at.is_(None),
        )
        .order_by(votes.c.seq)
    )
    rows = connection.execute(query).all()
    names = connection.execute(select(annotators.c.id, annotators.c.name))
    people = {person: name for person, name in names}
    numbers = {person: number for number, person in enumerate(people)}
    seconds = np.array([row[4] for row in rows], np.float32)
    empty = empty_table(clips)
    return ComparisonTable(
        items=empty.items,
        groups=empty.groups,
        item_group=empty.item_group,
        item_a=np.array([row[0] for row in rows], np.int32) - 1,
        item_b=np.array([row[1] for row in rows], np.int32) - 1,
        outcome=np.array([_CODES[row[2]] for row in rows], np.int8),
        annotators=tuple(people.values()),
        annotator=np.array([numbers[row[3]] for row in rows], np.int32),
        left=np.ones(len(rows), np.int8),
        seconds=np.where(seconds < 0, np.nan, seconds),  # a clock was set back
    )
