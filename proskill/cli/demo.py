"""`proskill demo`: the whole loop on simulated performances, with a final report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[
        Path, typer.Option(help="Folder for the dataset, the run and the report.")
    ] = Path("runs/demo"),
    config: Annotated[Path, typer.Option(help="Training configuration.")] = Path(
        "configs/demo.yaml"
    ),
) -> None:
    """Simulate, train, evaluate on unseen people, score a new take and write a report.

    Run it in a clone of the repository, which contains the pretrained backbone.
    """
    from proskill.cli.progress import progress_bar
    from proskill.demo.pipeline import run_demo

    run_demo(out, config, progress_bar=progress_bar)
