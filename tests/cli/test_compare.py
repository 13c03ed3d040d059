from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proskill.data.take import Take, View
from proskill.evaluation.predictions import Predictions
from proskill.evaluation.result_files import write_results
from proskill.levels import EGOEXO4D_LEVELS

Run = Callable[..., Any]


def write_run(folder: Path, *, sharpness: float, num_takes: int = 24) -> Path:
    truth = np.arange(num_takes) // 2 % 4
    views = {"ego": View(Path("ego.mp4"), "ego"), "exo1": View(Path("exo.mp4"), "exo")}
    takes = tuple(
        Take(f"t{i}", f"p{i // 2}", "throw", views, split="test", level=EGOEXO4D_LEVELS.names[k])
        for i, k in enumerate(truth)
    )
    noise = np.random.default_rng(0).dirichlet(np.ones(4), num_takes)
    values = (np.eye(4)[truth] * sharpness + noise * (1 - sharpness)).astype(np.float32)
    alone, score = np.stack([values, values], axis=1), values @ np.arange(4)
    predictions = Predictions(
        takes=takes,
        scale=EGOEXO4D_LEVELS,
        view_names=("ego", "exo1"),
        view_mask=np.ones((num_takes, 2), dtype=bool),
        logits=np.log(values + 1e-9),
        probabilities=values,
        score=score,
        view_probabilities=alone,
        view_score=alone @ np.arange(4),
        kind_probabilities=alone,
        kind_score=alone @ np.arange(4),
    )
    write_results(folder / "test", predictions, {"data": "simulated"})
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Path, Path]:
    return (
        write_run(tmp_path / "blind", sharpness=0.0),
        write_run(tmp_path / "sharp", sharpness=0.9),
    )


def test_the_better_run_is_named_with_the_interval_of_the_difference(
    run: Run, runs: tuple[Path, Path]
) -> None:
    result = run("compare", *runs, "--resamples", "100")
    assert result.exit_code == 0, result.stderr
    [line] = [x for x in result.stdout.splitlines() if x.startswith("accuracy ") and "100.0 %" in x]
    assert line.split()[3] == "100.0"
    assert "B is better" in line
    assert "McNemar, accuracy: only A right 0" in result.stdout
    assert "Split test: 24 takes of 12 participants." in result.stdout


def test_json_holds_everything_and_nothing_else_is_printed(
    run: Run, runs: tuple[Path, Path]
) -> None:
    result = run("compare", *runs, "--json", "--resamples", "50", "--seed", "3")
    content = json.loads(result.stdout)
    assert content["metrics"]["accuracy"]["b"]["value"] == 1
    assert content["metrics"]["accuracy"]["better"] == "b"
    assert (content["seed"], content["num_resamples"], content["confidence"]) == (3, 50, 0.95)


def test_the_page_names_both_runs_and_says_that_the_data_is_simulated(
    run: Run, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    page = tmp_path / "pages" / "compare.html"
    result = run("compare", *runs, "--report", page, "--resamples", "50")
    assert f"Report: {page}" in result.stdout
    text = page.read_text()
    assert str(runs[0]) in text
    assert "Simulated data" in text
    assert "difference in accuracy" in text
    assert 'src="' not in text


def test_runs_on_different_takes_are_refused(run: Run, tmp_path: Path) -> None:
    first = write_run(tmp_path / "a", sharpness=0.5)
    second = write_run(tmp_path / "b", sharpness=0.5, num_takes=20)
    result = run("compare", first, second)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "4 takes of run A are not in run B (first 't20')" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_folder_without_predictions_says_what_to_name(run: Run, tmp_path: Path) -> None:
    result = run("compare", tmp_path, tmp_path)
    assert result.exit_code == 1
    assert "name a folder that `proskill test`" in result.stderr


@pytest.mark.parametrize("format", ["labels", "logits"])
def test_a_submission_follows_the_challenges_list(
    run: Run, runs: tuple[Path, Path], tmp_path: Path, format: str
) -> None:
    (tmp_path / "list.json").write_text('["t3", "t0"]')
    out = tmp_path / "submission.json"
    result = run("submission", runs[1], out, "--videos", tmp_path / "list.json", "--format", format)
    assert result.exit_code == 0, result.stderr
    content = json.loads(out.read_text())
    assert content["videos"] == ["t3", "t0"]
    if format == "labels":
        assert content["predictions"] == [1, 0]
        assert "exo views" not in result.stdout
    else:
        assert np.argmax(content["ego_model_predictions"], axis=1).tolist() == [1, 0]
        assert "2 takes with fewer than four exo views" in result.stdout


def test_a_submission_that_lacks_takes_writes_nothing(
    run: Run, runs: tuple[Path, Path], tmp_path: Path
) -> None:
    (tmp_path / "list.json").write_text('["t3", "elsewhere"]')
    out = tmp_path / "submission.json"
    result = run("submission", runs[1], out, "--videos", tmp_path / "list.json")
    assert result.exit_code == 1
    assert "1 of 2 takes have no prediction (first 'elsewhere')" in result.stderr
    assert not out.exists()
