"""Files of an evaluation, and reading them back whatever happened to them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from proskill.errors import ManifestError, ProskillError
from proskill.evaluation.predictions import Predictions
from proskill.evaluation.result_files import write_metrics, write_predictions, write_results
from proskill.evaluation.stored_predictions import find_predictions, read_predictions
from proskill.evaluation.summary import summarise
from proskill.levels import EGOEXO4D_LEVELS


@pytest.fixture
def stored(predictions: Predictions, tmp_path: Path) -> Path:
    path = tmp_path / "predictions.csv"
    write_predictions(path, predictions)
    return path


def test_predictions_have_one_row_per_take(predictions: Predictions, stored: Path) -> None:
    with stored.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["take_id"] for row in rows] == [take.take_id for take in predictions.takes]
    assert rows[0]["true_level"] == "Novice"
    assert float(rows[5]["view:ego:score"]) == pytest.approx(predictions.view_score[5, 0])
    total = sum(float(rows[0][f"p_{name}"]) for name in EGOEXO4D_LEVELS.names)
    assert total == pytest.approx(1, abs=1e-6)


def test_what_is_read_back_is_what_was_written_to_the_bit(
    predictions: Predictions, tmp_path: Path
) -> None:
    parts = {name: getattr(predictions, name).copy() for name in ("view_mask", "view_score")}
    parts["view_mask"][3, 1], parts["view_score"][3, 1] = False, np.nan
    take = predictions.takes[3]
    less = replace(
        take, views={"ego": take.views["ego"]}, rating=1 / 3, level=None, skills={"a, b": 2.0}
    )
    skills = {"a, b": np.full((40, 5), 0.2, dtype=np.float32)}
    takes = (*predictions.takes[:3], less, *predictions.takes[4:])
    written = replace(predictions, takes=takes, skill_probabilities=skills, **parts)
    write_predictions(tmp_path / "p.csv", written)
    read = read_predictions(tmp_path / "p.csv")
    assert read.takes == written.takes
    assert (read.scale, read.view_names) == (written.scale, written.view_names)
    for name in ("view_mask", "logits", "probabilities", "score", "view_probabilities",
                 "view_score", "kind_probabilities", "kind_score"):  # fmt: skip
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name), err_msg=name)
    np.testing.assert_array_equal(read.skill_probabilities["a, b"], skills["a, b"])


def test_metrics_of_what_is_read_back_are_the_same(predictions: Predictions, stored: Path) -> None:
    options = {"train_takes": predictions.takes, "split": "test", "data": "", "num_resamples": 20}
    assert summarise(read_predictions(stored), **options) == summarise(predictions, **options)


def test_undefined_numbers_become_null(tmp_path: Path) -> None:
    write_metrics(tmp_path / "metrics.json", {"a": {"b": float("nan")}, "c": [1.5]})
    assert json.loads((tmp_path / "metrics.json").read_text()) == {"a": {"b": None}, "c": [1.5]}


def test_the_folder_of_an_evaluation_is_found_from_the_run_folder(
    predictions: Predictions, tmp_path: Path
) -> None:
    with pytest.raises(ManifestError, match="proskill test"):
        find_predictions(tmp_path)
    write_results(tmp_path / "test", predictions)
    expected = tmp_path / "test" / "predictions.csv"
    assert find_predictions(tmp_path) == find_predictions(tmp_path / "test") == expected
    assert not (tmp_path / "test" / "metrics.json").exists()


Damage = Callable[[list[list[str]]], object]


def cell(row: int, column: str, text: str) -> Damage:
    def damage(rows: list[list[str]]) -> None:
        rows[row][rows[0].index(column)] = text

    return damage


def rename(column: str) -> Damage:
    return cell(0, column, "something")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cell(2, "take_id", "t0"), "row 3: take_id='t0' is in row 2"),
        (cell(2, "take_id", ""), "row 3: take_id=''"),
        (cell(2, "true_level", "Master"), "row 3: true_level='Master'; allowed are 'Novice'"),
        (cell(2, "score", "high"), "row 3: score='high' is not a finite number"),
        (cell(2, "score", ""), "row 3: score='' is not a finite number"),
        (cell(2, "score", "inf"), "row 3: score='inf'"),
        (cell(2, "rating", "nan"), "row 3: rating='nan'"),
        (cell(2, "split", "training"), "row 3.*split='training'"),
        (cell(2, "view:ego:kind", "head"), "row 3.*kind='head'"),
        (rename("score"), "no column 'score'"),
        (rename("logit_Novice"), "no column 'logit_Novice'"),
        (rename("view:ego:path"), "no column 'view:ego:path'"),
        (lambda rows: rows.__delitem__(slice(1, None)), "has no take"),
        (lambda rows: [row.pop() for row in rows[1:2]], "row 2: has"),
    ],
)
def test_a_damaged_file_is_refused_with_row_and_column(
    stored: Path, damage: Damage, message: str
) -> None:
    with stored.open(newline="") as file:
        rows = list(csv.reader(file))
    damage(rows)
    with stored.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    with pytest.raises(ManifestError, match=message) as caught:
        read_predictions(stored)
    assert str(stored) in str(caught.value)


def test_a_table_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("take_id,level\nt0,Novice\n")
    with pytest.raises(ManifestError, match="no columns p_LEVEL"):
        read_predictions(tmp_path / "other.csv")


def test_a_folder_that_cannot_be_written_is_one_sentence(
    predictions: Predictions, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProskillError, match="cannot be written"):
        write_results(tmp_path / "file" / "run", predictions)
