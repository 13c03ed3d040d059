"""`proskill simulate`: a dataset of simulated performances."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Layout(StrEnum):
    """Layout of the files."""

    manifest = "manifest"
    egoexo4d = "egoexo4d"
    basket = "basket"
    proskill = "proskill"


def simulate(
    out: Annotated[Path, typer.Argument(help="Folder to write; finished files in it are kept.")],
    participants: Annotated[int, typer.Option(min=1, help="How many people perform.")] = 24,
    takes_per_participant: Annotated[int, typer.Option(min=1, help="Takes of each.")] = 3,
    views: Annotated[
        str,
        typer.Option(
            help="Cameras, separated by commas; ego,exo1,exo2 when left out (basket: exo1).",
            show_default=False,
        ),
    ] = "",
    tasks: Annotated[
        str,
        typer.Option(
            help="Tasks, separated by commas; the demo's five when left out.", show_default=False
        ),
    ] = "",
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same dataset.")] = 0,
    layout: Annotated[Layout, typer.Option(help="How to lay the files out.")] = Layout.manifest,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; one per core when left out.")
    ] = None,
) -> None:
    """Write simulated performances as mp4 files with their labels.

    Skill acts through motor control only, independent of appearance and cameras. The same seed
    gives the same dataset. Prints the source for `proskill fit`.
    """
    from proskill.cli.progress import progress_bar
    from proskill.simulation.take_spec import DEFAULT_TASKS
    from proskill.simulation.takes import simulate_dataset

    with progress_bar("simulating takes") as on_progress:
        source = simulate_dataset(
            out,
            num_participants=participants,
            takes_per_participant=takes_per_participant,
            views=_names(views) if views else None,
            tasks=_names(tasks) if tasks else DEFAULT_TASKS,
            seed=seed,
            layout=layout.value,
            num_workers=workers,
            on_progress=on_progress,
        )
    print(source)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
