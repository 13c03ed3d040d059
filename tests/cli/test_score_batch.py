from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proskill.cli.score_batch import takes_in
from proskill.data import Take, View, write_manifest
from proskill.scoring.assessment import TIMING_FIELDS

Run = Callable[..., Any]
Make = Callable[..., Path]


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_folder_becomes_a_row_per_performance(
    run: Run, make_video: Make, make_checkpoint: Make, tmp_path: Path
) -> None:
    (tmp_path / "clips").mkdir()
    make_video("clips/anna_ego.mp4")
    make_video("clips/anna_exo1.mp4", seed=1)
    (tmp_path / "clips/ben.mp4").write_bytes(b"")
    out = tmp_path / "r.jsonl"
    options = ("--checkpoint", make_checkpoint(), "--out", out)
    result = run("score", tmp_path / "clips", *options)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"{out}: 2 rows, 1 of them errors\n"
    anna, ben = _rows(out)
    assert (anna["take_id"], list(anna["views"])) == ("anna", ["ego", "exo1"])
    assert (ben["take_id"], ben["status"]) == ("ben", "error")
    result = run("score", tmp_path / "clips", *options, "--resume")
    assert result.stderr == f"{out}: 2 rows, 1 of them errors, 1 kept from an earlier run\n"


def test_a_row_says_what_scoring_the_performance_alone_says(
    run: Run, make_video: Make, make_checkpoint: Make, tmp_path: Path
) -> None:
    views = {"ego": make_video("a.mp4"), "side": make_video("b.mp4", seed=1)}
    take = Take(
        "t", "p", "juggling",
        {"ego": View(views["ego"], "ego"), "side": View(views["side"], "exo", offset_seconds=0.2)},
    )  # fmt: skip
    write_manifest(tmp_path / "takes.csv", [take])
    checkpoint = ("--checkpoint", make_checkpoint())
    run("score", tmp_path / "takes.csv", *checkpoint, "--out", tmp_path / "r.jsonl")
    named = [word for name, path in views.items() for word in ("--view", f"{name}={path}")]
    alone = run("score", *named, "--offset", "side=0.2", *checkpoint, "--json")
    [row], alone = _rows(tmp_path / "r.jsonl"), json.loads(alone.stdout)
    for each in (row, alone):
        for name in TIMING_FIELDS:
            del each["provenance"][name]
    assert {name: row[name] for name in alone} == alone


def test_a_row_of_copies_says_what_the_app_says_and_no_copy_is_left(
    run: Run, make_video: Make, make_checkpoint: Make, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "clips").mkdir()
    ego, exo = make_video("clips/anna_ego.mp4"), make_video("clips/anna_exo1.mp4", seed=1)
    (tmp_path / "clips/ben.mp4").write_text("no video")
    options = ("--checkpoint", make_checkpoint(), "--as-upload")
    out = tmp_path / "r.jsonl"
    result = run("score", tmp_path / "clips", *options, "--explain", "--out", out)
    assert result.exit_code == 0, result.stderr
    anna, ben = _rows(out)
    assert (ben["status"], ben["error"]) == (
        "error", f"{tmp_path}/clips/ben.mp4: is a text file, not a video",
    )  # fmt: skip
    named = ("--view", f"ego={ego}", "--view", f"exo1={exo}")
    alone = json.loads(run("score", *named, *options, "--explain", "--json").stdout)
    for each in (anna, alone):
        for name in TIMING_FIELDS:
            del each["provenance"][name]
    assert anna["provenance"]["read_from"] == "copies"
    assert {name: anna[name] for name in alone} == alone
    assert "explanation" in alone
    assert list((tmp_path / "tmp").iterdir()) == []
    result = run("score", tmp_path / "clips", *options[:2], "--out", out, "--resume")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {out}: was begun with --as-upload, and rows")


def _two_spans(video: Path, folder: Path) -> Path:
    """A manifest of seconds 0 to 2 and 3 to 5 of a video."""
    takes = [
        Take(f"t{start}", "p", "juggling", {"exo1": View(video, "exo", start, start + 2.0)})
        for start in (0.0, 3.0)
    ]
    write_manifest(folder / "takes.csv", takes)
    return folder / "takes.csv"


