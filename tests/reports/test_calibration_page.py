from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from proskill.calibration.calibrate_checkpoint import Calibrated
from proskill.evaluation.predictions import Predictions
from proskill.reports.evaluation import (
    calibration_rows,
    status_shares,
    write_calibration_page,
)
from proskill.scoring import ViewFeatures, fit_calibration

MakeRun = Callable[..., Predictions]


def _calibrated(predictions: Predictions, *, ok_error: float = 0.5) -> Calibrated:
    none = ViewFeatures(np.zeros((1, 1, 2)), np.zeros((1, 1), dtype=np.int64))
    calibration = fit_calibration(
        logits=predictions.logits,
        levels=predictions.truth,
        participants=[take.participant_id for take in predictions.takes],
        train=none,
        validation=none,
        ok_error=ok_error,
    )
    return Calibrated(calibration, predictions)


def test_the_page_shows_the_curve_with_its_limits_and_no_address(
    make_run: MakeRun, tmp_path: Path
) -> None:
    found = _calibrated(make_run(noise=0.8), ok_error=0.4)
    write_calibration_page(tmp_path / "a.html", found, name="<b>mine</b>", data="simulated motion")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    limits = found.calibration.selection_thresholds
    assert limits is not None
    assert 0 < limits.ok < limits.curve[-1].limit
    assert text.count('class="hit"') == len(limits.curve)
    for part in ("ok up to here", "target", "always the same level", "Simulated data"):
        assert part in text
    for row in calibration_rows(found):
        assert row.meaning in text
    assert "<b>mine" not in text
    assert "http://" not in text
    assert "https://" not in text


def test_without_limits_the_page_says_why(make_run: MakeRun, tmp_path: Path) -> None:
    few = make_run().rows(np.arange(12))  # six participants
    found = _calibrated(few)
    write_calibration_page(tmp_path / "a.html", found, name="few", data="300 climbers")
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "they need 10 participants" in text
    assert "<svg" not in text
    assert "Simulated data" not in text


def test_shares_of_the_status_add_up_and_ok_is_better_than_the_rest(make_run: MakeRun) -> None:
    found = _calibrated(make_run(noise=0.8), ok_error=0.4)
    limits = found.calibration.selection_thresholds
    assert limits is not None
    ok, low, withheld = status_shares(found, limits)
    assert ok.share + low.share + withheld.share == pytest.approx(1)
    assert ok.share > 0
    assert ok.error <= 0.4
    assert ok.error < low.error
