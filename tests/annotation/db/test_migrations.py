"""Tables of every version become those of the newest, and say no to what they must not hold."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from proskill.annotation import Answer, Assignment, CampaignStore, Vote
from proskill.annotation.db.database import Database, sqlite_url
from proskill.annotation.db.migrations import stored_version, upgrade
from proskill.annotation.db.schema import SCHEMA_VERSION, metadata
from proskill.errors import CampaignError

NewCampaign = Callable[..., CampaignStore]
VERSIONS = sorted(
    path.name[1:5]
    for path in Path(stored_version.__globals__["__file__"]).parent.glob("versions/v*.py")
)


def assert_newest(database: Database) -> None:
    with database.write() as connection:
        assert stored_version(connection) == SCHEMA_VERSION
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_newest_version_is_the_one_that_the_schema_names() -> None:
    assert VERSIONS[-1] == SCHEMA_VERSION
    assert len(VERSIONS) >= 2


@pytest.mark.parametrize("version", [None, *VERSIONS])
def test_tables_of_every_version_become_the_newest(tmp_path: Path, version: str | None) -> None:
    database = Database(sqlite_url(tmp_path / "100 % old?.sqlite"))
    if version is not None:
        with database.write() as connection:
            upgrade(connection, version=version)
    for _ in range(2):  # the second time there is nothing to do
        with database.write() as connection:
            upgrade(connection)
    assert_newest(database)
    database.close()


@pytest.mark.needs_postgresql
def test_tables_on_postgresql_become_the_newest_too(postgresql_url: str) -> None:
    database = Database(postgresql_url)
    for version in VERSIONS:
        with database.write() as connection:
            upgrade(connection, version=version)
    assert_newest(database)
    database.close()


def test_a_campaign_of_the_first_version_keeps_its_votes(
    new_campaign: NewCampaign, tmp_path: Path
) -> None:
    with new_campaign() as store:
        store.invite("Ann", now=0.0)
        assignment = Assignment(store, now=0.0)
        pair = assignment.work(1, 0.0).current
        assert pair is not None
        assignment.vote(1, Vote("token of Ann", pair.lease, {1: Answer("tie")}, 1, 2, 1, 1), 2.0)
        old = tmp_path / "old"
        shutil.copytree(store.folder, old, ignore=shutil.ignore_patterns("*.sqlite*"))
        database = Database(sqlite_url(old / "campaign.sqlite"))
        with database.write() as connection, store.database.read() as source:
            upgrade(connection, version="0001")
            for table in metadata.sorted_tables:
                if rows := [dict(row) for row in source.execute(select(table)).mappings()]:
                    connection.execute(insert(table), rows)
        database.close()
        with CampaignStore.open(old) as migrated:
            assert_newest(migrated.database)
            assert migrated.vote_log() == store.vote_log()
            assert migrated.clips()[3].public_id == store.clips()[3].public_id


def test_a_newer_campaign_is_refused_and_left_alone(new_campaign: NewCampaign) -> None:
    with new_campaign() as store, store.write() as (connection, _):
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(CampaignError, match="has version 9999 and this proskill knows"):
        CampaignStore.open(store.folder)
    with store.database.read() as connection:
        assert stored_version(connection) == "9999"
    store.close()


def test_a_migration_that_fails_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(sqlite_url(tmp_path / "x.sqlite"))
    with database.write() as connection:
        upgrade(connection, version="0001")
        connection.execute(text("CREATE TABLE votes_by_lease (id INTEGER)"))  # in the way
    with pytest.raises(DBAPIError), database.write() as connection:
        upgrade(connection)
    with database.read() as connection:
        assert stored_version(connection) == "0001"
    database.close()


def _refused(store: CampaignStore, change: str) -> bool:
    try:
        with store.write() as (connection, _):
            connection.execute(text(change))
    except DBAPIError:
        return True
    return False


def assert_log_cannot_change(store: CampaignStore) -> None:
    store.invite("Ann", now=0.0)
    assignment = Assignment(store, now=0.0)
    pair = assignment.work(1, 0.0).current
    assert pair is not None
    assignment.vote(1, Vote("token of Ann", pair.lease, {1: Answer("tie")}, 1, 2, 1, 1), 2.0)
    for table in ("votes", "events"):
        assert _refused(store, f"DELETE FROM {table}")
    assert _refused(store, "UPDATE votes SET answer = 'left'")
    assert _refused(store, "UPDATE events SET who = 'somebody'")
    assert len(store.vote_log()) == 1


def test_the_database_refuses_to_change_the_log(new_campaign: NewCampaign) -> None:
    with new_campaign() as store:
        assert_log_cannot_change(store)


@pytest.mark.needs_postgresql
def test_postgresql_refuses_to_change_the_log(
    new_campaign: NewCampaign, postgresql_url: str
) -> None:
    with new_campaign(url=postgresql_url) as store:
        assert_log_cannot_change(store)
        assert _refused(store, "TRUNCATE votes")


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO leases SELECT 90, 'a', left_clip, right_clip, low_clip, high_clip, 2, 0, "
        "'new', 0, 9, 'out', 90 FROM leases WHERE id = 1",  # the same pair out to another
        "INSERT INTO leases SELECT 90, 'a', 1, 2, 1, 2, annotator_id, slot, 'repeat', 0, 9, "
        "'out', 90 FROM leases WHERE id = 2",  # a third pair out to the same
        "INSERT INTO leases SELECT 90, 'a', 3, 3, 3, 3, 2, 0, 'new', 0, 9, 'out', 90",
        "INSERT INTO leases SELECT 90, 'a', 3, 4, 1, 2, 2, 0, 'new', 0, 9, 'out', 90",
        "UPDATE leases SET state = 'lost'",
        "UPDATE campaign SET state = 'lost'",
        "INSERT INTO campaign SELECT 2, name, created_at, state, settings, seed FROM campaign",
    ],
)
def test_the_database_refuses_what_must_not_be(new_campaign: NewCampaign, change: str) -> None:
    with new_campaign(4) as store:
        store.invite("Ann", now=0.0)
        store.invite("Ben", now=0.0)
        Assignment(store, now=0.0).work(1, 0.0)
        assert _refused(store, change)
