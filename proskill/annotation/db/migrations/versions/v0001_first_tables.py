"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_SECONDS = sa.Float(53)


def upgrade() -> None:
    """Make the tables."""
    _make_campaign_and_clips()
    _make_people_and_leases()
    _make_guards_of_leases()
    _make_votes()
    _make_the_rest()


def _one_of(table: str, column: str, *values: str) -> sa.CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({allowed})", name=op.f(f"ck_{table}_{column}"))


def _key(table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("id" if table not in _LOGS else "seq", name=op.f(f"pk_{table}"))


_LOGS = ("votes", "events")


def _unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def _refers(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"))


def _make_campaign_and_clips() -> None:
    op.create_table(
        "campaign",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", _SECONDS, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        _key("campaign"),
        sa.CheckConstraint("id = 1", name=op.f("ck_campaign_one_row")),
        _one_of("campaign", "state", "open", "paused", "closed"),
    )
    op.create_table(
        "criteria",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        _key("criteria"),
        _unique("criteria", "name"),
    )
    op.create_table(
        "clips",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("take_id", sa.Text(), nullable=False),
        sa.Column("view", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("start_seconds", _SECONDS, nullable=False),
        sa.Column("end_seconds", _SECONDS),
        sa.Column("proxy", sa.Text()),
        sa.Column("duration_seconds", _SECONDS),
        sa.Column("item_group", sa.Text(), nullable=False),
        sa.Column("prior", _SECONDS),
        _key("clips"),
        _unique("clips", "public_id"),
        _unique("clips", "take_id"),
    )


def _make_people_and_leases() -> None:
    op.create_table(
        "annotators",
        sa.Column("id", _SERIAL, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_at", _SECONDS, nullable=False),
        sa.Column("revoked_at", _SECONDS),
        sa.Column("excluded_at", _SECONDS),
        _key("annotators"),
        _unique("annotators", "name"),
        _unique("annotators", "token_hash"),
        _one_of("annotators", "role", "annotator", "organiser"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "leases",
        sa.Column("id", _SERIAL, nullable=False),
        sa.Column("public_id", sa.Text(), nullable=False),
        sa.Column("left_clip", sa.Integer(), nullable=False),
        sa.Column("right_clip", sa.Integer(), nullable=False),
        sa.Column("low_clip", sa.Integer(), nullable=False),
        sa.Column("high_clip", sa.Integer(), nullable=False),
        sa.Column("annotator_id", _SERIAL, nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("issued_at", _SECONDS, nullable=False),
        sa.Column("expires_at", _SECONDS, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        _key("leases"),
        _unique("leases", "public_id"),
        _unique("leases", "change"),
        _refers("leases", "left_clip", "clips.id"),
        _refers("leases", "right_clip", "clips.id"),
        _refers("leases", "annotator_id", "annotators.id"),
        _one_of("leases", "kind", "new", "repeat", "swapped", "gold", "practice"),
        _one_of("leases", "state", "out", "answered", "expired"),
        sa.CheckConstraint("slot IN (0, 1)", name=op.f("ck_leases_slot")),
        sa.CheckConstraint(
            "(low_clip = left_clip AND high_clip = right_clip) OR "
            "(low_clip = right_clip AND high_clip = left_clip)",
            name=op.f("ck_leases_same_pair"),
        ),
        sa.CheckConstraint("low_clip < high_clip", name=op.f("ck_leases_two_clips")),
        sqlite_autoincrement=True,
    )


def _make_guards_of_leases() -> None:
    pair = ["low_clip", "high_clip"]
    guards = {
        "leases_pair_out_once": (pair, "state = 'out' AND kind IN ('new', 'repeat', 'swapped')"),
        "leases_pair_new_once": (pair, "state <> 'expired' AND kind = 'new'"),
        "leases_pair_again_once": (
            pair, "state <> 'expired' AND kind IN ('repeat', 'swapped')",
        ),
        "leases_annotator_pair_once": (
            ["annotator_id", *pair], "state <> 'expired' AND kind <> 'swapped'",
        ),
        "leases_annotator_slots": (["annotator_id", "slot"], "state = 'out'"),
    }  # fmt: skip
    for name, (columns, where) in guards.items():
        op.create_index(
            name, "leases", columns, unique=True,
            sqlite_where=sa.text(where), postgresql_where=sa.text(where),
        )  # fmt: skip
    op.create_index("leases_by_annotator", "leases", ["annotator_id", "change"])
    out = sa.text("state = 'out'")
    op.create_index(
        "leases_out_until", "leases", ["expires_at"], sqlite_where=out, postgresql_where=out
    )


def _make_votes() -> None:
    op.create_table(
        "votes",
        sa.Column("seq", _SERIAL, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("criterion_id", sa.Integer(), nullable=False),
        sa.Column("lease_id", _SERIAL, nullable=False),
        sa.Column("left_clip", sa.Integer(), nullable=False),
        sa.Column("right_clip", sa.Integer(), nullable=False),
        sa.Column("annotator_id", _SERIAL, nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("strength", sa.Integer()),
        sa.Column("reason", sa.Text()),
        sa.Column("shown_at", _SECONDS, nullable=False),
        sa.Column("answered_at", _SECONDS, nullable=False),
        sa.Column("received_at", _SECONDS, nullable=False),
        sa.Column("watched_left", _SECONDS, nullable=False),
        sa.Column("watched_right", _SECONDS, nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("revokes", sa.Text()),
        _key("votes"),
        _unique("votes", "token", "criterion_id"),
        _unique("votes", "revokes", "criterion_id"),
        _refers("votes", "criterion_id", "criteria.id"),
        _refers("votes", "lease_id", "leases.id"),
        _refers("votes", "annotator_id", "annotators.id"),
        _one_of("votes", "answer", "left", "right", "tie", "skip"),
        sa.CheckConstraint("strength BETWEEN 1 AND 3", name=op.f("ck_votes_strength")),
        sqlite_autoincrement=True,
    )
    first = sa.text("revokes IS NULL")
    op.create_index(
        "votes_lease_once", "votes", ["lease_id", "criterion_id"], unique=True,
        sqlite_where=first, postgresql_where=first,
    )  # fmt: skip


def _make_the_rest() -> None:
    op.create_table(
        "flags",
        sa.Column("id", _SERIAL, nullable=False),
        sa.Column("clip", sa.Integer(), nullable=False),
        sa.Column("annotator_id", _SERIAL, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", _SECONDS, nullable=False),
        sa.Column("resolved_at", _SECONDS),
        _key("flags"),
        _refers("flags", "clip", "clips.id"),
        _refers("flags", "annotator_id", "annotators.id"),
        _one_of("flags", "reason", "broken", "unrelated", "private", "other"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "gold",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("left_clip", sa.Integer(), nullable=False),
        sa.Column("right_clip", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("is_practice", sa.Boolean(), nullable=False),
        sa.Column("feedback", sa.Text(), nullable=False),
        _key("gold"),
        _unique("gold", "left_clip", "right_clip"),
        _refers("gold", "left_clip", "clips.id"),
        _refers("gold", "right_clip", "clips.id"),
        _one_of("gold", "answer", "left", "right", "tie"),
    )
    op.create_table(
        "events",
        sa.Column("seq", _SERIAL, nullable=False),
        sa.Column("at", _SECONDS, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        _key("events"),
        sqlite_autoincrement=True,
    )
