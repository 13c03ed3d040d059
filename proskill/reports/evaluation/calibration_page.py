"""A calibration as rows for people, and as a page with the curve from which its limits come.

One HTML file that needs no other file and no network. Not here: the fitting (`calibrating`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from proskill.calibration.calibrate_checkpoint import Calibrated
from proskill.calibration.conformal import prediction_sets
from proskill.calibration.selective_prediction import (
    MIN_PARTICIPANTS,
    SelectionThresholds,
    expected_level_error,
)
from proskill.phrases import is_simulated
from proskill.reports.evaluation.charts import limits_chart
from proskill.reports.toolkit import render_page, write_page


@dataclass(frozen=True)
class Row:
    """One figure: its name, its value as text, and its meaning."""

    name: str
    value: str
    meaning: str


@dataclass(frozen=True)
class StatusShare:
    """Validation takes of one status.

    Attributes:
        status: as in an assessment, as far as certainty decides it.
        share: of the takes.
        error: mean distance of prediction and truth in levels, NaN without a take.
    """

    status: str
    share: float
    error: float


def calibration_rows(found: Calibrated) -> list[Row]:
    """Return the figures of a calibration for people."""
    calibration = found.calibration
    percent = f"{100 * calibration.coverage:g} %"
    rows = [
        Row(
            "validation",
            f"{calibration.num_takes} takes of {calibration.num_participants} participants",
            "none of them trained the model",
        ),
        Row("temperature", f"{calibration.temperature:.3f}", "logits are divided by it"),
        Row(
            f"{percent} interval",
            f"\N{PLUS-MINUS SIGN} {calibration.half_width:.2f} levels",
            "around the score",
        ),
    ]
    if calibration.set_threshold is not None:
        sizes = np.diff(_intervals(found), axis=1) + 1
        rows.append(Row(f"{percent} set", f"{sizes.mean():.2f} levels", "mean size on validation"))
    if (scatter := calibration.repeatability) is not None:
        rows.append(
            Row(
                "from take to take",
                f"\N{PLUS-MINUS SIGN} {scatter.standard_error:.2f} levels",
                "standard error of a score beside other takes of the same performer",
            )
        )
    limits = calibration.selection_thresholds
    if limits is None:
        needed = f"they need {MIN_PARTICIPANTS} participants"
        return [*rows, Row("limits of certainty", "none", needed)]
    below = f"the mean error was shown to be at most {limits.ok_error:g} levels"
    is_silent = limits.abstain < calibration.num_levels - 1
    above = (
        f"predictions {'were' if is_silent else 'nowhere were'} worse than always saying the same "
        f"level, off by {limits.blind_error:.2f}"
    )
    return [
        *rows,
        Row("ok up to", f"{limits.ok:.2f}" if limits.ok else "nowhere", below),
        Row("abstained above", f"{limits.abstain:.2f}" if is_silent else "never", above),
    ]


def status_shares(found: Calibrated, limits: SelectionThresholds) -> list[StatusShare]:
    """Return the validation takes by the status that follows from their certainty alone."""
    unsure = expected_level_error(_probabilities(found))
    error = np.abs(found.predictions.predicted - found.predictions.truth)
    status = np.where(unsure > limits.abstain, 2, np.where(unsure > limits.ok, 1, 0))
    return [
        StatusShare(
            status=name,
            share=float((status == number).mean()),
            error=float(error[status == number].mean()) if (status == number).any() else np.nan,
        )
        for number, name in enumerate(("ok", "low_confidence", "abstained"))
    ]


def write_calibration_page(path: Path, found: Calibrated, *, name: str, data: str) -> None:
    """Write the page whole or not at all.

    Args:
        path: the HTML file.
        found: to show.
        name: of the checkpoint.
        data: on which the model was trained.

    Raises:
        ProskillError: the file cannot be written.
    """
    limits = found.calibration.selection_thresholds
    text = render_page(
        "calibration.html",
        "evaluation",
        name=name,
        is_simulated=is_simulated(data),
        calibration=found.calibration,
        rows=calibration_rows(found),
        limits=limits,
        shares=[] if limits is None else status_shares(found, limits),
        chart=None if limits is None else limits_chart(limits),
    )
    write_page(path, text)


def _probabilities(found: Calibrated) -> Any:
    return found.calibration.probabilities(found.predictions.logits)


def _intervals(found: Calibrated) -> Any:
    threshold = found.calibration.set_threshold
    return prediction_sets(_probabilities(found), threshold=1.0 if threshold is None else threshold)
