"""`proskill calibrate`: fit a model's uncertainty to takes it was not trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def calibrate(
    checkpoint: Annotated[
        Path,
        typer.Argument(
            help="Checkpoint directory; its calibration.json is written anew, all else stays.",
            show_default=False,
        ),
    ],
    source: Annotated[
        Path,
        typer.Argument(
            help="The data set that it was trained on, with the splits of that training: a "
            "manifest or a data set's folder.",
            show_default=False,
        ),
    ],
    coverage: Annotated[
        float,
        typer.Option(help="Share of performers whose truth intervals and prediction sets contain."),
    ] = 0.8,
    ok_error: Annotated[
        float,
        typer.Option(
            help="Upper bound of the mean error, in levels, of `ok` predictions, shown on "
            "validation takes."
        ),
    ] = 0.5,
    features: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where features are kept, such as `features` of the training run.",
            show_default=False,
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page that shows it.")
    ] = None,
    device: Annotated[str, typer.Option(help="Where the model runs, e.g. cpu or cuda.")] = "cpu",
) -> None:
    """Fit temperature, intervals, prediction sets and abstention thresholds on validation takes."""
    if not 0 < coverage < 1:
        raise typer.BadParameter(f"--coverage {coverage:g}: must be between 0 and 1")
    if not 0 < ok_error < float("inf"):
        raise typer.BadParameter(f"--ok-error {ok_error:g}: must be above 0, in levels")

    from proskill.calibration.calibrate_checkpoint import calibrate_checkpoint, write_calibration
    from proskill.data.sources import load_takes
    from proskill.levels import LevelScale
    from proskill.models import load_checkpoint
    from proskill.reports.evaluation import (
        calibration_rows,
        write_calibration_page,
    )
    from proskill.scoring.checkpoints import device_named

    loaded = load_checkpoint(checkpoint)
    found = calibrate_checkpoint(
        loaded,
        load_takes(source, scale=LevelScale(loaded.config.levels)),
        coverage=coverage,
        ok_error=ok_error,
        cache_dir=features,
        device=device_named(device),
    )
    write_calibration(checkpoint, found.calibration)
    if report is not None:
        write_calibration_page(
            report, found, name=checkpoint.resolve().name, data=loaded.config.data
        )
    for row in calibration_rows(found):
        print(f"{row.name}: {row.value} ({row.meaning})")
    print(f"Written: {checkpoint / 'calibration.json'}")
    if report is not None:
        print(f"Report: {report}")
