"""History of assessments by athlete, in one SQLite file on this machine.

Off by default; by alias, without videos and file names; deleted after a retention time or on
request, from the file as well. Nothing is sent anywhere. Every owner (an account of the app) has a
history, a switch and a retention time of their own.

Not here: comparing a change with the noise of scores (`trend.py`).
"""

from __future__ import annotations

import json
import os
import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from proskill.errors import ProskillError
from proskill.scoring.assessment import Assessment

MAX_ALIAS_LETTERS = 40
KEEP_DAYS = (7, 30, 90, 365)
_DEFAULT_KEEP_DAYS = 90
_VERSION = 1
# Line breaks, halves of characters, and what turns the direction of the text around it.
_REFUSED = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_SCHEMA = """
CREATE TABLE switches (owner TEXT PRIMARY KEY, keep_days INTEGER NOT NULL);
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    owner TEXT NOT NULL,
    alias TEXT NOT NULL,
    at TEXT NOT NULL,
    inputs TEXT NOT NULL,
    assessment TEXT NOT NULL
);
CREATE INDEX sessions_by_alias ON sessions (owner, alias, at);
"""


@dataclass(frozen=True)
class Session:
    """A stored assessment.

    Attributes:
        id: for deletion.
        alias: of the athlete.
        at: time of scoring, in UTC.
        assessment: with the names of views in place of the names of files.
    """

    id: int
    alias: str
    at: datetime
    assessment: Assessment


def default_history_path() -> Path:
    """Return the default path, in the user's folder for application data."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "proskill" / "history.sqlite3"


class History:
    """History of one owner; every call opens the file for itself, so threads may share it.

    Args:
        path: the SQLite file; created when the history is first switched on.
        owner: an account; "" without accounts.
    """

    def __init__(self, path: Path, *, owner: str = "") -> None:
        self.path = path
        self.owner = owner

    @property
    def keep_days(self) -> int | None:
        """Return the retention time in days; None while the history is off."""
        if not self.path.is_file():
            return None
        with self._open() as database:
            row = database.execute(
                "SELECT keep_days FROM switches WHERE owner = ?", (self.owner,)
            ).fetchone()
        return None if row is None else int(row[0])

    def switch_on(self, *, keep_days: int = _DEFAULT_KEEP_DAYS) -> None:
        """Begin to store sessions, or change the retention time.

        Raises:
            ValueError: a time that is not offered.
            ProskillError: the file cannot be written.
        """
        if keep_days not in KEEP_DAYS:
            raise ValueError(f"keep_days={keep_days}: allowed are {', '.join(map(str, KEEP_DAYS))}")
        with self._open() as database:
            database.execute(
                "INSERT OR REPLACE INTO switches VALUES (?, ?)", (self.owner, keep_days)
            )

    def switch_off(self) -> None:
        """Stop storing sessions, and delete all of them."""
        if self.path.is_file():
            with self._open() as database:
                database.execute("DELETE FROM switches WHERE owner = ?", (self.owner,))
            self.delete_all()

    def add(self, alias: str, assessment: Assessment, *, at: datetime | None = None) -> Session:
        """Store an assessment; one of the same files by the same checkpoint is stored once.

        Args:
            alias: of the athlete, see `checked_alias`.
            assessment: of any status.
            at: time of scoring, aware of its time zone; now if left out.

        Raises:
            ProskillError: the history is off, or the alias cannot be used.
        """
        alias = checked_alias(alias)
        if self.keep_days is None:
            raise ProskillError("the history is off; switch it on to keep sessions")
        self.expire()
        at = (at or datetime.now(UTC)).astimezone(UTC)
        kept = _without_file_names(assessment)
        origin = assessment.provenance
        inputs = json.dumps([origin.checkpoint_sha256, sorted(origin.inputs.values())])
        with self._open() as database:
            known = database.execute(
                "SELECT id, at, assessment FROM sessions "
                "WHERE owner = ? AND alias = ? AND inputs = ?",
                (self.owner, alias, inputs),
            ).fetchone()
            if known is not None and origin.inputs:
                return _session(known[0], alias, known[1], known[2])
            row = database.execute(
                "INSERT INTO sessions (owner, alias, at, inputs, assessment) "
                "VALUES (?, ?, ?, ?, ?) RETURNING id",
                (self.owner, alias, at.isoformat(), inputs, kept.to_json(indent=None)),
            ).fetchone()
        return Session(int(row[0]), alias, at, kept)

    def aliases(self) -> dict[str, int]:
        """Return the number of sessions by alias, in alphabetical order."""
        if not self.path.is_file():
            return {}
        self.expire()
        with self._open() as database:
            rows = database.execute(
                "SELECT alias, COUNT(*) FROM sessions WHERE owner = ? GROUP BY alias "
                "ORDER BY alias COLLATE NOCASE",
                (self.owner,),
            ).fetchall()
        return {str(alias): int(count) for alias, count in rows}

    def sessions(self, alias: str) -> list[Session]:
        """Return the sessions of an alias, oldest first."""
        if not self.path.is_file():
            return []
        self.expire()
        with self._open() as database:
            rows = database.execute(
                "SELECT id, at, assessment FROM sessions WHERE owner = ? AND alias = ? "
                "ORDER BY at, id",
                (self.owner, alias),
            ).fetchall()
        return [_session(number, alias, at, text) for number, at, text in rows]

    def delete(self, session_id: int) -> bool:
        """Delete one session of this owner; return False if there is no such one."""
        return self._delete("id = ?", session_id) > 0

    def delete_alias(self, alias: str) -> int:
        """Delete an athlete; return the number of sessions."""
        return self._delete("alias = ?", alias)

    def delete_all(self) -> int:
        """Delete all sessions of this owner; return their number."""
        return self._delete("TRUE")

    def expire(self, *, now: datetime | None = None) -> int:
        """Delete sessions older than their owner's retention time, of all owners; return how many.

        Reading and adding do this first.
        """
        at = (now or datetime.now(UTC)).astimezone(UTC).isoformat()
        return self._run(
            "DELETE FROM sessions WHERE julianday(at) < julianday(?) - "
            "(SELECT keep_days FROM switches WHERE switches.owner = sessions.owner)",
            at,
        )

    def _delete(self, condition: str, *values: object) -> int:
        """Delete this owner's rows; `condition` is a constant of this file."""
        return self._run(
            f"DELETE FROM sessions WHERE owner = ? AND {condition}", self.owner, *values
        )

    def _run(self, deletion: str, *values: object) -> int:
        if not self.path.is_file():
            return 0
        with self._open() as database:
            count = database.execute(deletion, values).rowcount
        if count:
            with self._open(is_transaction=False) as database:
                database.execute(
                    "VACUUM"
                )  # removes deleted rows from the file, not only from the table
        return count

    @contextmanager
    def _open(self, *, is_transaction: bool = True) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Readable by this user only, from its first byte on.
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            with closing(sqlite3.connect(self.path, timeout=10, isolation_level=None)) as database:
                database.execute("PRAGMA secure_delete = ON")
                if is_transaction:
                    database.execute("BEGIN IMMEDIATE")
                    _prepare(database, self.path)
                yield database
                if is_transaction:
                    database.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise ProskillError(
                f"{self.path}: the history cannot be used ({error}); move the file away or free "
                "some space"
            ) from error


