"""Comparing runs: who wins, when nobody does, and runs that cannot be compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import chi2

from proskill.errors import ProskillError
from proskill.evaluation.comparison import compare_runs, mcnemar_test
from proskill.evaluation.labelled_predictions import METRICS
from proskill.evaluation.predictions import Predictions
from proskill.levels import LevelScale

MakeRun = Callable[..., Predictions]


def test_the_better_run_wins_in_the_direction_of_each_metric(make_run: MakeRun) -> None:
    good, bad = make_run(noise=0.2), make_run(noise=1.5, seed=1)
    found = compare_runs(bad, good, num_resamples=200)
    assert set(found.metrics) == set(METRICS)
    assert found.metrics["accuracy"].difference.lower > 0
    assert found.metrics["log_loss"].difference.upper < 0
    better = {name: paired.better for name, paired in found.metrics.items()}
    better.pop("calibration_error")  # being right does not make a run honest
    assert set(better.values()) == {"b"}
    assert found.mcnemar["accuracy"].p_value < 0.001
    assert compare_runs(good, bad, num_resamples=200).metrics["log_loss"].better == "a"
    assert (found.num_takes, found.num_participants, found.splits) == (80, 40, ("test",))
    json.dumps(found.to_dict())


def test_a_run_is_as_good_as_itself(make_run: MakeRun) -> None:
    run = make_run()
    found = compare_runs(run, run, num_resamples=50)
    for paired in [*found.metrics.values(), *found.scenarios.values()]:
        assert (paired.difference.value, paired.difference.lower, paired.difference.upper) == (
            0,
            0,
            0,
        )
        assert paired.better == "none"
    assert found.mcnemar["accuracy"].p_value == 1


def test_swapping_the_runs_turns_every_difference_around(make_run: MakeRun) -> None:
    a, b = make_run(noise=0.5), make_run(noise=0.8, seed=3)
    there, back = compare_runs(a, b, num_resamples=50), compare_runs(b, a, num_resamples=50)
    for name, paired in there.metrics.items():
        assert paired.difference.lower == pytest.approx(-back.metrics[name].difference.upper)
        assert paired.a == back.metrics[name].b


def test_the_order_of_takes_in_the_second_run_does_not_matter(make_run: MakeRun) -> None:
    a, b = make_run(noise=0.5), make_run(noise=0.8, seed=3)
    shuffled = b.rows(np.random.default_rng(0).permutation(80))
    assert compare_runs(a, b, num_resamples=20) == compare_runs(a, shuffled, num_resamples=20)


def test_pairing_narrows_the_interval_where_the_same_takes_are_hard_for_both(
    make_run: MakeRun,
) -> None:
    a = make_run(noise=1.0)
    b = replace(a, probabilities=np.roll(a.probabilities, 0, axis=0).copy())
    b.probabilities[:4] = np.eye(4)[a.truth[:4]]  # the same but for four takes
    found = compare_runs(a, b, num_resamples=300).metrics["accuracy"]
    width = found.difference.upper - found.difference.lower
    assert width < 0.5 * (found.a.upper - found.a.lower)


def test_mcnemar_equals_the_binomial_by_hand_and_nears_chi_square() -> None:
    a = np.array([True] * 5 + [False] * 1 + [True] * 3)
    b = np.array([False] * 5 + [True] * 1 + [True] * 3)
    found = mcnemar_test(a, b)
    assert (found.only_a_right, found.only_b_right) == (5, 1)
    assert found.p_value == pytest.approx(2 * (1 + 6) / 2**6)
    many_a = np.array([True] * 260 + [False] * 200)
    assert mcnemar_test(many_a, ~many_a).p_value == pytest.approx(
        chi2.sf((abs(260 - 200) - 1) ** 2 / 460, df=1), rel=0.02
    )


def change_take(**fields: Any) -> Callable[[Predictions], Predictions]:
    def change(run: Predictions) -> Predictions:
        return replace(run, takes=(replace(run.takes[0], **fields), *run.takes[1:]))

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda run: run.rows(np.arange(79)), r"1 takes of run A are not in run B \(first 't79'"),
        (change_take(take_id="new"), "1 takes of run A are not in run B"),
        (change_take(level="Late Expert"), "take 't0': level is 'Novice' in run A and 'Late"),
        (change_take(rating=1.0), "take 't0': rating is None in run A and 1.0"),
        (change_take(participant_id="px"), "take 't0': participant_id"),
        (change_take(skills={"Steals": 1.0}), "take 't0': skills"),
        (lambda run: replace(run, scale=LevelScale(("a", "b", "c", "d"))), "one scale"),
        (
            lambda run: replace(
                run, skill_probabilities={"Steals": np.full((80, 5), 0.2, dtype=np.float32)}
            ),
            "judge the same",
        ),
    ],
)
def test_runs_on_other_takes_or_labels_are_refused(
    make_run: MakeRun, change: Callable[[Predictions], Predictions], message: str
) -> None:
    with pytest.raises(ProskillError, match=message):
        compare_runs(make_run(), change(make_run()), num_resamples=5)


def test_a_run_on_more_takes_is_refused(make_run: MakeRun) -> None:
    with pytest.raises(ProskillError, match="1 takes of run B are not in run A"):
        compare_runs(make_run().rows(np.arange(79)), make_run(), num_resamples=5)


def test_runs_without_labels_are_refused(make_run: MakeRun) -> None:
    run = make_run()
    bare = replace(run, takes=tuple(replace(take, level=None) for take in run.takes))
    with pytest.raises(ProskillError, match="no take of the two runs has a label"):
        compare_runs(bare, bare)


def test_ratings_alone_are_compared_by_rank(make_run: MakeRun) -> None:
    runs = []
    for noise in (1.5, 0.2):
        run = make_run(noise=noise)
        takes = [replace(t, level=None, rating=float(i // 2 % 4)) for i, t in enumerate(run.takes)]
        runs.append(replace(run, takes=tuple(takes)))
    found = compare_runs(*runs, num_resamples=100)
    assert set(found.metrics) == {"spearman", "kendall", "pairwise_accuracy"}
    assert found.metrics["spearman"].better == "b"
    assert (found.ranks_against, found.mcnemar, found.scenarios) == ("rating", {}, {})


def test_skills_are_compared_each_and_on_average(make_run: MakeRun) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(5, size=80)
    runs = []
    for sharpness in (0.0, 0.9):
        run = make_run()
        takes = [replace(t, skills={"Steals": float(truth[i])}) for i, t in enumerate(run.takes)]
        values = np.eye(5)[truth] * sharpness + rng.dirichlet(np.ones(5), 80) * (1 - sharpness)
        probabilities = {"Steals": values.astype(np.float32)}
        runs.append(replace(run, takes=tuple(takes), skill_probabilities=probabilities))
    found = compare_runs(*runs, num_resamples=50).skills
    assert set(found) == {"Steals", "mean"}
    assert found["mean"].better == "b"
    assert found["mean"].b.value == 1
