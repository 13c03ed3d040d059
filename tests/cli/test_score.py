from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proskill.scoring import Assessment, Explanation, Scorer
from proskill.scoring.assessment import TIMING_FIELDS
from proskill.scoring.uploads import score_uploads

Run = Callable[..., Any]


Make = Callable[..., Path]


def test_json_on_stdout_is_the_whole_assessment(
    run: Run, make_video: Make, make_checkpoint: Make
) -> None:
    ego, exo = make_video("p1_ego.mp4"), make_video("b.mp4", seed=2)
    result = run("score", ego, "--view", f"exo1={exo}", "--checkpoint", make_checkpoint(), "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    assessment = Assessment.from_dict(json.loads(result.stdout))
    assert list(assessment.views) == ["ego", "exo1"]
    assert assessment.level in assessment.levels


def test_the_table_says_what_people_ask_first(
    run: Run, make_video: Make, make_checkpoint: Make
) -> None:
    checkpoint, video = make_checkpoint(), make_video("[red]a.mp4")
    result = run("score", video, "--checkpoint", checkpoint)
    spoken = json.loads(run("score", video, "--checkpoint", checkpoint, "--json").stdout)
    assert result.exit_code == 0
    assert result.stdout.startswith(spoken["level"])
    for text in (
        f"Score {spoken['score']:.2f} of 3. For 80 of 100 performers the truth lies between",
        "Plausible levels: ",
        ". Such a set contains the true level of 80 of 100 performers.",
        *(spoken["prediction_set"]["levels"][index] for index in (0, -1)),
        "[red]a.mp4",
        "96x80",
        "Note: This model learned from simulated motion; it is no judge of real athletes.",
        *spoken["reasons"],
        *spoken["levels"],
    ):
        assert text in result.stdout


def test_an_abstention_is_an_outcome_and_no_error(
    run: Run, make_video: Make, make_checkpoint: Make
) -> None:
    result = run("score", make_video(picture="black"), "--checkpoint", make_checkpoint())
    assert result.exit_code == 0
    assert result.stdout.startswith(
        "No level  (not assessable)\n- The video shows a black picture."
    )


def test_a_report_is_written_and_named(
    run: Run, make_video: Make, make_checkpoint: Make, tmp_path: Path
) -> None:
    out = tmp_path / "out" / "report.html"
    result = run("score", make_video(), "--checkpoint", make_checkpoint(), "--report", out)
    assert result.exit_code == 0
    assert f"Report: {out}" in result.stdout.replace("\n", "")
    assert "data:image/jpeg;base64," in out.read_text(encoding="utf-8")


def test_an_explanation_is_said_written_and_part_of_the_json(
    run: Run, make_video: Make, make_checkpoint: Make, tmp_path: Path
) -> None:
    files = [make_video("p_ego.mp4"), make_video("p_front.mp4", seed=2)]
    call = ["score", *files, "--checkpoint", make_checkpoint(), "--explain"]
    page = tmp_path / "report.html"
    result = run(*call, "--report", page)
    assert result.exit_code == 0
    assert "Each segment of " in result.stdout
    assert "average segment without it" in result.stdout
    assert "Where the ups and downs show most" in page.read_text(encoding="utf-8")
    values = json.loads(run(*call, "--json").stdout)
    explanation = Explanation.from_dict(values.pop("explanation"))
    named = f"which scores {explanation.baseline:.2f}:"
    assert named in " ".join(result.stdout.split())
    assert named in page.read_text(encoding="utf-8")
    assert list(explanation.views) == list(Assessment.from_dict(values).views) == ["ego", "exo1"]


def test_what_has_no_answer_is_not_explained(
    run: Run, make_video: Make, make_checkpoint: Make
) -> None:
    call = ["score", make_video(picture="black"), "--checkpoint", make_checkpoint(), "--explain"]
    assert "Each segment of " not in run(*call).stdout
    assert "explanation" not in json.loads(run(*call, "--json").stdout)


def test_offsets_are_passed_on(run: Run, make_video: Make, make_checkpoint: Make) -> None:
    views = ["--view", f"a={make_video('a.mp4')}", "--view", f"b={make_video('b.mp4', seed=2)}"]
    options = ["--offset", "b=-0.5", "--checkpoint", make_checkpoint(), "--json"]
    provenance = json.loads(run("score", *views, *options).stdout)["provenance"]
    assert provenance["offsets_seconds"] == {"a": 0.0, "b": -0.5}
    assert provenance["instants_seconds"][0][0] == 0.5


def test_files_taken_as_uploads_get_the_answer_that_python_gives_them(
    run: Run, make_video: Make, make_checkpoint: Make, tmp_path: Path
) -> None:
    ego, checkpoint, page = make_video("ego.mp4"), make_checkpoint(), tmp_path / "page.html"
    arguments = ["--as-upload", "--checkpoint", checkpoint, "--json", "--report", page]
    result = run("score", ego, *arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    said = json.loads(result.stdout)
    by_hand = score_uploads(
        Scorer.from_checkpoint(checkpoint), {"ego": ego}, folder=tmp_path / "copies"
    ).assessment.to_dict()
    for answer in (said, by_hand):
        for name in TIMING_FIELDS:
            del answer["provenance"][name]
    assert said == json.loads(json.dumps(by_hand))
    assert "data:image/" in page.read_text()


def test_the_default_checkpoint_is_the_demo_of_the_current_directory(
    run: Run,
    make_video: Make,
    make_checkpoint: Make,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    video = make_video()
    make_checkpoint().rename(tmp_path / "moved")
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "moved").rename(tmp_path / "checkpoints" / "demo")
    monkeypatch.chdir(tmp_path)
    result = run("score", video, "--json")
    assert json.loads(result.stdout)["provenance"]["checkpoint"] == "demo"


def test_without_any_checkpoint_the_places_are_named(
    run: Run, make_video: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proskill import shipped_files

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shipped_files, "_PACKAGE", tmp_path / "site" / "proskill")
    monkeypatch.setattr(shipped_files, "_REPOSITORY", tmp_path / "site")
    result = run("score", make_video())
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "Error: no checkpoint given and none found in checkpoints/demo or "
        f"{tmp_path}/site/proskill/_checkpoints/demo; name one with --checkpoint, or make one with "
        "`proskill demo`\n"
    )


def test_errors_are_one_line_and_exit_code_1(
    run: Run, make_video: Make, make_checkpoint: Make, tmp_path: Path
) -> None:
    video, checkpoint = make_video(), ("--checkpoint", make_checkpoint())
    empty = tmp_path / "empty.mp4"
    empty.write_bytes(b"")
    nine = [video] * 9
    cases: list[tuple[list[object], str]] = [
        (
            [tmp_path / "gone.mp4"],
            f"Error: {tmp_path}/gone.mp4: no such file; check the path of view 'exo1'\n",
        ),
        (
            [tmp_path],
            f"Error: {tmp_path}: is a directory; give one video file for view 'exo1'\n",
        ),
        (
            nine,
            "Error: 9 views given; at most 8 are scored together, so leave out 1\n",
        ),
        (
            ["--view", f"ego={video}", "--view", f"ego={empty}"],
            f"Error: view 'ego' is given twice ({video} and {empty}); give each view its own "
            "name\n",
        ),
        (
            [video, "--offset", "ego=1"],
            "Error: offsets name the view 'ego', which is not given; views are exo1\n",
        ),
    ]
    for arguments, line in cases:
        result = run("score", *arguments, *checkpoint)
        assert (result.exit_code, result.stdout, result.stderr) == (1, "", line)
    result = run("score", empty, *checkpoint)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {empty}: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--view", "a.mp4"],
        ["--view", "=a.mp4"],
        ["--view", "ego="],
        ["a.mp4", "--offset", "ego=late"],
        ["a.mp4", "--offset", "ego=nan"],
        ["a.mp4", "--offset", "ego=1", "--offset", "ego=2"],
        ["a.mp4", "--nonsense"],
    ],
)
def test_wrong_usage_is_exit_code_2(run: Run, arguments: list[str]) -> None:
    result = run("score", *arguments)
    assert result.exit_code == 2
    assert "Usage: proskill score" in result.stderr
