"""Connections to a campaign's database: one writer at a time, failures as refusals.

SQLite: a write-ahead log that is on the disk when a transaction has ended, one connection that
writes and others that read. PostgreSQL: a pool; who writes locks the campaign's row first.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from proskill.annotation.db.connection_failures import CONNECT_SECONDS, why_no_connection
from proskill.annotation.refusals import Refusal
from proskill.errors import CampaignError

# A second process writes for a few milliseconds; a backup or a checkpoint may take longer.
_BUSY_SECONDS: Final = 10.0

# How much of the log is written over into the database at once: often, so that no vote waits long.
_CHECKPOINT_PAGES: Final = 1000

_SQLITE_DOWN: Final = (
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY,
)  # fmt: skip

_SQLITE_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

# Classes of SQLSTATE: no connection, deadlock, no resources, shut down.
_POSTGRESQL_DOWN: Final = ("08", "40", "53", "57")


_EXAMPLE: Final = "postgresql+psycopg://USER@HOST/NAME"


class Database:
    """Transactions on one database, from any thread.

    Args:
        url: SQLAlchemy's URL of a SQLite file or of a PostgreSQL database.

    Raises:
        CampaignError: another kind of database, no driver for it, or no connection.
    """

    def __init__(self, url: str | URL) -> None:
        self._lock = threading.RLock()
        try:
            url = make_url(url)
            kind = url.get_backend_name()
            if kind == "sqlite":
                self._writer = _sqlite_engine(url, begin="BEGIN IMMEDIATE")
                self._reader = _sqlite_engine(url, begin="BEGIN")
            elif kind == "postgresql":
                self._writer = self._reader = _postgresql_engine(url)
        except (ArgumentError, ValueError):  # the port is no number
            raise CampaignError(
                f"{_without_password(url)!r} is not a database URL; write it as {_EXAMPLE}"
            ) from None
        except ModuleNotFoundError as error:
            raise CampaignError(
                f"the driver {error.name!r} of {_without_password(url)} is not installed; "
                f"pip install 'proskill[postgresql]' and write the URL as {_EXAMPLE}"
            ) from None
        if kind not in ("sqlite", "postgresql"):
            raise CampaignError(
                f"{kind!r} databases are not supported; allowed are sqlite and postgresql, such as "
                f"{_EXAMPLE}"
            )

    @property
    def is_sqlite(self) -> bool:
        """Return True for a file, which several machines must not share."""
        return self._writer.dialect.name == "sqlite"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Begin a write transaction; it is durable when the block ends without an error.

        Raises:
            Refusal: `storage_full` or `unavailable`; nothing was written.
        """
        with self._lock, self._plain_failures(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Begin a read transaction on one state of the database, while others may write.

        Raises:
            Refusal: `unavailable`.
        """
        with self._plain_failures(), self._reader.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def _plain_failures(self) -> Iterator[None]:
        """Turn failures of the machine into refusals; those of a constraint are for the caller."""
        try:
            yield
        except PoolTimeoutError:
            raise Refusal("unavailable", "the database has no free connection; try again") from None
        except UnicodeDecodeError as error:
            raise self._damage() from error
        except DBAPIError as error:
            refusal = self._damage() if _is_damage(error) else _refusal_of(error)
            if refusal is None:
                raise
            raise refusal from error

    def _damage(self) -> Refusal:
        # Who votes sees the sentence, too, so that it has no folder in it.
        name = Path(self._writer.url.database or "").name
        return Refusal("unavailable", f"{name}: is damaged; bring it back from a backup")

    def close(self) -> None:
        """Close all connections."""
        self._writer.dispose()
        self._reader.dispose()


def sqlite_url(path: Path) -> URL:
    """Return the URL of a SQLite file, whatever characters are in its path."""
    return URL.create("sqlite", database=str(path))


def _postgresql_engine(url: URL) -> Engine:
    if "@" in (url.host or ""):
        raise CampaignError(
            "the database's URL has two @; inside a password write it as %40, and / as %2F"
        )
    options: dict[str, int] = {}
    if url.get_driver_name() == "psycopg" and "connect_timeout" not in url.query:
        options["connect_timeout"] = CONNECT_SECONDS
    engine = create_engine(url, pool_pre_ping=True, connect_args=options)
    try:
        engine.connect().close()
    except OperationalError as error:
        reason = why_no_connection(engine, error)
        engine.dispose()
        raise CampaignError(f"{_without_password(url)}: {reason}") from None
    return engine


def _sqlite_engine(url: str | URL, *, begin: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def _prepare(connection: DBAPIConnection, record: object) -> None:
        # The driver must not begin transactions by itself: it does so too late.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _sqlite_kind(error: DBAPIError) -> int | None:
    """Return SQLite's primary result code; None for other databases."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def _is_damage(error: DBAPIError) -> bool:
    kind = _sqlite_kind(error)
    if kind is None:  # Python's own module: a text cannot be decoded
        return isinstance(error.orig, sqlite3.OperationalError)
    return kind in _SQLITE_DAMAGED


def _refusal_of(error: DBAPIError) -> Refusal | None:
    """Return the refusal for a driver's error; None when it is no failure of the machine."""
    kind = _sqlite_kind(error)
    state = getattr(error.orig, "sqlstate", None)
    if kind is not None:
        # A write past a limit of the system reaches SQLite as a failed write, not as a full disk.
        is_full = kind in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR)
        is_down = kind in _SQLITE_DOWN
    else:
        is_full = state == "53100"
        is_down = state[:2] in _POSTGRESQL_DOWN if state else isinstance(error, OperationalError)
    if is_full:
        return Refusal(
            "storage_full",
            "the server's disk is full, or cannot be written; nothing of this was recorded",
        )
    if is_down:
        return Refusal("unavailable", "the database cannot be reached now; try again")
    return None


def _without_password(url: str | URL) -> str:
    try:
        return make_url(url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return str(url).split("://", 1)[0] + "://..."
