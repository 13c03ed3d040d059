from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proskill.calibration.picture_statistics import NUM_STATISTICS
from proskill.errors import CheckpointError, ConfigError, ProskillError, VideoError
from proskill.plain_json import plain_json
from proskill.scoring import Assessment, Scorer, fit_detector, read_takes_statistics
from proskill.scoring.assessment import TIMING_FIELDS

MakeVideo = Callable[..., Path]
MakeCheckpoint = Callable[..., Path]

NASA = (
    Path(__file__).parents[1] / "video" / "assets" / "nasa.mp4"
)  # real footage: a worker on a lift


@pytest.fixture
def scorer(make_checkpoint: MakeCheckpoint) -> Scorer:
    return Scorer.from_checkpoint(make_checkpoint())


def test_two_views_become_one_assessment(
    scorer: Scorer, make_video: MakeVideo, make_checkpoint: MakeCheckpoint
) -> None:
    ego = make_video("ego.mp4", seed=1)
    exo = make_video("exo.mp4", seconds=1.5, frames_per_second=25, seed=2)
    seen: list[tuple[str, float]] = []
    assessment = scorer.score(
        {"ego": ego, "exo1": exo}, progress=lambda what, share: seen.append((what, share))
    )
    assert assessment.status in ("ok", "low_confidence")
    assert assessment.level in assessment.levels
    assert assessment.score == pytest.approx(
        sum(i * p for i, p in enumerate(assessment.probabilities.values()))
    )
    assert assessment.interval is not None
    assert assessment.interval.lower <= assessment.score <= assessment.interval.upper
    assert assessment.prediction_set is not None
    assert assessment.level in assessment.prediction_set.levels
    assert assessment.prediction_set.coverage == assessment.interval.coverage
    assert assessment.certainty is not None
    assert assessment.certainty.ok_limit is not None
    assert assessment.certainty.expected_error <= 1.5
    assert [view.status for view in assessment.views.values()] == ["used", "used"]
    assert [view.kind for view in assessment.views.values()] == ["ego", "exo"]
    for view in assessment.views.values():
        assert view.level in assessment.levels
        assert view.score is not None
        assert view.distance is not None
        assert view.size_px == (96, 80)
    origin = assessment.provenance
    assert origin.inputs["ego"] == hashlib.sha256(ego.read_bytes()).hexdigest()
    assert origin.checkpoint == "tiny"
    assert origin.checkpoint_sha256 == scorer.sha256
    assert origin.calibration == ("Fitted on 60 takes of 30 participants.",)
    assert set(origin.versions) >= {"proskill", "python", "torch"}
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert Assessment.from_dict(json.loads(assessment.to_json())) == assessment


def test_windows_cover_the_span_that_all_views_show(scorer: Scorer, make_video: MakeVideo) -> None:
    views = {"ego": make_video("a.mp4", seconds=1.6), "exo1": make_video("b.mp4", seconds=1.2)}
    assessment = scorer.score(views)
    instants = np.array(assessment.provenance.instants_seconds)
    assert instants.shape == (3, 4)
    assert instants.min() == 0.0
    assert 1.1 <= instants.max() < 1.2
    assert [w.start_seconds for w in assessment.timeline] == pytest.approx(instants[:, 0].tolist())
    assert assessment.timeline[-1].end_seconds == pytest.approx(1.2)
    assert set(assessment.timeline[0].view_scores) == {"ego", "exo1"}


def test_scoring_twice_gives_the_same(scorer: Scorer, make_video: MakeVideo) -> None:
    views = {"exo1": make_video()}
    first, second = scorer.score(views).to_dict(), scorer.score(views).to_dict()
    for answer in (first, second):
        for name in TIMING_FIELDS:
            del answer["provenance"][name]
    assert first == second


