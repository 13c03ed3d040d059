from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from proskill.data.expert_commentary import (
    Commentary,
    Remark,
    read_commentary,
    read_mean_rating,
)
from proskill.errors import ManifestError


def _write(root: Path, remarks: list[dict[str, Any]], **values: Any) -> None:
    entry = {
        "take_name": "cmu_bike15_4",
        "take_uid": "u1",
        "commentary": "cmu_bike15_4/qfbn5o",
        "commentary_data": remarks,
        **values,
    }
    file = root / "annotations/expert_commentary_train.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"ds": "20240325_00:00:00", "annotations": {"u1": [entry]}}))


def _rate(root: Path, rating: object, expert: str = "qfbn5o") -> None:
    file = root / "annotations/expert_commentary/cmu_bike15_4" / expert / "data.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"proficiency": {"rating": rating, "why": " tidy "}}))


REMARK = {"video_time": 27.8, "text": " Our mechanic uses a wrench.", "error": False}


def test_remarks_and_rating_of_an_expert_are_read_and_failed_transcriptions_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _write(tmp_path, [REMARK, {"video_time": 3.0, "text": None, "error": True}])
    remarks = (Remark(27.8, "Our mechanic uses a wrench."),)
    with caplog.at_level(logging.WARNING):
        assert read_commentary(tmp_path) == {
            "cmu_bike15_4": [Commentary("qfbn5o", remarks, None, "")]
        }
    assert "left out: 1 remarks whose transcription failed" in caplog.text
    _rate(tmp_path, 7)
    [commentary] = read_commentary(tmp_path)["cmu_bike15_4"]
    assert (commentary.rating, commentary.reason) == (7, "tidy")


def test_the_mean_rating_is_over_experts(tmp_path: Path) -> None:
    assert read_mean_rating(tmp_path, "cmu_bike15_4") is None
    _rate(tmp_path, 1, "a")
    _rate(tmp_path, "10", "b")
    assert read_mean_rating(tmp_path, "cmu_bike15_4") == 5.5


@pytest.mark.parametrize("rating", [0, 11, 0.5, None, "good", True])
def test_a_rating_out_of_range_is_refused(tmp_path: Path, rating: object) -> None:
    _rate(tmp_path, rating)
    with pytest.raises(ManifestError, match=r"data\.json: proficiency: key 'rating': "):
        read_mean_rating(tmp_path, "cmu_bike15_4")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"take_name": "../x"}, "u1 entry 1: key 'take_name': '../x' must be a folder's name"),
        ({"commentary": "cmu_bike15_4/.."}, "u1 entry 1: key 'commentary': must end with"),
        ({"commentary_data": None}, "u1 entry 1: key 'commentary_data': None must be a list"),
        (
            {"commentary_data": [{**REMARK, "video_time": None}]},
            "commentary_data entry 1: key 'video_time': must be a number of seconds",
        ),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, values: dict[str, Any], message: str) -> None:
    _write(tmp_path, [REMARK], **values)
    with pytest.raises(ManifestError, match=re.escape(message)):
        read_commentary(tmp_path)


def test_commentary_that_was_not_downloaded_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"expert_commentary_train\.json: no such file"):
        read_commentary(tmp_path)
