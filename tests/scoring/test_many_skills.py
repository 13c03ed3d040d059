"""Scoring with models of several skills, of ratings, and of frames spread over the whole take."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from proskill.cli.score_table import print_assessment
from proskill.models import (
    CheckpointConfig,
    InputSpec,
    ModelConfig,
    RegressionHead,
    build_model,
    save_checkpoint,
)
from proskill.reports.assessment import render_report
from proskill.scoring import Assessment, Scorer

MakeVideo = Callable[..., Path]
SKILLS = ("Steals", "Fouls", "Impact")
SPEC = InputSpec(num_frames=4, frame_interval_seconds=None, img_size=(32, 32))


def scorer_of(folder: Path, head: Mapping[str, Any], skills: tuple[str, ...] = ()) -> Scorer:
    torch.manual_seed(0)
    tiny = {"img_size": 32, "patch_size": 16, "embed_dim": 16, "depth": 1, "num_heads": 2}
    config = ModelConfig(
        backbone={**tiny, "num_frames": 4, "global_pool": "token"},
        fusion={"kind": "late"},
        head={"num_levels": 5, **head},
    )
    model = build_model(config)
    if isinstance(model.head, RegressionHead):
        model.head.fit_ratings([900.0, 1000.0, 1100.0, 1300.0])
    described = CheckpointConfig(
        model=config,
        input=SPEC,
        levels=("Poor", "Fair", "Average", "Good", "Excellent"),
        licence="Apache-2.0",
        source="random weights of a test",
        data="simulated motion",
        skills=skills,
    )
    save_checkpoint(folder / "many", model, described)
    return Scorer.from_checkpoint(folder / "many")


@pytest.mark.parametrize("kind", ["softmax", "ordinal"])
def test_an_assessment_has_a_score_for_every_skill(
    kind: str, make_video: MakeVideo, tmp_path: Path
) -> None:
    scorer = scorer_of(tmp_path, {"kind": kind, "num_skills": 3}, SKILLS)
    found = scorer.score({"ego": make_video("a.mp4", seed=1), "exo1": make_video("b.mp4", seed=2)})
    assert tuple(found.skills) == SKILLS
    assert len(set(found.skills.values())) == 3
    for name, score in found.skills.items():
        probabilities = list(found.skill_probabilities[name].values())
        assert score == pytest.approx(sum(k * p for k, p in enumerate(probabilities)))
        below = found.levels.index(found.skill_levels[name])
        assert sum(probabilities[:below]) < 0.5 <= sum(probabilities[: below + 1])
    # The level of the whole is the mean over skills.
    assert found.score == pytest.approx(sum(found.skills.values()) / 3, abs=1e-5)
    assert Assessment.from_dict(found.to_dict()) == found


def test_page_and_table_show_every_skill_and_names_stay_text(
    make_video: MakeVideo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "<b>[red]&"
    scorer = scorer_of(tmp_path, {"kind": "softmax", "num_skills": 3}, ("Steals", evil, "Impact"))
    found = scorer.score({"ego": make_video("a.mp4", seed=1)})
    page = render_report(found)
    assert evil not in page
    assert page.count('<div class="said">') == 3
    print_assessment(found)
    table = capsys.readouterr().out
    for name, level in found.skill_levels.items():
        percent = f"{100 * found.skill_probabilities[name][level]:.0f} %"
        assert f'<div class="name"><bdi>{html.escape(name)}</bdi></div>' in page
        assert f'<div class="said"><strong>{level}</strong>, {percent}</div>' in page
        (row,) = [line for line in table.splitlines() if line.startswith(name)]
        for text in (f"{found.skills[name]:.2f}", level, percent):
            assert text in row


def test_an_input_that_cannot_be_judged_gets_no_skills(
    make_video: MakeVideo, tmp_path: Path
) -> None:
    scorer = scorer_of(tmp_path, {"kind": "softmax", "num_skills": 3}, SKILLS)
    found = scorer.score({"ego": make_video(picture="still")})
    assert found.status == "abstained"
    assert not found.skills
    assert not found.skill_levels
    assert "Steals" not in render_report(found)


def test_frames_spread_over_the_take_make_one_window_however_long_it_is(
    make_video: MakeVideo, tmp_path: Path
) -> None:
    scorer = scorer_of(tmp_path, {"kind": "softmax"})
    for seconds in (1.0, 4.0):
        found = scorer.score({"ego": make_video(f"{seconds}.mp4", seconds=seconds)})
        (instants,) = found.provenance.instants_seconds
        assert instants == pytest.approx([seconds * part for part in (1 / 8, 3 / 8, 5 / 8, 7 / 8)])
        (window,) = found.timeline
        assert window.start_seconds == pytest.approx(seconds / 8)
        assert window.end_seconds == pytest.approx(9 * seconds / 8)
        assert not found.warnings


def test_a_model_of_ratings_says_among_which_of_the_training_ratings_a_take_lies(
    make_video: MakeVideo, tmp_path: Path
) -> None:
    found = scorer_of(tmp_path, {"kind": "regression"}).score({"ego": make_video()})
    assert found.score is not None
    assert 0 <= found.score <= 4
    assert not found.skills


def test_several_windows_of_frames_spread_over_the_take_are_refused() -> None:
    with pytest.raises(ValueError, match=r"num_windows=3.*make 1 window"):
        replace(SPEC, num_windows=3)