def _require_two_spans(rows: list[dict[str, Any]]) -> None:
    instants = [row["provenance"]["instants_seconds"] for row in rows]
    assert [row[0][0] for row in instants] == [0.0, 3.0]
    assert [row[-1][-1] < end for row, end in zip(instants, (2, 5), strict=True)] == [True, True]


def test_shards_of_copies_keep_the_span_of_a_manifest(
    run: Run, make_video: Make, make_checkpoint: Make, tmp_path: Path
) -> None:
    manifest = _two_spans(make_video("long.mp4", seconds=6), tmp_path)
    options = ("--checkpoint", make_checkpoint(), "--as-upload", "--out", tmp_path / "r.jsonl")
    for shard in (0, 1):
        sharded = ("--num-shards", 2, "--shard", shard)
        assert run("score", manifest, *options, *sharded).exit_code == 0
    parts = [tmp_path / f"r-0000{k}-of-00002.jsonl" for k in (0, 1)]
    _require_two_spans([row for part in parts for row in _rows(part)])


def test_the_span_of_a_manifest_is_what_is_scored(
    run: Run, make_video: Make, make_checkpoint: Make, tmp_path: Path
) -> None:
    manifest = _two_spans(make_video("long.mp4", seconds=6), tmp_path)
    options = ("--checkpoint", make_checkpoint(), "--out", tmp_path / "r.jsonl")
    assert run("score", manifest, *options).exit_code == 0
    _require_two_spans(_rows(tmp_path / "r.jsonl"))


def test_shards_write_the_rows_of_the_whole(
    run: Run, make_video: Make, make_checkpoint: Make, tmp_path: Path
) -> None:
    files = [make_video(f"{name}.mp4", seed=k) for k, name in enumerate("cab")]
    options = (*files, "--checkpoint", make_checkpoint(), "--out", tmp_path / "r.jsonl")
    for shard in (1, 0):
        assert run("score", *options, "--num-shards", 2, "--shard", shard).exit_code == 0
    parts = [tmp_path / f"r-0000{k}-of-00002.jsonl" for k in (0, 1)]
    assert [row["take_id"] for part in parts for row in _rows(part)] == ["c", "a", "b"]


def test_folders_patterns_and_files_name_takes_the_same_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("x/anna", "x/ben"):
        (tmp_path / name).mkdir(parents=True)
        for camera in ("ego", "exo1"):
            (tmp_path / name / f"{camera}.mp4").touch()
    (tmp_path / "x/notes.txt").write_text("not a video")
    monkeypatch.chdir(tmp_path)
    expected = {"anna": ["ego", "exo1"], "ben": ["ego", "exo1"]}
    for sources in (
        ["x"],
        ["x/**/*"],
        ["x/anna", "x/ben"],
        ["x/anna", "x/ben/*.mp4"],
        [tmp_path / "x/anna", "x/ben/ego.mp4", "x/ben/exo1.mp4", "x/anna/ego.mp4"],
    ):
        takes = takes_in([Path(source) for source in sources])
        assert {take.take_id: sorted(take.views) for take in takes} == expected


def test_a_batch_that_cannot_be_says_why_in_one_line(
    run: Run, make_checkpoint: Make, tmp_path: Path
) -> None:
    options = ("--checkpoint", make_checkpoint(), "--out", tmp_path / "r.csv")
    (tmp_path / "empty").mkdir()
    for source, message in (
        (tmp_path / "empty", "empty: has no video; files are recognised by .mp4"),
        (tmp_path / "*.mp4", "*.mp4: matches no video; check the pattern"),
        (tmp_path / "gone.csv", "gone.csv: no such file"),
        (tmp_path / "gone.mp4", "none of the 1 performances could be scored; see "),
    ):
        result = run("score", source, *options)
        assert (result.exit_code, result.stdout) == (1, "")
        assert message in result.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments",
    [
        ["a.mp4", "--resume"],
        ["a.mp4", "--num-shards", "2"],
        ["a.mp4", "--out", "r.csv", "--json"],
        ["--view", "ego=a.mp4", "--out", "r.csv"],
        ["a.mp4", "--out", "r.csv", "--shard", "1"],
    ],
)
def test_wrong_usage_of_a_batch_is_exit_code_2(run: Run, arguments: list[str]) -> None:
    result = run("score", *arguments)
    assert result.exit_code == 2
    assert "Usage: proskill score" in result.stderr
