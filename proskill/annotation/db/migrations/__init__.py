"""The versions of a campaign's tables, and the way from each to the newest."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import ProgrammingError

from proskill.annotation.db.schema import SCHEMA_VERSION
from proskill.errors import CampaignError

# Any number does; servers that start together must use the same.
_MIGRATION_LOCK: Final = 5_206_113


def stored_version(connection: Connection) -> str | None:
    """The version of the tables in a database; None when there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version


def upgrade(connection: Connection, *, version: str = SCHEMA_VERSION) -> None:
    """Bring the tables to a version, making them when there are none.

    The caller's transaction holds all of it: a failure leaves the database as it was.

    Args:
        connection: inside a transaction; on SQLite one that may write.
        version: of `versions/`; an older one is for tests.

    Raises:
        CampaignError: the database was written by a newer proskill, or takes no tables of ours.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
    stored = stored_version(connection)
    if stored == version:
        return
    if stored is not None and stored > version:
        raise CampaignError(
            f"the campaign's database has version {stored} and this proskill knows {version} at "
            "most; open it with the newer proskill that wrote it"
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    # The configuration reads % as the start of a name.
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, version)
    except ProgrammingError as error:
        reason = str(error.orig).splitlines()[0]
        raise CampaignError(
            f"the tables of a campaign cannot be made: {reason}; give each campaign an empty "
            "database in which its user may make tables"
        ) from None
