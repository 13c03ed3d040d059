from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proskill.data.manifest import write_manifest
from proskill.data.take import Take, View

Run = Callable[..., Any]
WriteClip = Callable[..., Path]


@pytest.fixture
def dataset(tmp_path: Path, write_clip: WriteClip) -> Path:
    """Four takes of four people in two views, as a folder with a manifest."""
    folder = tmp_path / "climbing"
    takes = []
    for k in range(4):
        views = {
            name: View(write_clip(folder / f"videos/{k}_{name}.mp4", seed=2 * k + n), kind)
            for n, (name, kind) in enumerate([("ego", "ego"), ("exo1", "exo")])
        }
        split: Any = "train" if k < 3 else "test"
        level = "Novice" if k % 2 else "Late Expert"
        takes.append(Take(f"t{k}", f"p{k}", "<b>wall</b>", views, split, level, float(k)))  # type: ignore[arg-type]
    write_manifest(folder / "manifest.csv", takes)
    return folder


def _check(run: Run, source: Path, out: Path, *options: object) -> Any:
    return run("data", "check", source, "--out", out, "--workers", 1, *options)


def test_a_sound_dataset_passes_with_exit_code_0(run: Run, dataset: Path, tmp_path: Path) -> None:
    result = _check(run, dataset, tmp_path / "out")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "4 takes, 8 views, 8 files read" in result.stdout
    assert "Everything can be used." in result.stdout
    assert (tmp_path / "out/quarantine.csv").read_text().count("\n") == 1


def test_an_unusable_view_is_told_written_and_exit_code_1(
    run: Run, dataset: Path, tmp_path: Path
) -> None:
    (dataset / "videos/1_ego.mp4").unlink()
    (dataset / "videos/1_exo1.mp4").write_text("[red]no video[/red]" * 9)
    result = _check(run, dataset / "manifest.csv", tmp_path / "out")
    assert result.exit_code == 1
    assert "missing (1)" in result.stdout
    assert re.search(r"t1 +exo1 +is a text file, not a video", result.stdout)
    assert "2 views cannot be used; 3 of 4 takes have a view that can" in result.stdout
    with (tmp_path / "out/quarantine.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["take_id"], row["view"]) for row in rows] == [("t1", "ego"), ("t1", "exo1")]
    assert Path(rows[0]["path"]) == dataset / "videos/1_ego.mp4"


def test_remarks_are_told_and_do_not_fail(
    run: Run, dataset: Path, tmp_path: Path, write_clip: WriteClip
) -> None:
    write_clip(dataset / "videos/0_ego.mp4", seconds=4)
    result = _check(run, dataset, tmp_path / "out")
    assert result.exit_code == 0
    assert "unequal lengths (1)" in result.stdout
    assert "1 remark: " in result.stdout
    assert (tmp_path / "out/remarks.csv").read_text().startswith("take_id,view,path,reason")


def test_a_long_list_is_cut_and_the_rest_counted(run: Run, dataset: Path, tmp_path: Path) -> None:
    for video in (dataset / "videos").iterdir():
        video.unlink()
    text = (dataset / "manifest.csv").read_text().splitlines()
    more = [line.replace("t0", "t9").replace("p0", "p9") for line in text if line.startswith("t0")]
    (dataset / "manifest.csv").write_text("\n".join([*text, *more]) + "\n")
    result = _check(run, dataset, tmp_path / "out")
    assert "missing (10)" in result.stdout
    assert "and 2 more" in result.stdout
    assert "0 of 5 takes" in result.stdout


def test_the_table_alone_and_other_levels(run: Run, dataset: Path, tmp_path: Path) -> None:
    for video in (dataset / "videos").iterdir():
        video.unlink()
    result = _check(run, dataset, tmp_path / "out", "--no-videos")
    assert result.exit_code == 0
    assert "no video opened" in result.stdout
    assert not (tmp_path / "out/examined.jsonl").exists()
    result = _check(run, dataset, tmp_path / "out", "--no-videos", "--levels", "Novice, Good")
    assert result.exit_code == 1
    assert "allowed are 'Novice', 'Good'" in result.stdout


def test_results_lie_under_runs_by_the_datasets_name(
    run: Run, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for source in (dataset, dataset / "manifest.csv"):
        assert run("data", "check", source, "--workers", 1).exit_code == 0
    assert [path.name for path in (tmp_path / "runs/data").iterdir()] == ["climbing"]
    assert len(Path("runs/data/climbing/examined.jsonl").read_text().splitlines()) == 8


def test_a_source_that_is_no_dataset_is_one_line(run: Run, tmp_path: Path) -> None:
    result = _check(run, tmp_path / "absent", tmp_path / "out")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {tmp_path / 'absent'}: no such file")
    assert not (tmp_path / "out").exists()


def test_stats_are_a_table_json_and_a_page(run: Run, dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("data", "stats", dataset, "--out", out, "--workers", 1)
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.search(r"train +3 +3 +0\.00 +1 +0 +0 +2", result.stdout)
    assert "test, 1 takes: always 'Late Expert' 0.0 %" in result.stdout
    numbers = json.loads((out / "stats.json").read_text())
    assert numbers["whole"]["num_takes"] == 4
    assert numbers["baselines"]["test"]["majority"] == {"value": 0.0, "lower": None, "upper": None}
    again = run("data", "stats", dataset, "--out", out, "--json")
    assert json.loads(again.stdout) == numbers


def test_the_page_needs_no_network_and_trusts_no_name(
    run: Run, dataset: Path, tmp_path: Path
) -> None:
    run("data", "stats", dataset, "--out", tmp_path / "out", "--workers", 1)
    page = (tmp_path / "out/stats.html").read_text()
    assert page.count('src="data:image/jpeg;base64,') == 2  # one take of the scenario, two views
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)
    assert "<b>wall</b>" not in page
    assert "&lt;b&gt;wall&lt;/b&gt;" in page
    assert "simulated" not in page
    (dataset / "truth.jsonl").touch()
    run("data", "stats", dataset, "--out", tmp_path / "out", "--workers", 1)
    assert "Everything here is simulated" in (tmp_path / "out/stats.html").read_text()


def test_stats_of_a_dataset_without_videos_or_labels_are_still_given(
    run: Run, tmp_path: Path
) -> None:
    takes = [Take("t", "p", "", {"cam": View(tmp_path / "gone.mp4", "exo")}, skills={"grip": 2.0})]
    write_manifest(tmp_path / "manifest.csv", takes)
    result = run("data", "stats", tmp_path, "--out", tmp_path / "out", "--workers", 1)
    assert result.exit_code == 0
    assert "1 file cannot be read" in result.stdout
    page = (tmp_path / "out/stats.html").read_text()
    assert "1 video file is missing or cannot be read" in page
    assert "grip" in page


def test_a_started_manifest_is_printed_with_what_is_left_to_do(
    run: Run, dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (dataset / "videos/broken.mp4").write_text("x")
    result = run("data", "init", dataset / "videos", "--workers", 1)
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"4 takes with 8 views: {dataset / 'videos/manifest.csv'}" in result.stdout
    assert "Left out: " in result.stdout
    again = run("data", "init", dataset / "videos")
    assert again.exit_code == 1
    assert "exists already" in again.stderr
