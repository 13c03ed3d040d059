"""A campaign's database: people, clips, flags, events and the log of votes.

What an annotator's answer changes is in `leases`; what is asked next is decided in `assignment`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from proskill.annotation.answers import require_storable
from proskill.annotation.campaign import DATABASE_FILE, CampaignSettings, read_database_url
from proskill.annotation.db import leases
from proskill.annotation.db.database import Database, sqlite_url
from proskill.annotation.db.migrations import stored_version, upgrade
from proskill.annotation.db.schema import (
    SCHEMA_VERSION,
    annotators,
    campaign,
    clips,
    criteria,
    events,
    flags,
    gold,
    votes,
)
from proskill.annotation.records import (
    Annotator,
    Campaign,
    CampaignState,
    Clip,
    Criterion,
    Event,
    Flag,
    FlagReason,
    GoldPair,
    LeaseRow,
    Role,
    VoteRow,
)
from proskill.annotation.refusals import Refusal
from proskill.annotation.tokens import hash_token, is_public_id, new_token
from proskill.errors import CampaignError

_MAX_NAME_CHARACTERS = 100


class CampaignStore:
    """One campaign; methods may be called from any thread and return when all is on the disk.

    Args:
        folder: the campaign's, for its proxies.
        database: with tables of the newest version.

    Every method that writes raises `Refusal` when the disk is full or the database away, and every
    one that reads when it is away.
    """

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.database = database

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open a campaign, bringing its tables to the newest version.

        Raises:
            CampaignError: there is no campaign, it is half made, or a newer proskill wrote it.
            Refusal: `unavailable`: the database is away, or damaged.
        """
        url = read_database_url(folder)
        path = folder / DATABASE_FILE
        if url is None and not path.is_file():
            raise CampaignError(
                f"{path}: is missing; bring it back from a backup, or make the campaign anew"
            )
        database = Database(sqlite_url(path) if url is None else url)
        try:
            with database.read() as connection:
                is_newest = stored_version(connection) == SCHEMA_VERSION
            if not is_newest:  # seldom; who only opens it keeps no vote waiting
                with database.write() as connection:
                    upgrade(connection)
            with database.read() as connection:
                if connection.scalar(select(campaign.c.id)) is None:
                    raise CampaignError(
                        f"{folder}: the campaign's database is empty; make the campaign anew"
                    )
        except BaseException:
            database.close()
            raise
        return cls(folder, database)

    def close(self) -> None:
        """Close the connections."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    @contextmanager
    def write(self) -> Iterator[tuple[Connection, CampaignState]]:
        """Begin a transaction that changes the campaign, exclusively among all processes.

        Yields:
            The connection, and the campaign's state, which stays until the end.
        """
        with self.database.write() as connection:
            # SQLite has locked the whole file by now and knows no FOR UPDATE.
            state = connection.execute(_LOCK).scalar_one()
            yield connection, state

    # --- the campaign

    def campaign(self) -> Campaign:
        """Return the campaign's present state."""
        with self.database.read() as connection:
            row = connection.execute(select(campaign)).one()
            names = connection.execute(select(criteria).order_by(criteria.c.id)).all()
        return Campaign(
            name=row.name,
            created_at=row.created_at,
            state=row.state,
            settings=CampaignSettings.from_json(row.settings),
            seed=row.seed,
            criteria=tuple(Criterion(*name) for name in names),
        )

    def public_id(self) -> str:
        """Return eight letters that identify this campaign; no secret, never changed."""
        with self.database.read() as connection:
            first = connection.scalar(select(clips.c.public_id).order_by(clips.c.id).limit(1))
        # Not the clip's own id, which is part of an address.
        return hash_token(str(first))[:8]

    def set_state(self, state: CampaignState, *, who: str, now: float) -> None:
        """Open, pause or close it; a closed one may be opened again."""
        with self.write() as (connection, before):
            if state != before:
                connection.execute(update(campaign).values(state=state))
                add_event(connection, now, who, {"event": "state", "from": before, "to": state})

    # --- people

    def invite(self, name: str, *, role: Role = "annotator", now: float) -> str:
        """Return a new secret for a person; their earlier one is no longer valid.

        Args:
            name: shown to the organiser, and to its owner.
            role: of a new name; a name keeps the role it has.
            now: UTC seconds.

        Raises:
            CampaignError: the name is empty or too long, or has the other role.
        """
        name = _checked_name(name)
        token = new_token()
        with self.write() as (connection, _):
            row = connection.execute(select(annotators).where(annotators.c.name == name)).first()
            if row is None:
                connection.execute(
                    insert(annotators).values(
                        name=name, role=role, token_hash=hash_token(token), created_at=now
                    )
                )
            elif row.role != role:
                raise CampaignError(
                    f"{name!r} is invited as {row.role} already; choose another name"
                )
            else:
                connection.execute(
                    update(annotators)
                    .where(annotators.c.id == row.id)
                    .values(token_hash=hash_token(token), revoked_at=None)
                )
            add_event(connection, now, name, {"event": "invited", "name": name, "role": role})
        return token

    def find_annotator(self, token: str) -> Annotator | None:
        """Return the owner of a secret; None when it is unknown or revoked."""
        with self.database.read() as connection:
            row = connection.execute(_PERSON, {"token_hash": hash_token(token)}).first()
        return None if row is None else Annotator(*row)

    def annotators(self) -> list[Annotator]:
        """Return all invited people, organisers too, in order of invitation."""
        with self.database.read() as connection:
            rows = connection.execute(_PEOPLE.order_by(annotators.c.id)).all()
        return [Annotator(*row) for row in rows]

    def set_revoked(self, annotator_id: int, revoked: bool, *, who: str, now: float) -> None:
        """Close or open an annotator's link; closing it releases their pairs.

        Raises:
            CampaignError: there is no such annotator.
        """
        self._set_instant(annotator_id, "revoked_at", now if revoked else None, who=who, now=now)

    def set_excluded(self, annotator_id: int, excluded: bool, *, who: str, now: float) -> None:
        """Exclude an annotator's votes from the ratings, or include them; the log keeps them.

        Raises:
            CampaignError: there is no such annotator.
        """
        self._set_instant(annotator_id, "excluded_at", now if excluded else None, who=who, now=now)

    def _set_instant(
        self, annotator_id: int, column: str, at: float | None, *, who: str, now: float
    ) -> None:
        with self.write() as (connection, _):
            done = connection.execute(
                update(annotators)
                .where(annotators.c.id == annotator_id)
                .values({column: at})
                .returning(annotators.c.name)
            ).first()
            if done is None:
                raise CampaignError(f"there is no annotator with id {annotator_id}")
            if at is not None:
                leases.expire_open_leases(connection, annotator_id)
            what = column.removesuffix("_at")
            add_event(
                connection, now, who, {"event": what, "name": done.name, what: at is not None}
            )

    # --- clips

    def clips(self) -> list[Clip]:
        """Return all clips in the order of their ids, which are 1, 2, ..."""
        with self.database.read() as connection:
            rows = connection.execute(select(clips).order_by(clips.c.id)).all()
        return [self._clip(row) for row in rows]

    def _clip(self, row: Row[Any]) -> Clip:
        return Clip(
            id=row.id,
            public_id=row.public_id,
            take_id=row.take_id,
            view=row.view,
            path=Path(row.path),
            start_seconds=row.start_seconds,
            end_seconds=row.end_seconds,
            proxy=None if row.proxy is None else self.folder / row.proxy,
            duration_seconds=row.duration_seconds,
            group=row.item_group,
            prior=row.prior,
        )

    def set_proxy(self, clip_id: int, proxy: str, *, duration_seconds: float) -> None:
        """Note the file that shows a clip, by its path within the campaign's folder."""
        with self.write() as (connection, _):
            connection.execute(
                update(clips)
                .where(clips.c.id == clip_id)
                .values(proxy=proxy, duration_seconds=duration_seconds)
            )

    def set_priors(self, priors: Mapping[str, float], *, source: str, now: float) -> None:
        """Note scores that a model gave before any vote; they start the pairing.

        Args:
            priors: take id -> score, higher is better; clips without one begin in the middle.
            source: which model it was, for the log.
            now: UTC seconds.
        """
        with self.write() as (connection, _):
            for take_id, score in priors.items():
                connection.execute(
                    update(clips).where(clips.c.take_id == take_id).values(prior=score)
                )
            add_event(
                connection, now, "campaign",
                {"event": "prior", "source": source, "scores": dict(priors)},
            )  # fmt: skip

    def gold(self) -> list[GoldPair]:
        """Return the gold pairs in the file's order."""
        columns = (
            gold.c.left_clip, gold.c.right_clip, gold.c.answer, gold.c.is_practice, gold.c.feedback,
        )  # fmt: skip
        with self.database.read() as connection:
            rows = connection.execute(select(*columns).order_by(gold.c.id)).all()
        return [GoldPair(*row) for row in rows]

    # --- flags and events

    def add_flag(
        self, public_id: str, annotator_id: int, reason: FlagReason, note: str, *, now: float
    ) -> int:
        """Store an annotator's report about a clip, and return the flag's id.

        Raises:
            Refusal: `wrong_answers`: there is no such clip, or the note cannot be stored.
        """
        try:
            require_storable("note", note)
        except ValueError as error:
            raise Refusal("wrong_answers", str(error)) from None
        if not is_public_id(public_id):
            raise Refusal("wrong_answers", "there is no such clip in this campaign")
        with self.write() as (connection, _):
            clip_id = connection.scalar(select(clips.c.id).where(clips.c.public_id == public_id))
            if clip_id is None:
                raise Refusal("wrong_answers", "there is no such clip in this campaign")
            done = connection.execute(
                insert(flags)
                .values(clip=clip_id, annotator_id=annotator_id, reason=reason, note=note, at=now)
                .returning(flags.c.id)
            )
            return int(done.scalar_one())

    def flags(self) -> list[Flag]:
        """Return all flags, oldest first."""
        with self.database.read() as connection:
            rows = connection.execute(select(flags).order_by(flags.c.id)).all()
        return [Flag(*row) for row in rows]

    def resolve_flag(self, flag_id: int, resolved: bool, *, who: str, now: float) -> None:
        """Mark a flag as dealt with, or not.

        Raises:
            CampaignError: there is no such flag.
        """
        with self.write() as (connection, _):
            done = connection.execute(
                update(flags)
                .where(flags.c.id == flag_id)
                .values(resolved_at=now if resolved else None)
            )
            if done.rowcount == 0:
                raise CampaignError(f"there is no flag with id {flag_id}")
            add_event(
                connection, now, who, {"event": "flag", "flag": flag_id, "resolved": resolved}
            )

    def events(self, after: int = 0) -> list[Event]:
        """Return the audit trail after a sequence number, oldest first."""
        query = select(events).where(events.c.seq > after).order_by(events.c.seq)
        with self.database.read() as connection:
            rows = connection.execute(query).all()
        return [Event(row.seq, row.at, row.who, json.loads(row.what)) for row in rows]

    # --- the log

    def vote_log(self, after_seq: int = 0) -> list[VoteRow]:
        """Return all votes after a sequence number, including those that do not count."""
        with self.database.read() as connection:
            return leases.votes_after(connection, after_seq)

    def num_recorded(self) -> tuple[int, int, int]:
        """Count answers (whatever the number of criteria), flags and events.

        Whatever a summary shows, one of them grows when it changes.
        """
        answers = select(func.count()).select_from(votes).where(votes.c.criterion_id == 1)
        others = (select(func.count()).select_from(table) for table in (flags, events))
        numbers = select(*(count.scalar_subquery() for count in (answers, *others)))
        with self.database.read() as connection:
            num_votes, num_flags, num_events = connection.execute(numbers).one()
        return num_votes, num_flags, num_events

    def leases(self) -> list[LeaseRow]:
        """Every pair that was handed out, oldest first."""
        with self.database.read() as connection:
            return leases.all_leases(connection)


_LOCK = select(campaign.c.state).with_for_update()
_PEOPLE = select(
    annotators.c.id, annotators.c.name, annotators.c.role, annotators.c.created_at,
    annotators.c.revoked_at, annotators.c.excluded_at,
)  # fmt: skip
_PERSON = _PEOPLE.where(
    annotators.c.token_hash == bindparam("token_hash"), annotators.c.revoked_at.is_(None)
)


def add_event(connection: Connection, now: float, who: str, what: Mapping[str, Any]) -> None:
    """Append a line to the audit trail; `what` is JSON with an `event` that names its kind."""
    text = json.dumps(what, allow_nan=False)
    connection.execute(insert(events).values(at=now, who=who, what=text))


def _checked_name(name: str) -> str:
    plain = " ".join(name.split())
    if not plain or len(plain) > _MAX_NAME_CHARACTERS or not plain.isprintable():
        raise CampaignError(
            f"annotator {name!r}: a name needs 1 to {_MAX_NAME_CHARACTERS} printable characters"
        )
    return plain
