"""`proskill rate`: from files of pairwise votes to ratings, with honest uncertainty."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from proskill.cli.rate_levels import Anchors, Cuts, Levels, Scale, level_rule
from proskill.cli.rate_plan import plan

_plan_app = typer.Typer(add_completion=False)
_plan_app.command()(plan)


class RateCommand(TyperCommand):
    """A command whose first word may be `plan`, which is a command of its own.

    A group would take the first file of judgements for the name of a command.
    """

    def make_context(
        self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any
    ) -> Any:
        if args[:1] == ["plan"]:
            command = typer.main.get_command(_plan_app)
            return command.make_context(f"{info_name} plan", args[1:], parent=parent, **extra)
        return super().make_context(info_name, args, parent=parent, **extra)


def rate(
    comparisons: Annotated[
        list[Path],
        typer.Argument(
            help="Files of judgements: CSV, JSONL or Parquet, the annotation log, EPIC-Skills, "
            "BEST or ProSkill; told apart by their content.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Ratings to write: .csv, .json or .parquet.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page that explains them.")
    ] = None,
    proskill_rankings: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Write ProSkill's rankings/*.yml into it."),
    ] = None,
    next_pairs: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Write the pairs to ask about next.")
    ] = None,
    levels: Annotated[
        Levels | None,
        typer.Option(
            help="Cut levels: into equal shares of each group, at --cuts, or between --anchors.",
            show_default=False,
        ),
    ] = None,
    scale: Scale = "",
    cuts: Cuts = "",
    anchors: Anchors = None,
    earlier: Annotated[
        Path | None,
        typer.Option(
            metavar="RATINGS", help="Ratings of an earlier session; shared items link the scales."
        ),
    ] = None,
    one_scale: Annotated[
        bool, typer.Option("--one-scale", help="Join all groups, linked by items in several.")
    ] = False,
    format: Annotated[
        str | None,
        typer.Option(
            help="comparisons, log, winners, epic_skills, best or proskill, when the content "
            "should not decide.",
            show_default=False,
        ),
    ] = None,
    min_comparisons: Annotated[int, typer.Option(min=1, help="An item with fewer is flagged.")] = 8,
    elo_orders: Annotated[
        int, typer.Option(min=0, help="Also average Elo over so many orders of the votes.")
    ] = 0,
    elo_k: Annotated[float, typer.Option(help="Elo's K.")] = 32.0,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same ratings.")] = 0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything as JSON instead of a table.")
    ] = False,
) -> None:
    """Rate items by pairwise votes: ratings with intervals, levels, and what is wrong.

    `proskill rate plan --help` says how many votes a campaign will need. A file called plan is
    given as ./plan.
    """
    if elo_orders == 1:
        raise typer.BadParameter("--elo-orders 1: a mean over orders needs 2 or more; 100 is usual")
    if not (math.isfinite(elo_k) and elo_k > 0):
        raise typer.BadParameter(f"--elo-k {elo_k:g}: must be above 0; 32 is usual")
    files = {"--out": out, "--report": report, "--next-pairs": next_pairs}
    outputs = {option: path for option, path in files.items() if path is not None}
    rule = level_rule(levels, scale=scale, cuts=cuts, anchors=anchors)

    import numpy as np

    from proskill.cli.progress import Stages
    from proskill.rating import rate as rate_table
    from proskill.rating_files import Origin
    from proskill.rating_files.exports import (
        read_earlier,
        refuse_clashes,
        write_next_pairs,
        write_standing,
    )
    from proskill.rating_files.read import read_comparisons
    from proskill.rating_files.write import RATING_SUFFIXES, write_ratings
    from proskill.reports.rating import write_report

    if out is not None and out.suffix.lower() not in RATING_SUFFIXES:
        raise typer.BadParameter(f"--out {out}: must end in one of {', '.join(RATING_SUFFIXES)}")
    refuse_clashes([*comparisons, *filter(None, (anchors, earlier))], outputs)
    with Stages() as stages:
        stages.begin("read")
        known = None if earlier is None else read_earlier(earlier)
        read = read_comparisons(
            comparisons, one_scale=one_scale, format=format, on_progress=stages.progress
        )
        run = rate_table(
            read.table,
            rng=np.random.default_rng(seed),
            level_rule=rule,
            earlier=known,
            min_comparisons=min_comparisons,
            elo_orders=elo_orders,
            elo_k=elo_k,
            on_stage=stages.begin,
            on_progress=stages.progress,
        )
    origin = Origin(
        paths=comparisons,
        read=read,
        seed=seed,
        min_comparisons=min_comparisons,
        seconds=stages.seconds,
        settings=_settings(levels, one_scale=one_scale, earlier=earlier, anchors=anchors),
    )
    written = dict(outputs)
    if out is not None:
        write_ratings(run.ratings, out)
    if report is not None:
        write_report(report, run, origin)
    if next_pairs is not None:
        write_next_pairs(run, next_pairs)
    if proskill_rankings is not None:
        written["--proskill-rankings"] = write_standing(run, proskill_rankings, k=elo_k)
    if as_json:
        from proskill.rating_files.run_summary import run_summary

        print(json.dumps(run_summary(run, origin), ensure_ascii=False, allow_nan=False))
    else:
        from proskill.cli.rate_table import print_ratings

        print_ratings(run, origin, written)


def _settings(
    levels: Levels | None, *, one_scale: bool, earlier: Path | None, anchors: Path | None
) -> dict[str, str]:
    """Return the settings as the page names them."""
    settings = {"levels": "none" if levels is None else levels.value}
    if anchors is not None:
        settings["items of known level"] = str(anchors)
    if earlier is not None:
        settings["linked to"] = str(earlier)
    if one_scale:
        settings["groups"] = "joined into one scale"
    return settings
