"""`proskill data check|stats|init`: check, count and start datasets."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from proskill.levels import LevelScale

data_app = typer.Typer(name="data", help="Check, count and start datasets.", no_args_is_help=True)

_SOURCE_HELP = "A manifest file, or the folder of a dataset."
Source = Annotated[Path, typer.Argument(help=_SOURCE_HELP)]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder for the results; runs/data/NAME when left out.", show_default=False),
]
Levels = Annotated[
    str,
    typer.Option(
        help="Level names that a manifest may use, lowest first, separated by commas; Ego-Exo4D's "
        "four when left out.",
        show_default=False,
    ),
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes that read videos; one per core when left out.")
]


@data_app.callback()
def _group() -> None:
    """Check, count and start datasets."""


@data_app.command("check")
def check_command(
    source: Source,
    out: Out = None,
    levels: Levels = "",
    videos: Annotated[
        bool, typer.Option("--videos/--no-videos", help="Open the videos, or check the table only.")
    ] = True,
    instants: Annotated[
        int, typer.Option(min=1, help="Frames decoded per view, spread over its take.")
    ] = 5,
    min_seconds: Annotated[
        float, typer.Option(min=0, help="Shorter views and takes are unusable.")
    ] = 1.0,
    min_decoded_ratio: Annotated[
        float,
        typer.Option(min=0, max=1, help="Files with a smaller share of their frames are unusable."),
    ] = 0.95,
    workers: Workers = None,
) -> None:
    """Find problems for training in the table, in the files and between views.

    Writes quarantine.csv (unusable views) and remarks.csv (notes on usable ones). An
    interrupted run continues where it stopped; a later one reads only changed files.
    Exit code 1 if anything cannot be used.
    """
    from proskill.cli.data_tables import print_check
    from proskill.cli.progress import progress_bar
    from proskill.data.check import check_dataset
    from proskill.data.problems import write_problems

    folder = _out_folder(source, out)
    with progress_bar("reading videos") as on_progress:
        report = check_dataset(
            source,
            journal=_journal(folder) if videos else None,
            scale=_scale(levels),
            num_timestamps=instants,
            min_seconds=min_seconds,
            min_decoded_ratio=min_decoded_ratio,
            num_workers=workers,
            on_progress=on_progress,
        )
    write_problems(folder / "quarantine.csv", report.unusable)
    write_problems(folder / "remarks.csv", report.remarks)
    print_check(report, folder=folder)
    if report.unusable:
        raise typer.Exit(1)


@data_app.command("stats")
def stats_command(
    source: Source,
    out: Out = None,
    levels: Levels = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    workers: Workers = None,
) -> None:
    """Count takes, people, levels, views and hours, and the accuracy of guessing.

    Writes stats.json and stats.html, a page with pictures that needs no other file.
    """
    from proskill.cli.data_tables import print_stats
    from proskill.cli.progress import progress_bar
    from proskill.data.file_facts import examine_files, requests_for
    from proskill.data.sources import load_takes
    from proskill.data.stats import dataset_stats
    from proskill.reports.dataset import stats_json, write_dataset_page, write_stats_json

    folder, scale = _out_folder(source, out), _scale(levels)
    takes = load_takes(source, scale=scale)
    requests = requests_for((v for t in takes for v in t.views.values()), num_timestamps=0)
    with progress_bar("reading videos") as on_progress:
        facts = examine_files(
            requests, journal=_journal(folder), num_workers=workers, on_progress=on_progress
        )
    stats = dataset_stats(takes, facts, levels=scale.names)
    write_stats_json(folder / "stats.json", stats)
    write_dataset_page(folder / "stats.html", stats, takes, facts, source=source)
    if as_json:
        print(stats_json(stats), end="")
    else:
        print_stats(stats, page=folder / "stats.html")


@data_app.command("init")
def init_command(
    folder: Annotated[Path, typer.Argument(help="Folder with the videos.")],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The manifest; FOLDER/manifest.csv when left out.",
            show_default=False,
        ),
    ] = None,
    workers: Workers = None,
) -> None:
    """Write a manifest to fill in, from the videos in a folder.

    Takes and views are guessed from file names and lengths are probed: correct what is wrong, then
    fill in who performs, the scenario and the labels.
    """
    from proskill.cli.data_tables import print_new_manifest
    from proskill.cli.progress import progress_bar
    from proskill.data.new_manifest import init_manifest

    with progress_bar("reading videos") as on_progress:
        made = init_manifest(
            folder,
            out=out,
            journal=_journal(_out_folder(folder, None)),
            num_workers=workers,
            on_progress=on_progress,
        )
    print_new_manifest(made)


def _out_folder(source: Path, out: Path | None) -> Path:
    if out is not None:
        return out
    place = source.absolute()
    # A folder and the manifest in it are one dataset.
    name = place.parent.name if place.stem == "manifest" else place.stem
    return Path("runs/data") / (name or "dataset")


def _journal(folder: Path) -> Path:
    return folder / "examined.jsonl"


def _scale(levels: str) -> LevelScale:
    from proskill.levels import EGOEXO4D_LEVELS, LevelScale

    if not levels:
        return EGOEXO4D_LEVELS
    return LevelScale(tuple(name.strip() for name in levels.split(",")))
