"""Submission files against the challenge's documented scoring rule."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax

from proskill.errors import ProskillError
from proskill.evaluation.predictions import Predictions
from proskill.evaluation.submission import (
    Submission,
    make_submission,
    read_videos,
    write_submission,
)
from proskill.levels import LevelScale

MakeRun = Callable[..., Predictions]


def score(content: dict[str, Any], videos: list[str], truth: list[int], views: str) -> float:
    """The rule of the challenge: the mean of the views' softmaxes, the most probable level."""
    assert content["videos"] == videos
    if "predictions" in content:
        assert len(content["predictions"]) == len(videos)
        return float(np.mean(np.array(content["predictions"]) == truth))
    ego = np.array(content["ego_model_predictions"])
    exo = np.array(content["exo_model_predictions"])
    assert (ego.shape, exo.shape) == ((len(videos), 4), (len(videos), 4, 4))
    chosen = {
        "ego": ego[:, None],
        "exo": exo,
        "ego+exo": np.concatenate([ego[:, None], exo], axis=1),
    }
    answers = softmax(chosen[views], axis=-1).mean(axis=1).argmax(axis=-1)
    return float((answers == truth).mean())


def through_a_file(submission: Submission, tmp_path: Path) -> dict[str, Any]:
    write_submission(tmp_path / "out" / "submission.json", submission)
    content: dict[str, Any] = json.loads((tmp_path / "out" / "submission.json").read_text())
    return content


def videos_of(run: Predictions) -> list[str]:
    """In another order than the run's own, and not all of them."""
    return [take.take_id for take in run.takes[::-1]][:60]


def test_labels_score_the_top_1_accuracy_of_the_run(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(noise=0.8)
    videos = videos_of(run)
    truth = run.truth[::-1][:60]
    content = through_a_file(make_submission(run, videos, format="labels"), tmp_path)
    expected = (run.probabilities.argmax(axis=1) == run.truth)[::-1][:60].mean()
    assert score(content, videos, truth.tolist(), "all") == pytest.approx(expected)
    assert set(content) == {"videos", "predictions"}


@pytest.mark.parametrize("num_exo", [1, 3, 4])
def test_logits_score_as_each_view_alone_and_their_mean(
    make_run: MakeRun, tmp_path: Path, num_exo: int
) -> None:
    run = make_run(noise=0.8, num_exo=num_exo)
    videos, truth = videos_of(run), run.truth[::-1][:60].tolist()
    submission = make_submission(run, videos, format="logits")
    assert submission.num_with_fewer_exo == (60 if num_exo < 4 else 0)
    content = through_a_file(submission, tmp_path)
    alone = run.view_probabilities[::-1][:60].astype(float)
    ego, exo = alone[:, 0], alone[:, 1:].mean(axis=1)
    for views, expected in (("ego", ego), ("exo", exo), ("ego+exo", (ego + 4 * exo) / 5)):
        accuracy = (expected.argmax(axis=1) == truth).mean()
        assert score(content, videos, truth, views) == pytest.approx(accuracy), views


def test_missing_and_surplus_views_are_filled_and_counted(make_run: MakeRun) -> None:
    run = make_run(num_exo=5)
    takes = list(run.takes)
    takes[0] = replace(takes[0], views={"exo2": takes[0].views["exo2"]})
    takes[1] = replace(takes[1], views={"ego": takes[1].views["ego"]})
    some = replace(run, takes=tuple(takes))
    submission = make_submission(some, [take.take_id for take in takes], format="logits")
    content = submission.content
    counts = (submission.num_without_ego, submission.num_without_exo)
    assert counts == (1, 1)
    assert (submission.num_with_fewer_exo, submission.num_with_more_exo) == (1, 78)
    lonely = np.exp(content["exo_model_predictions"][0])
    np.testing.assert_allclose(lonely, np.tile(run.view_probabilities[0, 2], (4, 1)), rtol=1e-4)
    np.testing.assert_allclose(
        np.exp(content["ego_model_predictions"][0]), run.view_probabilities[0, 2], rtol=1e-4
    )
    np.testing.assert_allclose(
        np.exp(content["exo_model_predictions"][1]),
        np.tile(run.view_probabilities[1, 0], (4, 1)),
        rtol=1e-4,
    )
    np.testing.assert_allclose(
        np.exp(content["exo_model_predictions"][2]), run.view_probabilities[2, 1:5], rtol=1e-4
    )


def test_a_probability_of_zero_is_still_a_number(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    run.view_probabilities[0] = np.array([1, 0, 0, 0])
    content = through_a_file(make_submission(run, ["t0"], format="logits"), tmp_path)
    assert np.isfinite(content["ego_model_predictions"]).all()


@pytest.mark.parametrize(
    ("videos", "message"),
    [
        (["t0", "absent"], r"1 of 2 takes have no prediction \(first 'absent'"),
        (["t0", "t1", "t0"], "'t0' is asked for twice"),
    ],
)
def test_takes_that_cannot_be_answered_are_refused(
    make_run: MakeRun, videos: list[str], message: str
) -> None:
    with pytest.raises(ProskillError, match=message):
        make_submission(make_run(), videos, format="labels")


def test_other_levels_and_formats_are_refused(make_run: MakeRun) -> None:
    run = make_run()
    with pytest.raises(ProskillError, match="the levels a, b, c, d"):
        make_submission(
            replace(run, scale=LevelScale(("a", "b", "c", "d"))), ["t0"], format="labels"
        )
    with pytest.raises(ProskillError, match="allowed are labels, logits"):
        make_submission(run, ["t0"], format="csv")  # type: ignore[arg-type]


def test_the_list_of_takes_may_be_bare_or_in_an_object(tmp_path: Path) -> None:
    (tmp_path / "test.json").write_text('["b", "a"]')
    (tmp_path / "object.json").write_text('{"videos": ["b", "a"]}')
    assert read_videos(tmp_path / "test.json") == read_videos(tmp_path / "object.json")
    assert read_videos(tmp_path / "test.json") == ["b", "a"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[", r"test\.json: is not JSON"),
        ("[]", r"test\.json: expected a list of take names"),
        ("[1]", r"test\.json: expected a list of take names"),
        ('{"names": ["a"]}', "key 'videos'"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    (tmp_path / "test.json").write_text(content)
    with pytest.raises(ProskillError, match=message):
        read_videos(tmp_path / "test.json")


def test_a_missing_list_of_takes_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProskillError, match=r"absent\.json: cannot be read"):
        read_videos(tmp_path / "absent.json")