def checked_alias(text: str) -> str:
    """Return an alias in its stored form: composed (NFC), without space around it.

    Raises:
        ProskillError: nothing, more than 40 letters, or control characters.
    """
    alias = unicodedata.normalize("NFC", text).strip()
    if not alias or len(alias) > MAX_ALIAS_LETTERS or _REFUSED.search(alias):
        raise ProskillError(
            "an alias needs a letter"
            if not alias
            else f"the alias {alias[:MAX_ALIAS_LETTERS]!r} is too long or has letters that cannot "
            f"be shown; at most {MAX_ALIAS_LETTERS} are allowed"
        )
    return alias


def _prepare(database: sqlite3.Connection, path: Path) -> None:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        for statement in _SCHEMA.split(";"):
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {_VERSION}")
    elif version != _VERSION:
        raise ProskillError(
            f"{path}: is a history of version {version}, this proskill reads version {_VERSION}; "
            "update proskill or move the file away"
        )


def _session(number: int, alias: str, at: str, text: str) -> Session:
    try:
        assessment = Assessment.from_dict(json.loads(text))
    except ValueError as error:
        raise ProskillError(
            f"a session of {alias!r} was kept by another version of proskill ({error}); delete the "
            "athlete's sessions, or use that version"
        ) from error
    return Session(int(number), alias, datetime.fromisoformat(at), assessment)


def _without_file_names(assessment: Assessment) -> Assessment:
    """Replace file names, which often contain people's names, by names of views."""
    views = {name: replace(view, file=name) for name, view in assessment.views.items()}
    return replace(assessment, views=views)
