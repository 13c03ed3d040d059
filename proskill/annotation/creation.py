"""From takes to a campaign: a folder, a database, one clip for each take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select

from proskill.annotation.assignment.gold import GoldTakes
from proskill.annotation.campaign import (
    CAMPAIGN_FILE,
    DATABASE_FILE,
    MANIFEST_FILE,
    CampaignSettings,
    write_campaign_file,
)
from proskill.annotation.db import schema
from proskill.annotation.db.database import Database, sqlite_url
from proskill.annotation.db.leases import all_leases
from proskill.annotation.db.migrations import upgrade
from proskill.annotation.db.store import CampaignStore, add_event
from proskill.annotation.records import CampaignState
from proskill.annotation.tokens import new_public_id
from proskill.data import Take, View, write_manifest
from proskill.errors import CampaignError

# What of a clip follows from the manifest.
_SHOWN_COLUMNS: Final = ("view", "path", "start_seconds", "end_seconds", "item_group")


def create_campaign(
    folder: Path,
    *,
    takes: Sequence[Take],
    name: str,
    now: float,
    criteria: Sequence[str] = ("overall skill",),
    settings: CampaignSettings | None = None,
    view: str | None = None,
    group_by_scenario: bool = False,
    gold: Sequence[GoldTakes] = (),
    database_url: str | None = None,
    state: CampaignState = "open",
    seed: int = 0,
) -> CampaignStore:
    """Create a campaign; its clips have no proxies yet.

    Args:
        folder: made when missing; must be empty.
        takes: two or more, with distinct ids.
        name: what annotators see.
        now: UTC seconds.
        criteria: what is judged of each pair.
        settings: None: all as they are by default.
        view: the view to show of each take; None: the first exo view, or else the first one.
        group_by_scenario: pair takes of one scenario only.
        gold: pairs whose answer is known, by take ids.
        database_url: an empty PostgreSQL database; None: a SQLite file in the folder.
        state: to begin with.
        seed: of the choice of pairs.

    Raises:
        CampaignError: the folder or the database is in use, a take lacks the view, a criterion is
            named twice, there is nothing to pair, or a gold pair cannot be asked.
        ManifestError: the takes make no manifest.
    """
    _check(folder, takes, criteria)
    clip_rows = _clip_rows(takes, view, group_by_scenario)
    row_of = {row["take_id"]: row for row in clip_rows}
    gold_rows = [_gold_row(number, pair, row_of) for number, pair in enumerate(gold, 1)]
    folder.mkdir(parents=True, exist_ok=True)
    database = Database(database_url or sqlite_url(folder / DATABASE_FILE))
    try:
        write_manifest(folder / MANIFEST_FILE, takes)
        with database.write() as connection:
            upgrade(connection)
            _require_empty(connection)
            connection.execute(
                insert(schema.campaign).values(
                    id=1, name=name, created_at=now, state=state,
                    settings=(settings or CampaignSettings()).to_json(), seed=seed,
                )
            )  # fmt: skip
            names = [{"id": number, "name": text} for number, text in enumerate(criteria, 1)]
            connection.execute(insert(schema.criteria), names)
            connection.execute(insert(schema.clips), clip_rows)
            if gold_rows:
                connection.execute(insert(schema.gold), gold_rows)
            what = {"event": "created", "name": name, "clips": len(takes), "gold": len(gold_rows)}
            add_event(connection, now, "campaign", what)
            # Last: a folder without this file is no campaign.
            write_campaign_file(folder, database_url=database_url)
    except BaseException:
        database.close()
        for file in folder.iterdir():  # it was empty before
            file.unlink()
        raise
    return CampaignStore(folder, database)


def missing_videos(takes: Sequence[Take], *, view: str | None) -> list[Path]:
    """Return the files that `create_campaign` would show and that do not exist."""
    shown = [_shown_view(take, view)[1].path for take in takes]
    return [path for path in shown if not path.is_file()]


def is_half_made(store: CampaignStore) -> bool:
    """Return True when its creation was interrupted: it is paused until its clips exist."""
    was_opened = any(event.what["event"] == "state" for event in store.events())
    return store.campaign().state == "paused" and not was_opened


def has_clips_of(
    store: CampaignStore, takes: Sequence[Take], *, view: str | None, group_by_scenario: bool
) -> bool:
    """Return True when a campaign has the clips that `create_campaign` would make of these takes.

    Clips that were left out of it are no difference.
    """
    wanted = {row["take_id"]: row for row in _clip_rows(takes, view, group_by_scenario)}
    shown = {clip.take_id: clip for clip in store.clips()}
    left_out = {take for event in store.events() for take in event.what.get("takes", ())}
    return wanted.keys() - left_out == shown.keys() and all(
        (clip.view, str(clip.path), clip.start_seconds, clip.end_seconds, clip.group)
        == tuple(wanted[take_id][name] for name in _SHOWN_COLUMNS)
        for take_id, clip in shown.items()
    )


def drop_clips(store: CampaignStore, take_ids: Collection[str], *, now: float) -> None:
    """Leave clips out, with their gold pairs, before anything was asked; ids are given anew.

    Raises:
        CampaignError: a pair was handed out already, or fewer than two clips would be left.
    """
    with store.write() as (connection, _):
        if all_leases(connection):
            raise CampaignError("clips cannot be left out of a campaign that has begun")
        kept = [
            dict(row._mapping)
            for row in connection.execute(select(schema.clips).order_by(schema.clips.c.id))
            if row.take_id not in take_ids
        ]
        if len(kept) < 2:
            raise CampaignError("fewer than two clips would be left, so nothing to compare")
        new_id = {row["id"]: number for number, row in enumerate(kept, 1)}
        pairs = [
            {
                **row,
                "left_clip": new_id[row["left_clip"]],
                "right_clip": new_id[row["right_clip"]],
            }
            for row in map(dict, connection.execute(select(schema.gold)).mappings())
            if {row["left_clip"], row["right_clip"]} <= set(new_id)
        ]
        connection.execute(delete(schema.gold))
        connection.execute(delete(schema.clips))
        connection.execute(insert(schema.clips), [{**row, "id": new_id[row["id"]]} for row in kept])
        if pairs:
            connection.execute(insert(schema.gold), pairs)
        what = {"event": "left out", "takes": sorted(take_ids)}
        add_event(connection, now, "campaign", what)


def _check(folder: Path, takes: Sequence[Take], criteria: Sequence[str]) -> None:
    if (folder / CAMPAIGN_FILE).exists():
        raise CampaignError(f"{folder}: holds a campaign already; choose another folder")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CampaignError(f"{folder}: must be an empty folder, or not there yet")
    if len(takes) < 2:
        raise CampaignError(f"{len(takes)} takes: a campaign compares two or more")
    if not criteria or len(set(criteria)) < len(criteria):
        raise CampaignError(f"criteria={list(criteria)}: one or more are needed, each once")
    for text in criteria:
        if not text or text != text.strip() or not text.isprintable():
            raise CampaignError(f"criterion {text!r}: needs text without space around it")


def _require_empty(connection: Connection) -> None:
    found = connection.scalar(select(schema.campaign.c.name))
    if found is not None:
        raise CampaignError(
            f"the database holds the campaign {found!r} already; give each campaign its own"
        )


def _shown_view(take: Take, name: str | None) -> tuple[str, View]:
    """Return name and view that annotators see."""
    if name is None:
        exo = [found for found, view in take.views.items() if view.kind == "exo"]
        name = next(iter([*exo, *take.views]))
    if name not in take.views:
        raise CampaignError(
            f"take {take.take_id!r} has no view {name!r}; its views are {', '.join(take.views)}"
        )
    return name, take.views[name]


def _clip_rows(
    takes: Sequence[Take], view: str | None, group_by_scenario: bool
) -> list[dict[str, Any]]:
    """Return one row of `clips` per take, in order."""
    group = {take.take_id: take.scenario if group_by_scenario else "" for take in takes}
    if max(Counter(group.values()).values()) < 2:
        raise CampaignError("no scenario has two takes, so there is nothing to compare")
    return [
        _clip_row(number, take, *_shown_view(take, view), group[take.take_id])
        for number, take in enumerate(takes, 1)
    ]


def _clip_row(number: int, take: Take, name: str, view: View, group: str) -> dict[str, Any]:
    start = max(0.0, view.start_seconds + view.offset_seconds)
    end = None if view.end_seconds is None else view.end_seconds + view.offset_seconds
    if end is not None and end <= start:
        raise CampaignError(
            f"take {take.take_id!r}: view {name!r} ends at {end:g} s of its file and begins later; "
            "check start_seconds, end_seconds and offset_seconds"
        )
    return {
        "id": number,
        "public_id": new_public_id(),
        "take_id": take.take_id,
        "view": name,
        "path": str(view.path.absolute()),
        "start_seconds": start,
        "end_seconds": end,
        "item_group": group,
    }


def _gold_row(
    number: int, pair: GoldTakes, clips: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    for take_id in (pair.left, pair.right):
        if take_id not in clips:
            raise CampaignError(
                f"gold pair {pair.left!r}, {pair.right!r}: the manifest has no take {take_id!r}; "
                f"its takes are called {', '.join(map(repr, list(clips)[:3]))} and the like"
            )
    left, right = clips[pair.left], clips[pair.right]
    if left["item_group"] != right["item_group"]:
        raise CampaignError(
            f"gold pair {pair.left!r}, {pair.right!r}: the takes are of different scenarios, "
            "which this campaign does not compare"
        )
    return {
        "id": number,
        "left_clip": left["id"],
        "right_clip": right["id"],
        "answer": pair.answer,
        "is_practice": pair.is_practice,
        "feedback": pair.feedback,
    }
