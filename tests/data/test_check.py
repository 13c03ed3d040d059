from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from proskill.data.check import check_dataset, find_table_problems
from proskill.data.file_facts import FileFacts
from proskill.data.file_problems import find_duplicates, find_file_problems
from proskill.data.manifest import write_manifest
from proskill.data.problems import Problem, write_problems
from proskill.data.take import Take, View
from proskill.errors import ManifestError

WriteClip = Callable[..., Path]


def _take(take_id: str, folder: Path, *names: str, **values: object) -> Take:
    views = {
        name: View(folder / f"{take_id}_{name}.mp4", "ego" if name == "ego" else "exo")
        for name in names or ("ego", "exo1")
    }
    return Take(
        take_id=take_id,
        **{"participant_id": f"p-{take_id}", "scenario": "dance", "views": views, **values},  # type: ignore[arg-type]
    )


def _facts(takes: Sequence[Take], **seconds: float) -> dict[Path, FileFacts]:
    """Facts of files that need not exist: 10 seconds each, or as given by the file's stem."""
    paths = {view.path for take in takes for view in take.views.values()}
    return {
        path: FileFacts(
            path,
            "",
            size_bytes=k + 1,
            duration_seconds=seconds.get(path.stem, 10.0),
            decoded_ratio=1,
        )
        for k, path in enumerate(sorted(paths))
    }


def _kinds(problems: Sequence[Problem]) -> list[tuple[str, str, str]]:
    return [(problem.kind, problem.take_id, problem.view) for problem in problems]


def test_a_sound_dataset_has_no_problem(tmp_path: Path, write_clip: WriteClip) -> None:
    takes = [_take(f"t{k}", tmp_path) for k in range(2)]
    for take in takes:
        for name, view in take.views.items():
            write_clip(view.path, seed=len(name) + 10 * int(take.take_id[1]))
    write_manifest(tmp_path / "manifest.csv", takes)
    report = check_dataset(tmp_path, journal=tmp_path / "out/j.jsonl", num_workers=1)
    assert report.problems == ()
    assert (report.num_takes, report.num_usable_takes) == (2, 2)
    assert (report.num_views, report.num_files) == (4, 4)


def test_everything_wrong_is_told_at_once(tmp_path: Path, write_clip: WriteClip) -> None:
    write_clip(tmp_path / "good.mp4", seed=1)
    write_clip(tmp_path / "short.mp4", seconds=0.5, seed=2)
    write_clip(tmp_path / "longer.mp4", seconds=4, seed=3)
    cut = write_clip(tmp_path / "cut.mp4", seed=4)
    cut.write_bytes(cut.read_bytes()[: int(cut.stat().st_size * 0.75)])
    (tmp_path / "text.mp4").write_text("not a video " * 50)
    shutil.copy(tmp_path / "good.mp4", tmp_path / "copy.mp4")
    (tmp_path / "manifest.csv").write_text(
        "take_id,view,kind,path,participant_id,level,split,end_seconds\n"
        "t1,ego,ego,good.mp4,p1,Novice,train,\n"
        "t1,exo1,exo,longer.mp4,p1,Novice,train,\n"
        "t2,ego,ego,missing.mp4,p2,Novice,train,\n"
        "t2,exo1,exo,text.mp4,p2,Novice,train,\n"
        "t3,ego,ego,cut.mp4,p3,Novice,val,\n"
        "t3,exo1,exo,short.mp4,p3,Novice,val,\n"
        "t4,ego,ego,copy.mp4,p1,Novice,test,\n"
        "t5,ego,ego,longer.mp4,p5,Beginner,test,\n"
        "t6,ego,ego,longer.mp4,p6,,test,20\n"
    )
    report = check_dataset(tmp_path, journal=tmp_path / "out/j.jsonl", num_workers=2)
    assert sorted(_kinds(report.unusable)) == [
        ("missing", "t2", "ego"),
        ("participant in two splits", "t4", "ego"),
        ("same content twice", "t4", "ego"),
        ("too short", "t3", "exo1"),
        ("too short", "t6", "ego"),
        ("truncated", "t3", "ego"),
        ("unreadable", "t2", "exo1"),
        ("wrong row", "t5", "ego"),
    ]
    assert _kinds(report.remarks) == [("unequal lengths", "t1", "ego")]
    reasons = {problem.kind: problem.reason for problem in report.problems}
    assert reasons["wrong row"].startswith("row 9: level='Beginner': allowed are 'Novice'")
    assert "which is in split 'train' while this is in 'test'" in reasons["same content twice"]
    assert "split 'test' here and in 'train' in take 't1'" in reasons["participant in two splits"]
    assert report.num_usable_takes == 1
    assert (report.num_takes, report.num_files) == (5, 7)


def test_the_table_alone_is_checked_without_opening_a_video(tmp_path: Path) -> None:
    takes = [_take("a", tmp_path, split="train"), _take("b", tmp_path, split="val")]
    write_manifest(tmp_path / "manifest.csv", takes)
    report = check_dataset(tmp_path, journal=None)
    assert (report.problems, report.num_files) == ((), 0)


