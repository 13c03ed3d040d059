"""A campaign as it was at one moment, copied while it is served."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, func, insert, select, text

from proskill.annotation.campaign import DATABASE_FILE, MANIFEST_FILE, write_campaign_file
from proskill.annotation.db.database import Database, sqlite_url
from proskill.annotation.db.migrations import upgrade
from proskill.annotation.db.schema import metadata
from proskill.annotation.db.store import CampaignStore
from proskill.errors import CampaignError

_ROWS_AT_ONCE: Final = 2000


def back_up(
    store: CampaignStore, out: Path, *, with_videos: bool = True, database_url: str | None = None
) -> None:
    """Write a campaign with the present content of `store`; votes go on meanwhile.

    All tables are read from one state of the database. Without videos, the copy points to none;
    `make_proxies` makes them again from the originals.

    Args:
        store: what to copy.
        out: folder of the copy; must be empty, or not there yet.
        with_videos: whether to copy the clips as well.
        database_url: an empty PostgreSQL database to copy into; None: a SQLite file in the folder.

    Raises:
        CampaignError: the folder or the database is in use.
        OSError: a file cannot be copied.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise CampaignError(f"{out}: must be an empty folder, or not there yet")
    out.mkdir(parents=True, exist_ok=True)
    copy = Database(database_url or sqlite_url(out / DATABASE_FILE))
    try:
        with store.database.read() as source, copy.write() as target:
            upgrade(target)
            _copy_tables(source, target)
    finally:
        copy.close()
    if with_videos:
        for clip in store.clips():
            if clip.proxy is not None and clip.proxy.is_file():
                place = out / clip.proxy.relative_to(store.folder)
                place.parent.mkdir(exist_ok=True)
                shutil.copyfile(clip.proxy, place)
    shutil.copyfile(store.folder / MANIFEST_FILE, out / MANIFEST_FILE)
    # Last, so that a copy that was interrupted is no campaign.
    write_campaign_file(out, database_url=database_url)


def _copy_tables(source: Connection, target: Connection) -> None:
    for table in metadata.sorted_tables:  # what is referred to comes first
        if target.execute(select(table).limit(1)).first() is not None:
            raise CampaignError("the database holds a campaign already; give each its own")
        [key] = table.primary_key.columns
        rows = source.execution_options(yield_per=_ROWS_AT_ONCE).execute(
            select(table).order_by(key)
        )
        for block in rows.mappings().partitions():
            target.execute(insert(table), [dict(row) for row in block])
        if target.dialect.name == "postgresql" and key.autoincrement is not False:
            # Numbers that were given by hand do not move the counter.
            target.execute(
                text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)"),
                {
                    "table": table.name,
                    "column": key.name,
                    "last": (target.scalar(select(func.max(key))) or 0) + 1,
                },
            )
