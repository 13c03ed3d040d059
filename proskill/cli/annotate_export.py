"""`proskill annotate export`: a campaign as files."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from proskill.cli.rate_levels import Anchors, Cuts, Levels, Scale, level_rule


def export(
    campaign: Annotated[Path, typer.Argument(help="Folder of the campaign.", show_default=False)],
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="Folder to write: a new one, or of an earlier export, whose files are replaced.",
            show_default=False,
        ),
    ],
    levels: Annotated[
        Levels,
        typer.Option(help="Cut levels: into equal shares, at --cuts, or between --anchors."),
    ] = Levels.quantiles,
    scale: Scale = "",
    cuts: Cuts = "",
    anchors: Anchors = None,
) -> None:
    """Write votes, ratings, a manifest with levels, ProSkill's files and a report.

    The campaign may be open and served meanwhile. `manifest.csv` is what `proskill fit` reads.
    """
    rule = level_rule(levels, scale=scale, cuts=cuts, anchors=anchors)
    assert rule is not None  # there are levels always

    from proskill.annotation.campaign import MANIFEST_FILE
    from proskill.annotation.db.log import read_log
    from proskill.annotation.db.store import CampaignStore
    from proskill.annotation.exports import export_campaign
    from proskill.cli.progress import Stages
    from proskill.data import read_manifest

    with CampaignStore.open(campaign) as store:
        log, events = read_log(store), store.events()
    with Stages() as stages:
        written = export_campaign(
            log,
            out,
            takes=read_manifest(campaign / MANIFEST_FILE, scale=None),
            events=events,
            rule=rule,
            on_stage=stages.begin,
            on_progress=stages.progress,
        )
    for path in written.files:
        print(path)
    for note in written.notes:
        print(note)
    if written.num_labelled:
        source = shlex.quote(str(out / MANIFEST_FILE))
        typer.echo(f"Next: proskill fit --config CONFIG --data.source {source}", err=True)
