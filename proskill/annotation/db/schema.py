"""The tables of a campaign. What is true of them at any moment is held by their constraints.

`migrations/` makes these tables; a test compares the two. Timestamps are UTC seconds. Columns that
hold ids of clips hold `clips.id`.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

# The version of the tables below: the newest of `migrations/versions/`.
SCHEMA_VERSION: Final = "0002"

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)

# A number that grows by itself and is never given twice: SQLite does so for INTEGER keys only.
_Serial = BigInteger().with_variant(Integer, "sqlite")


def _one_of(column: str, *values: str) -> CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({allowed})", name=column)


campaign = Table(
    "campaign",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", Float(53), nullable=False),
    Column("state", Text, _one_of("state", "open", "paused", "closed"), nullable=False),
    Column("settings", Text, nullable=False),  # JSON of CampaignSettings
    Column("seed", BigInteger, nullable=False),
)

criteria = Table(
    "criteria",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
)

clips = Table(
    "clips",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("public_id", Text, nullable=False, unique=True),  # all that annotators see of it
    Column("take_id", Text, nullable=False, unique=True),
    Column("view", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("start_seconds", Float(53), nullable=False),  # on the file's clock
    Column("end_seconds", Float(53)),
    Column("proxy", Text),  # relative to the campaign's folder
    Column("duration_seconds", Float(53)),  # of the proxy
    Column("item_group", Text, nullable=False),
    Column("prior", Float(53)),
)

annotators = Table(
    "annotators",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("role", Text, _one_of("role", "annotator", "organiser"), nullable=False),
    Column("token_hash", Text, nullable=False, unique=True),
    Column("created_at", Float(53), nullable=False),
    Column("revoked_at", Float(53)),
    Column("excluded_at", Float(53)),
    sqlite_autoincrement=True,
)

leases = Table(
    "leases",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("public_id", Text, nullable=False, unique=True),
    Column("left_clip", Integer, ForeignKey("clips.id"), nullable=False),
    Column("right_clip", Integer, ForeignKey("clips.id"), nullable=False),
    Column("low_clip", Integer, nullable=False),  # the same two whatever their sides
    Column("high_clip", Integer, nullable=False),
    Column("annotator_id", _Serial, ForeignKey("annotators.id"), nullable=False),
    Column("slot", Integer, nullable=False),  # 0 or 1: an annotator has at most two open leases
    Column(
        "kind", Text, _one_of("kind", "new", "repeat", "swapped", "gold", "practice"),
        nullable=False,
    ),
    Column("issued_at", Float(53), nullable=False),
    Column("expires_at", Float(53), nullable=False),
    Column("state", Text, _one_of("state", "out", "answered", "expired"), nullable=False),
    # Grows with every new lease and every new state, so that a process can read what others did.
    Column("change", BigInteger, nullable=False, unique=True),
    CheckConstraint("slot IN (0, 1)", name="slot"),
    CheckConstraint(
        "(low_clip = left_clip AND high_clip = right_clip) OR "
        "(low_clip = right_clip AND high_clip = left_clip)",
        name="same_pair",
    ),
    CheckConstraint("low_clip < high_clip", name="two_clips"),
    sqlite_autoincrement=True,
)  # fmt: skip


def _unique_where(name: str, where: str, *columns: str) -> Index:
    return Index(
        name, *(leases.c[column] for column in columns), unique=True,
        sqlite_where=text(where), postgresql_where=text(where),
    )  # fmt: skip


_unique_where(
    "leases_pair_out_once",
    "state = 'out' AND kind IN ('new', 'repeat', 'swapped')", "low_clip", "high_clip",
)  # fmt: skip
_unique_where(
    "leases_pair_new_once", "state <> 'expired' AND kind = 'new'", "low_clip", "high_clip"
)
_unique_where(
    "leases_pair_again_once",
    "state <> 'expired' AND kind IN ('repeat', 'swapped')", "low_clip", "high_clip",
)  # fmt: skip
_unique_where(
    "leases_annotator_pair_once",
    "state <> 'expired' AND kind <> 'swapped'", "annotator_id", "low_clip", "high_clip",
)  # fmt: skip
_unique_where("leases_annotator_slots", "state = 'out'", "annotator_id", "slot")
Index("leases_by_annotator", leases.c.annotator_id, leases.c.change)
Index(
    "leases_out_until", leases.c.expires_at,
    sqlite_where=text("state = 'out'"), postgresql_where=text("state = 'out'"),
)  # fmt: skip

votes = Table(
    "votes",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("token", Text, nullable=False),  # made by the page; the same answer sent twice has it
    Column("criterion_id", Integer, ForeignKey("criteria.id"), nullable=False),
    Column("lease_id", _Serial, ForeignKey("leases.id"), nullable=False),
    Column("left_clip", Integer, nullable=False),
    Column("right_clip", Integer, nullable=False),
    Column("annotator_id", _Serial, ForeignKey("annotators.id"), nullable=False),
    Column("answer", Text, _one_of("answer", "left", "right", "tie", "skip"), nullable=False),
    Column("strength", Integer),
    Column("reason", Text),
    Column("shown_at", Float(53), nullable=False),  # by the page's clock, as is the next
    Column("answered_at", Float(53), nullable=False),
    Column("received_at", Float(53), nullable=False),
    Column("watched_left", Float(53), nullable=False),
    Column("watched_right", Float(53), nullable=False),
    Column("client", Text, nullable=False),
    Column("revokes", Text),  # the token of the vote that this one replaces
    UniqueConstraint("token", "criterion_id"),
    UniqueConstraint("revokes", "criterion_id"),  # an answer is replaced once; then its successor
    CheckConstraint("strength BETWEEN 1 AND 3", name="strength"),
    sqlite_autoincrement=True,
)
# A lease is answered once for each criterion; what follows must revoke.
Index(
    "votes_lease_once", votes.c.lease_id, votes.c.criterion_id, unique=True,
    sqlite_where=text("revokes IS NULL"), postgresql_where=text("revokes IS NULL"),
)  # fmt: skip
Index("votes_by_lease", votes.c.lease_id)

flags = Table(
    "flags",
    metadata,
    Column("id", _Serial, primary_key=True),
    Column("clip", Integer, ForeignKey("clips.id"), nullable=False),
    Column("annotator_id", _Serial, ForeignKey("annotators.id"), nullable=False),
    Column(
        "reason", Text, _one_of("reason", "broken", "unrelated", "private", "other"),
        nullable=False,
    ),
    Column("note", Text, nullable=False),
    Column("at", Float(53), nullable=False),
    Column("resolved_at", Float(53)),
    sqlite_autoincrement=True,
)  # fmt: skip

gold = Table(
    "gold",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # practice goes in this order
    Column("left_clip", Integer, ForeignKey("clips.id"), nullable=False),
    Column("right_clip", Integer, ForeignKey("clips.id"), nullable=False),
    Column("answer", Text, _one_of("answer", "left", "right", "tie"), nullable=False),
    Column("is_practice", Boolean, nullable=False),
    Column("feedback", Text, nullable=False),
    UniqueConstraint("left_clip", "right_clip"),
)

events = Table(
    "events",
    metadata,
    Column("seq", _Serial, primary_key=True),
    Column("at", Float(53), nullable=False),
    Column("who", Text, nullable=False),
    Column("what", Text, nullable=False),  # JSON
    sqlite_autoincrement=True,
)