def test_an_offset_shifts_a_view_on_the_common_clock(scorer: Scorer, make_video: MakeVideo) -> None:
    views = {"exo1": make_video("a.mp4", seconds=1.2), "exo2": make_video("b.mp4", seconds=1.6)}
    assessment = scorer.score(views, offsets={"exo2": 0.4})
    assert assessment.timeline[-1].end_seconds == pytest.approx(1.2)
    later = scorer.score(views, offsets={"exo2": -0.4})
    assert later.timeline[0].start_seconds == pytest.approx(0.4)
    assert later.provenance.offsets_seconds == {"exo1": 0.0, "exo2": -0.4}


def test_a_single_path_is_one_view_of_the_kind_its_name_says(
    scorer: Scorer, make_video: MakeVideo
) -> None:
    assert list(scorer.score(make_video("my_ego.mp4")).views) == ["ego"]
    assert list(scorer.score(str(make_video("phone.mp4"))).views) == ["exo1"]


def test_all_views_alone_equal_the_answer_when_there_is_one_view(
    scorer: Scorer, make_video: MakeVideo
) -> None:
    assessment = scorer.score({"exo1": make_video()})
    assert assessment.views["exo1"].score == pytest.approx(assessment.score)
    assert [w.score for w in assessment.timeline] == pytest.approx(
        [w.view_scores["exo1"] for w in assessment.timeline]
    )


@pytest.mark.parametrize(
    ("video", "reason"),
    [
        ({"picture": "black"}, "The video shows a black picture."),
        ({"picture": "still"}, "The video shows no motion."),
        ({"seconds": 0.01}, "The video holds a single picture; a performance is needed."),
        (
            {"seconds": 0.2},
            "The video is too short: 0.20 s, and the model looks at 0.30 s at a time.",
        ),
        (
            {"size": (16, 16)},
            "The video is too small: 16x16 pixels, and less than 64 on the short side show nothing "
            "to judge.",
        ),
    ],
)
def test_what_cannot_be_judged_gets_a_reason_and_no_level(
    scorer: Scorer, make_video: MakeVideo, video: dict[str, Any], reason: str
) -> None:
    assessment = scorer.score({"exo1": make_video(**video)})
    assert assessment.status == "abstained"
    assert assessment.reasons == (reason,)
    assert (assessment.level, assessment.score, assessment.timeline) == (None, None, ())
    assert assessment.views["exo1"].status == "left_out"
    assert assessment.views["exo1"].score is None


def test_a_view_that_cannot_be_judged_is_left_out_and_the_rest_is_scored(
    scorer: Scorer, make_video: MakeVideo
) -> None:
    moving = make_video("a.mp4")
    assessment = scorer.score({"exo1": moving, "exo2": make_video("b.mp4", picture="black")})
    assert [view.status for view in assessment.views.values()] == ["used", "left_out"]
    assert assessment.warnings == ("View exo2 was left out: shows a black picture.",)
    assert assessment.score == pytest.approx(scorer.score({"exo1": moving}).score)


def test_a_broken_view_is_reported_and_the_rest_is_scored(
    scorer: Scorer, make_video: MakeVideo, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"this is no video" * 100)
    assessment = scorer.score({"ego": broken, "exo1": make_video()})
    view = assessment.views["ego"]
    assert (view.status, view.score, view.file) == ("unreadable", None, "broken.mp4")
    assert view.reasons
    assert assessment.warnings == (f"View ego cannot be read and was left out: {view.reasons[0]}.",)
    assert assessment.views["exo1"].status == "used"
    assert set(assessment.provenance.inputs) == {"exo1"}


def test_views_that_are_all_broken_raise(scorer: Scorer, tmp_path: Path) -> None:
    files = [tmp_path / "a.mp4", tmp_path / "b.mp4"]
    for file in files:
        file.write_bytes(b"")
    with pytest.raises(VideoError, match=r"a\.mp4: "):
        scorer.score({"exo1": files[0]})
    with pytest.raises(
        ProskillError, match=r"none of the 2 views can be read \(a\.mp4: .*; b\.mp4: "
    ):
        scorer.score({"exo1": files[0], "exo2": files[1]})


