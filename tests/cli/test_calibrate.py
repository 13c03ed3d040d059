from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proskill.data.manifest import write_manifest
from proskill.data.take import Take, View
from proskill.levels import EGOEXO4D_LEVELS
from proskill.scoring import Scorer

Run = Callable[..., Any]
Make = Callable[..., Path]


@pytest.fixture
def manifest(make_video: Make, tmp_path: Path) -> Path:
    """Five training takes and twelve validation takes, of as many people."""
    takes = []
    for number in range(17):
        path = make_video(f"{number}.mp4", seconds=0.6, size=(64, 64), seed=number)
        takes.append(
            Take(
                take_id=f"t{number}",
                participant_id=f"p{number}",
                scenario="throw",
                views={"exo1": View(path, "exo")},
                split="train" if number < 5 else "val",
                level=EGOEXO4D_LEVELS.names[number % 4],
            )
        )
    write_manifest(tmp_path / "manifest.csv", takes)
    return tmp_path / "manifest.csv"


def test_a_checkpoint_without_calibration_gets_one_that_scores(
    run: Run, manifest: Path, make_checkpoint: Make, make_video: Make, tmp_path: Path
) -> None:
    checkpoint, page = make_checkpoint(calibration=None), tmp_path / "page.html"
    weights = (checkpoint / "model.safetensors").read_bytes()
    result = run("calibrate", checkpoint, manifest, "--coverage", "0.75", "--report", page)
    assert result.exit_code == 0, result.stderr
    assert "validation: 12 takes of 12 participants" in result.stdout
    assert f"Written: {checkpoint / 'calibration.json'}" in result.stdout
    assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert (checkpoint / "model.safetensors").read_bytes() == weights
    content = json.loads((checkpoint / "calibration.json").read_text())
    assert (content["coverage"], content["num_participants"]) == (0.75, 12)
    assert content["selection_thresholds"]["curve"]
    assert set(content["feature_detectors"]) == set(content["picture_detectors"]) == {"exo"}
    scorer = Scorer.from_checkpoint(checkpoint)
    assert scorer.calibration is not None
    assert scorer.score({"exo1": make_video("new.mp4", seed=99)}).certainty is not None


def test_calibrating_twice_writes_the_same_bytes(
    run: Run, manifest: Path, make_checkpoint: Make, tmp_path: Path
) -> None:
    checkpoint, features = make_checkpoint(), tmp_path / "features"
    texts = []
    for _ in range(2):
        assert run("calibrate", checkpoint, manifest, "--features", features).exit_code == 0
        texts.append((checkpoint / "calibration.json").read_bytes())
    assert texts[0] == texts[1]
    assert any(features.rglob("*.npy"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (",val,", ",test,", "split: no take is marked 'val'; calibration needs the takes"),
        (",p16,", ",p0,", "p0"),
    ],
)
def test_data_that_cannot_calibrate_are_one_sentence(
    run: Run, manifest: Path, make_checkpoint: Make, old: str, new: str, message: str
) -> None:
    manifest.write_text(manifest.read_text().replace(old, new))
    checkpoint = make_checkpoint(calibration=None)
    result = run("calibrate", checkpoint, manifest)
    assert result.exit_code == 1
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert message in result.stderr
    assert not (checkpoint / "calibration.json").exists()


def test_takes_without_a_level_cannot_calibrate(
    run: Run, manifest: Path, make_checkpoint: Make
) -> None:
    text = manifest.read_text()
    for name in EGOEXO4D_LEVELS.names:
        text = text.replace(f",{name},", ",,")
    manifest.write_text(text)
    result = run("calibrate", make_checkpoint(), manifest)
    assert result.exit_code == 1
    assert "validation: no take has a level" in result.stderr


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--coverage", "90", "--coverage 90: must be between 0 and 1"),
        ("--coverage", "nan", "--coverage nan: must be between 0 and 1"),
        ("--ok-error", "0", "--ok-error 0: must be above 0, in levels"),
    ],
)
def test_an_option_out_of_range_is_wrong_usage(
    run: Run, manifest: Path, make_checkpoint: Make, option: str, value: str, message: str
) -> None:
    result = run("calibrate", make_checkpoint(), manifest, option, value)
    assert result.exit_code == 2
    assert message in result.stderr
