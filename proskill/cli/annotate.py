"""`proskill annotate`: campaigns of pairwise comparisons; the command group and `backup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from proskill.cli.annotate_create import create
from proskill.cli.annotate_export import export
from proskill.cli.annotate_invite import invite
from proskill.cli.annotate_serve import Campaign, serve, simulate, status

annotate_app = typer.Typer(
    name="annotate", help="Let people compare takes, and rate them.", no_args_is_help=True
)


@annotate_app.callback()
def _group() -> None:
    """Let people compare takes, and rate them."""


annotate_app.command()(create)


@annotate_app.command()
def backup(
    campaign: Campaign,
    out: Annotated[
        Path,
        typer.Option(metavar="DIR", help="Folder to write; must be empty.", show_default=False),
    ],
    database: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="An empty PostgreSQL database to copy into; a SQLite file in the folder when left "
            "out.",
            show_default=False,
        ),
    ] = None,
    videos: Annotated[
        bool, typer.Option("--videos/--no-videos", help="Copy the clips as well.")
    ] = True,
) -> None:
    """Copy a campaign as it is at this moment, while it is served.

    The copy is a campaign that can be served: to restore one, serve its copy, or copy it back.
    """
    from proskill.annotation import CampaignStore
    from proskill.annotation.db.backup import back_up

    with CampaignStore.open(campaign) as store:
        back_up(store, out, with_videos=videos, database_url=database)
    print(out)


annotate_app.command()(invite)
annotate_app.command()(serve)
annotate_app.command()(status)
annotate_app.command()(simulate)
annotate_app.command()(export)
