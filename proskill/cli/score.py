"""`proskill score`: a skill level for one performance, from the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def score(
    source: Annotated[Path, typer.Argument(help="Video of the first view.")],
    view: Annotated[
        list[str] | None, typer.Option(help="Another view, as NAME=FILE; may be repeated.")
    ] = None,
    checkpoint: Annotated[Path, typer.Option(help="Checkpoint directory.")] = Path(
        "checkpoints/demo"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole assessment.")] = False,
) -> None:
    """Say how skilled the performance in one or several synchronised videos is."""
    from proskill.scoring import Scorer

    views = {"ego": source}
    for text in view or []:
        name, _, file = text.partition("=")
        if not name or not file:
            raise typer.BadParameter(f"--view {text!r}: give NAME=FILE")
        if name in views:
            raise typer.BadParameter(f"--view {text!r}: the view {name!r} is given twice")
        views[name] = Path(file)
    assessment = Scorer.from_checkpoint(checkpoint).score(views)
    print(json.dumps(assessment.to_dict()) if as_json else assessment.level)