def test_the_same_file_twice_is_scored_with_a_warning(
    scorer: Scorer, make_video: MakeVideo, tmp_path: Path
) -> None:
    first = make_video()
    shutil.copy(first, tmp_path / "copy.mp4")
    assessment = scorer.score({"exo1": first, "exo2": tmp_path / "copy.mp4"})
    assert assessment.warnings == (
        "Views exo1 and exo2 are the same file; the second adds nothing.",
    )


def test_views_without_a_common_instant_raise(scorer: Scorer, make_video: MakeVideo) -> None:
    views = {"exo1": make_video("a.mp4"), "exo2": make_video("b.mp4")}
    with pytest.raises(ProskillError, match="views exo1, exo2 have no timestamp in common"):
        scorer.score(views, offsets={"exo2": -100.0})


def test_views_with_too_short_a_common_span_are_not_judged(
    scorer: Scorer, make_video: MakeVideo
) -> None:
    views = {"exo1": make_video("a.mp4"), "exo2": make_video("b.mp4")}
    assessment = scorer.score(views, offsets={"exo2": -1.5})
    assert assessment.status == "abstained"
    assert assessment.reasons[0].startswith("View exo1 shares only 0.10 s with the other views")


def test_footage_far_from_the_training_data_gets_no_level(
    make_checkpoint: MakeCheckpoint, make_video: MakeVideo
) -> None:
    scorer = Scorer.from_checkpoint(make_checkpoint(calibration="elsewhere"))
    assessment = scorer.score({"ego": make_video("a.mp4"), "exo1": make_video("b.mp4", seed=3)})
    assert assessment.status == "abstained"
    assert assessment.reasons[0].startswith("All views are unlike what the model learned from")
    assert assessment.level is None
    distance = assessment.views["ego"].distance
    assert distance is not None
    assert distance > 2


def test_footage_that_looks_unlike_the_training_footage_is_doubted(
    make_checkpoint: MakeCheckpoint, make_video: MakeVideo
) -> None:
    """Features of random weights are alike for both clips; what gives one away is its picture."""
    learned = [{"exo1": make_video(f"t{i}.mp4", seed=i, seconds=1.0)} for i in range(30)]
    pictures = read_takes_statistics(learned, ["exo1"], img_size=(64, 64))
    assert pictures.shape == (30, 1, NUM_STATISTICS)
    directory = make_checkpoint()
    path = directory / "calibration.json"
    content = json.loads(path.read_text())
    known = fit_detector(pictures[:18, 0], pictures[18:, 0])
    path.write_text(json.dumps({**content, "picture_detectors": {"exo": plain_json(known)}}))
    scorer = Scorer.from_checkpoint(directory)
    alike = scorer.score(make_video("new.mp4", seed=99))
    assert not any("unlike" in reason for reason in alike.reasons)
    foreign = scorer.score(NASA)
    assert foreign.status == "abstained"
    assert foreign.reasons[0].startswith("The video is unlike what the model learned from")
    distance = foreign.views["exo1"].distance
    assert distance is not None
    assert distance > 1.5


def test_a_calibration_from_before_there_were_sets_still_scores_and_says_what_it_lacks(
    make_checkpoint: MakeCheckpoint, make_video: MakeVideo
) -> None:
    directory = make_checkpoint()
    content = json.loads((directory / "calibration.json").read_text())
    del content["set_threshold"], content["selection_thresholds"]
    (directory / "calibration.json").write_text(json.dumps(content))
    assessment = Scorer.from_checkpoint(directory).score({"exo1": make_video()})
    assert assessment.level is not None
    assert assessment.interval is not None
    assert assessment.prediction_set is None
    assert assessment.certainty is not None
    assert assessment.certainty.ok_limit is None
    assert "`proskill calibrate` adds them" in assessment.provenance.calibration[1]


