"""The content of `metrics.json`: every figure, every group, always with interval and majority."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as peer
from scipy.stats import kendalltau

from proskill.data.take import Take
from proskill.errors import ProskillError
from proskill.evaluation.labelled_predictions import MAJORITIES, METRICS
from proskill.evaluation.predictions import Predictions
from proskill.evaluation.summary import summarise


def summary_of(predictions: Predictions, **changes: Any) -> dict[str, Any]:
    options = {
        "train_takes": predictions.takes,
        "split": "test",
        "data": "made up",
        "num_resamples": 60,
        **changes,
    }
    return summarise(predictions, **options)


def blocks_of(summary: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (summary["all_views"], summary["late_average"], summary["per_participant"])
    for group in ("view_sets", "single_views", "scenarios"):
        yield from summary[group].values()


def test_every_group_has_every_figure_with_interval_and_the_majorities(
    predictions: Predictions,
) -> None:
    summary = summary_of(predictions)
    wanted = {*METRICS, *MAJORITIES}
    blocks = list(blocks_of(summary))
    assert len(blocks) == 3 + 3 + 2 + 2
    for block in blocks:
        assert wanted <= set(block)
        for name in wanted - {"majority_accuracy", "scenario_majority_accuracy"}:
            interval = block[name]
            assert interval["lower"] <= interval["value"] <= interval["upper"], name
    assert set(summary["view_sets"]) == {"ego", "exo", "ego+exo"}
    assert set(summary["scenarios"]) == {"throw", "juggle"}
    assert (summary["split"], summary["data"]) == ("test", "made up")
    assert (summary["num_takes"], summary["num_participants"]) == (40, 20)
    assert summary["ranks_against"] == "level"
    json.dumps(summary)


def test_values_equal_those_of_scikit_learn_and_scipy(predictions: Predictions) -> None:
    block = summary_of(predictions)["all_views"]
    truth, said = predictions.truth, predictions.predicted
    assert block["accuracy"]["value"] == pytest.approx(peer.accuracy_score(truth, said))
    assert block["top1_accuracy"]["value"] == pytest.approx(
        peer.accuracy_score(truth, predictions.probabilities.argmax(axis=1))
    )
    assert block["quadratic_kappa"]["value"] == pytest.approx(
        peer.cohen_kappa_score(truth, said, weights="quadratic")
    )
    assert block["kendall"]["value"] == pytest.approx(
        kendalltau(truth, predictions.score).statistic
    )
    assert block["log_loss"]["value"] == pytest.approx(
        peer.log_loss(truth, predictions.probabilities), rel=1e-5
    )


def test_fusion_gains_over_the_noisier_single_views(predictions: Predictions) -> None:
    gain = summary_of(predictions)["fusion_gain"]
    assert gain["spearman_over_best_single_view"]["lower"] > 0
    assert gain["best_single_view"] in ("ego", "exo1")


def test_the_majority_of_training_and_what_is_gained_over_it(predictions: Predictions) -> None:
    # Levels 0 and 2 are of throw, 1 and 3 of juggle; training knows 0 and 3 only.
    train = [take for take in predictions.takes if take.level in ("Novice", "Late Expert")]
    summary = summary_of(predictions, train_takes=train)
    every = summary["all_views"]
    assert summary["majority_level"] == "Novice"
    assert every["majority_accuracy"]["value"] == 0.25
    assert every["scenario_majority_accuracy"]["value"] == 0.5
    assert every["gain_over_majority"]["value"] == pytest.approx(every["accuracy"]["value"] - 0.5)
    assert summary["scenarios"]["juggle"]["majority_accuracy"]["value"] == 0
    assert summary["num_train_takes"]["Early Expert"] == 0


def test_a_participant_with_many_takes_counts_no_more_than_another(
    predictions: Predictions,
) -> None:
    takes = tuple(replace(take, participant_id="one") for take in predictions.takes[:38])
    some = replace(predictions, takes=(*takes, *predictions.takes[38:]))
    summary = summary_of(some)
    is_right = predictions.truth == predictions.predicted
    expected = (is_right[:38].mean() + is_right[38:].mean()) / 2
    assert summary["per_participant"]["accuracy"]["value"] == pytest.approx(expected)
    assert summary["participants"]["one"]["num_takes"] == 38
    assert summary["participants"]["one"]["accuracy"] == pytest.approx(is_right[:38].mean())


def test_ratings_of_all_takes_are_what_ranks_are_taken_against(predictions: Predictions) -> None:
    rated = tuple(replace(take, rating=float(-i)) for i, take in enumerate(predictions.takes))
    summary = summary_of(replace(predictions, takes=rated))
    assert summary["ranks_against"] == "rating"
    one_unrated = (replace(rated[0], rating=None), *rated[1:])
    assert summary_of(replace(predictions, takes=one_unrated))["ranks_against"] == "level"


def test_takes_with_ratings_alone_are_judged_by_rank_alone(predictions: Predictions) -> None:
    rated = tuple(
        replace(take, level=None, rating=float(i // 2 % 4))
        for i, take in enumerate(predictions.takes)
    )
    summary = summary_of(replace(predictions, takes=rated))
    assert summary["all_views"]["spearman"]["value"] > 0.8
    assert not {"accuracy", "majority_accuracy"} & set(summary["all_views"])
    assert "confusion_matrix" not in summary


def test_unlabelled_takes_are_counted_and_left_out(predictions: Predictions) -> None:
    takes = predictions.takes
    some = replace(predictions, takes=(replace(takes[0], level=None), *takes[1:]))
    summary = summary_of(some)
    assert (summary["num_takes"], summary["num_unlabelled_takes"]) == (39, 1)
    none = replace(predictions, takes=tuple(replace(take, level=None) for take in takes))
    with pytest.raises(ProskillError, match="proskill predict"):
        summary_of(none)


def test_a_view_that_some_takes_lack_is_judged_on_the_takes_that_have_it(
    predictions: Predictions,
) -> None:
    mask = predictions.view_mask.copy()
    mask[:10, 1] = False
    parts = {"view_mask": mask}
    for name in ("view_probabilities", "view_score", "kind_probabilities", "kind_score"):
        parts[name] = getattr(predictions, name).copy()
        parts[name][:10, 1] = np.nan
    summary = summary_of(replace(predictions, **parts))
    assert summary["single_views"]["exo1"]["num_takes"] == 30
    assert {name: block["num_takes"] for name, block in summary["view_sets"].items()} == {
        "ego": 40,
        "exo": 30,
        "ego+exo": 30,
    }
    assert math.isfinite(summary["late_average"]["spearman"]["value"])


def test_curves_end_at_all_takes_and_bins_hold_every_take(predictions: Predictions) -> None:
    summary = summary_of(predictions)
    last = summary["coverage_risk"][-1]
    assert last["coverage"] == 1
    assert last["risk"]["value"] == pytest.approx(1 - summary["all_views"]["accuracy"]["value"])
    assert sum(entry["num_takes"] for entry in summary["reliability"]) == 40
    assert np.sum(summary["confusion_matrix"]) == 40


def test_the_order_of_takes_changes_no_value(predictions: Predictions) -> None:
    order = np.random.default_rng(0).permutation(40)
    fields = {
        name: getattr(predictions, name)[order]
        for name in ("view_mask", "logits", "probabilities", "score", "view_probabilities",
                     "view_score", "kind_probabilities", "kind_score")
    }  # fmt: skip
    takes = tuple(predictions.takes[index] for index in order)
    shuffled = replace(predictions, takes=takes, **fields)
    first, second = summary_of(predictions)["all_views"], summary_of(shuffled)["all_views"]
    for name in METRICS:
        assert first[name] == pytest.approx(second[name], abs=1e-9), name


@pytest.fixture
def several_skills(predictions: Predictions) -> Predictions:
    """Two skills of five levels; Steals is read well and unknown for ten takes."""
    rng = np.random.default_rng(1)
    truth = rng.integers(5, size=(40, 2))
    takes: list[Take] = []
    for index, take in enumerate(predictions.takes):
        skills = {"Free Throw": float(truth[index, 0])}
        if index >= 10:
            skills["Steals"] = float(truth[index, 1])
        takes.append(replace(take, level=None, skills=skills))
    sure = np.eye(5)[truth[:, 1]] * 0.8 + 0.04
    return replace(
        predictions,
        takes=tuple(takes),
        skill_probabilities={
            "Free Throw": rng.dirichlet(np.ones(5), size=40).astype(np.float32),
            "Steals": sure.astype(np.float32),
        },
    )


def test_each_skill_is_judged_where_it_has_labels_and_their_mean_is_exact_accuracy(
    several_skills: Predictions,
) -> None:
    skills = summary_of(several_skills)["skills"]
    assert (skills["Free Throw"]["num_takes"], skills["Steals"]["num_takes"]) == (40, 30)
    assert skills["Steals"]["top1_accuracy"]["value"] == 1
    guessed = several_skills.skill_probabilities["Free Throw"].argmax(axis=1)
    true = [take.skills["Free Throw"] for take in several_skills.takes]
    expected = peer.accuracy_score(true, guessed)
    assert skills["Free Throw"]["top1_accuracy"]["value"] == pytest.approx(expected)
    mean = skills["mean"]
    assert mean["num_skills"] == 2
    assert mean["top1_accuracy"]["value"] == pytest.approx((1 + expected) / 2)
    assert mean["top1_accuracy"]["lower"] < mean["top1_accuracy"]["value"]
    assert 0.2 <= mean["majority_accuracy"]["value"] < 0.5


@pytest.mark.parametrize("value", [5.0, -1.0, 1.5, math.nan])
def test_a_skill_label_that_is_no_level_is_named(several_skills: Predictions, value: float) -> None:
    wrong = replace(several_skills.takes[3], skills={"Free Throw": value})
    takes = (*several_skills.takes[:3], wrong, *several_skills.takes[4:])
    with pytest.raises(ProskillError, match=r"'t3'.*'Free Throw'.*levels 0 to 4"):
        summary_of(replace(several_skills, takes=takes))