def test_a_source_that_is_no_dataset_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="give a dataset's folder"):
        check_dataset(tmp_path, journal=None)


def test_a_take_that_occurs_twice_is_named_with_its_other_split(tmp_path: Path) -> None:
    takes = [
        _take("t", tmp_path, "ego", participant_id="p1", split="train"),
        _take("t", tmp_path, "ego", participant_id="p2", split="test"),
    ]
    [problem] = find_table_problems(takes)
    assert problem.kind == "take twice"
    assert problem.reason == "take_id='t' occurs twice, there in split 'train'; keep one"


def test_every_later_take_of_a_participant_in_another_split_is_named(tmp_path: Path) -> None:
    splits = ["train", "test", "train", None, "val"]
    takes = [
        _take(f"t{k}", tmp_path, "ego", participant_id="p", split=s) for k, s in enumerate(splits)
    ]
    assert [problem.take_id for problem in find_table_problems(takes)] == ["t1", "t4"]


def test_views_that_share_too_little_are_all_unusable(tmp_path: Path) -> None:
    take = _take("t", tmp_path)
    late = replace(take.views["exo1"], offset_seconds=-9.5)
    take = replace(take, views={"ego": take.views["ego"], "exo1": late})
    problems = find_file_problems([take], _facts([take]))
    assert _kinds(problems) == [("too short", "t", "ego"), ("too short", "t", "exo1")]
    assert "share 0.50 s" in problems[0].reason
    assert find_file_problems([take], _facts([take]), min_seconds=0.4)[0].kind == "unequal lengths"


def test_views_that_end_together_on_the_takes_clock_are_equal(tmp_path: Path) -> None:
    take = _take("t", tmp_path)
    shifted = replace(take.views["exo1"], offset_seconds=3.0)
    take = replace(take, views={"ego": take.views["ego"], "exo1": shifted})
    assert find_file_problems([take], _facts([take], t_exo1=13.2)) == []
    [problem] = find_file_problems([take], _facts([take], t_exo1=15.0))
    assert (problem.kind, problem.view) == ("unequal lengths", "ego")
    assert "ends at 10.00 s of the take and view 'exo1' at 12.00 s" in problem.reason


def test_files_below_the_asked_ratio_are_unusable_and_above_it_a_remark(tmp_path: Path) -> None:
    take = _take("t", tmp_path, "ego")
    [path] = _facts([take])
    fact = replace(_facts([take])[path], decoded_ratio=0.9, warnings=("only 90 %",))
    [problem] = find_file_problems([take], {path: fact})
    assert (problem.kind, problem.decoded_ratio, problem.is_unusable) == ("truncated", 0.9, True)
    [remark] = find_file_problems([take], {path: fact}, min_decoded_ratio=0.8)
    assert (remark.kind, remark.reason, remark.is_unusable) == ("worth knowing", "only 90 %", False)


def _real_facts(takes: Sequence[Take]) -> dict[Path, FileFacts]:
    return {
        path: replace(fact, size_bytes=path.stat().st_size) for path, fact in _facts(takes).items()
    }


def test_parts_of_one_recording_are_no_copies_but_overlapping_copies_are(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.mp4").write_bytes(b"same" * 60_000)
    (tmp_path / "c.mp4").write_bytes(b"same" * 30_000 + b"diff" + b"same" * 29_999)
    a, b, c = (tmp_path / f"{name}.mp4" for name in "abc")

    def copies(*views: View) -> list[str]:
        takes = [_take(f"t{k}", tmp_path, views={"cam": view}) for k, view in enumerate(views)]
        return [take_id for take_id, _ in find_duplicates(takes, _real_facts(takes))]

    assert copies(View(a, "exo", 0, 5), View(a, "exo", 2, 8)) == []
    assert copies(View(a, "exo", 0, 5), View(b, "exo", 5, 8)) == []
    assert copies(View(a, "exo", 0, 5), View(b, "exo", 4, 8), View(c, "exo", 0, 5)) == ["t1"]
    assert copies(View(a, "exo"), View(c, "exo"), View(b, "exo"), View(b, "exo")) == ["t2", "t3"]


def test_two_views_of_a_take_need_two_files(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"x")
    view = View(tmp_path / "a.mp4", "exo")
    take = _take("t", tmp_path, views={"left": view, "right": view})
    copies = find_duplicates([take], _real_facts([take]))
    assert copies == {
        ("t", "right"): "shows the same bytes as view 'left' of the same take (a.mp4)"
    }


def test_problems_are_written_as_the_source_spells_them(tmp_path: Path) -> None:
    path = tmp_path / "out/quarantine.csv"
    hostile = Problem("missing", "=1+1", 'a,"b"', Path("ünï\n.mp4"), "gone", 0.25)
    write_problems(path, [hostile, Problem("wrong row", "", "", None, "row 2")])
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["take_id", "view", "path", "reason", "decoded_ratio"],
        ["=1+1", 'a,"b"', "ünï\n.mp4", "gone", "0.2500"],
        ["", "", "", "row 2", ""],
    ]
    with pytest.raises(ValueError, match="kind='odd': allowed are wrong row"):
        replace(hostile, kind="odd")