def test_a_model_too_unsure_to_answer_gives_no_level_but_says_how_unsure_it_is(
    make_checkpoint: MakeCheckpoint, make_video: MakeVideo
) -> None:
    directory = make_checkpoint()
    content = json.loads((directory / "calibration.json").read_text())
    content["selection_thresholds"].update(ok=0.0, abstain=0.0)
    (directory / "calibration.json").write_text(json.dumps(content))
    assessment = Scorer.from_checkpoint(directory).score({"exo1": make_video()})
    assert (assessment.status, assessment.level, assessment.prediction_set) == (
        "abstained",
        None,
        None,
    )
    assert assessment.reasons[0].startswith("The model cannot tell the levels apart here")
    assert assessment.certainty is not None
    assert assessment.certainty.expected_error > 0


def test_a_checkpoint_without_calibration_is_never_sure(
    make_checkpoint: MakeCheckpoint, make_video: MakeVideo
) -> None:
    scorer = Scorer.from_checkpoint(make_checkpoint(calibration=None))
    assessment = scorer.score({"exo1": make_video()})
    assert assessment.status == "low_confidence"
    assert "has no calibration" in assessment.reasons[0]
    assert assessment.interval is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_levels": 5}, r"tiny/calibration\.json: num_levels is 5, the model has 4 levels"),
        (
            {"temperature": -1},
            r"tiny/calibration\.json: temperature=-1.0: must be finite and above 0",
        ),
    ],
)
def test_a_calibration_of_another_model_is_refused(
    make_checkpoint: MakeCheckpoint, change: dict[str, Any], message: str
) -> None:
    directory = make_checkpoint()
    path = directory / "calibration.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(CheckpointError, match=message):
        Scorer.from_checkpoint(directory)


def test_a_calibration_of_another_width_is_refused(make_checkpoint: MakeCheckpoint) -> None:
    directory = make_checkpoint()
    path = directory / "calibration.json"
    content = json.loads(path.read_text())
    ego = content["feature_detectors"]["ego"]
    ego["mean"], ego["directions"] = ego["mean"][:5], [row[:5] for row in ego["directions"]]
    path.write_text(json.dumps(content))
    with pytest.raises(
        CheckpointError, match=r"feature_detectors\.ego is of width 5, expected 24; fit"
    ):
        Scorer.from_checkpoint(directory)


def test_a_device_that_does_not_exist_is_refused(make_checkpoint: MakeCheckpoint) -> None:
    with pytest.raises(ConfigError, match="device='abacus': not available here"):
        Scorer.from_checkpoint(make_checkpoint(), device="abacus")


def test_a_missing_checkpoint_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="gone"):
        Scorer.from_checkpoint(tmp_path / "gone")


def test_only_the_span_asked_for_is_looked_at(
    make_checkpoint: MakeCheckpoint, make_video: MakeVideo
) -> None:
    scorer = Scorer.from_checkpoint(make_checkpoint())
    file = make_video(seconds=8)
    part = scorer.score({"exo1": file}, span_seconds=(2.0, 4.0))
    instants = part.provenance.instants_seconds
    assert instants[0][0] == 2.0
    assert instants[-1][-1] < 4.0
    assert not any("were scored" in warning for warning in part.warnings)
    rest = scorer.score({"exo1": file}, span_seconds=(6.0, None)).provenance.instants_seconds
    assert rest[0][0] == 6.0
    assert rest[-1][-1] > 7.5
    with pytest.raises(ProskillError, match="have no timestamp in common"):
        scorer.score({"exo1": file}, span_seconds=(9.0, None))
    with pytest.raises(ProskillError, match=r"span from 2\.0 to 1\.0 s: must begin"):
        scorer.score({"exo1": file}, span_seconds=(2.0, 1.0))
