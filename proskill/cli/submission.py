"""`proskill submission`: the file that the Ego-Exo4D challenge asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def submission(
    run: Annotated[
        Path,
        typer.Argument(
            help="A folder that `proskill predict` or `test` wrote, or the run folder around "
            "`test`.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="FILE.json", help="Where to write it.")],
    videos: Annotated[
        Path,
        typer.Option(
            metavar="FILE.json",
            help="The challenge's list of test takes; the predictions follow its order.",
            show_default=False,
        ),
    ],
    format: Annotated[
        Literal["labels", "logits"],
        typer.Option(
            help="labels: one level per take, from all views. logits: each view's logits, which "
            "the server averages."
        ),
    ] = "logits",
) -> None:
    """Write a submission to Ego-Exo4D's demonstrator-proficiency challenge."""
    from proskill.evaluation.stored_predictions import find_predictions, read_predictions
    from proskill.evaluation.submission import make_submission, read_videos, write_submission

    names = read_videos(videos)
    predictions = read_predictions(find_predictions(run))
    made = make_submission(predictions, names, format=format)
    write_submission(out, made)
    print(f"{len(names)} takes: {out}")
    filled = {
        "without an ego view, predicted from their exo views": made.num_without_ego,
        "without an exo view, predicted from their ego view": made.num_without_exo,
        "with fewer than four exo views, filled with their mean": made.num_with_fewer_exo,
        "with more than four exo views, of which the first four are used": made.num_with_more_exo,
    }
    for words, count in filled.items():
        if count:
            print(f"{count} takes {words}")
