from __future__ import annotations

import csv
import fcntl
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proskill.data.take import Take
from proskill.errors import ProskillError, VideoError
from proskill.scoring import (
    Assessment,
    Explanation,
    Moment,
    ScoredTake,
    Scorer,
    SegmentEffect,
    ViewEffect,
    make_take,
)
from proskill.scoring.batch.batch import score_batch, shard_of, shard_path
from proskill.scoring.batch.rows import read_rows
from proskill.scoring.batch.table_row import table_columns

Make = Callable[..., Path]
SUFFIXES = ("jsonl", "csv", "parquet")
LEVELS = ("low", "high")


def _assessment(name: str) -> Assessment:
    values: dict[str, Any] = {
        "schema": "proskill.assessment/1",
        "status": "ok",
        "levels": list(LEVELS),
        "level": "low",
        "probabilities": {"low": 0.75, "high": 0.25},
        "score": 0.25,
        "views": {"exo1": {"status": "used", "kind": "exo", "file": name}},
        "provenance": {
            "versions": {"proskill": "0"}, "checkpoint": "tiny", "checkpoint_sha256": "ab",
            "checkpoint_data": "simulated", "checkpoint_licence": "Apache-2.0", "inputs": {},
            "instants_seconds": [], "offsets_seconds": {}, "device": "cpu", "seconds": 0.5,
        },
    }  # fmt: skip
    return Assessment.from_dict(values)


class _Judge:
    """Scores by name; remembers whom; fails on names that say so."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def __call__(self, take: Take) -> ScoredTake:
        self.seen.append(take.take_id)
        [view] = take.views.values()
        path = view.path
        if "broken" in take.take_id and path.read_bytes() != b"mended":
            raise VideoError(path, "is empty; export it again")
        if "power cut" in take.take_id and path.read_bytes() != b"mended":
            raise KeyboardInterrupt
        return ScoredTake(_assessment(path.name))


def _takes(folder: Path, *names: str) -> list[Take]:
    takes = []
    for name in names:
        path = folder / f"{name}.mp4"
        path.write_bytes(b"clip")
        takes.append(make_take({"exo1": path}, take_id=name))
    return takes


def _batch(takes: list[Take], out: Path, judge: Any, **options: Any) -> Any:
    columns = table_columns(LEVELS)
    return score_batch(takes, judge, out=out, columns=columns, scored_by="x", **options)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_performance_has_its_row_in_order_whatever_happens(
    tmp_path: Path, suffix: str
) -> None:
    names = ["b", "broken \u00fc", "a", "=cmd|x", "broken, 2"]
    out = tmp_path / "deep" / f"r.{suffix}"
    counts = _batch(_takes(tmp_path, *names), out, _Judge())
    assert (counts.num_rows, counts.num_errors, counts.num_kept) == (5, 2, 0)
    rows = list(read_rows(out))
    assert [row["take_id"] for row in rows] == names
    assert [row["status"] for row in rows] == ["ok", "error", "ok", "ok", "error"]
    assert rows[1]["error"] == f"{tmp_path}/broken \u00fc.mp4: is empty; export it again"
    assert rows[0]["score"] == 0.25
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_a_line_of_json_is_the_whole_assessment(tmp_path: Path) -> None:
    _batch(_takes(tmp_path, "a"), tmp_path / "r.jsonl", _Judge())
    row = json.loads((tmp_path / "r.jsonl").read_text())
    del row["take_id"], row["fingerprint"]
    assert Assessment.from_dict(row) == _assessment("a.mp4")


def test_tables_have_the_same_columns_and_types_with_and_without_answers(tmp_path: Path) -> None:
    for names in (["a"], ["broken"], []):
        out = tmp_path / f"{len(names)}{'broken' in names}.parquet"
        _batch(_takes(tmp_path, *names), out, _Judge())
        table = pd.read_parquet(out)
        assert list(table) == [*table_columns(LEVELS), "fingerprint"]
        assert table["p_high"].dtype == float
        assert table["score"].dtype == float


def test_no_cell_of_the_csv_is_a_formula(tmp_path: Path) -> None:
    _batch(_takes(tmp_path, "=cmd", "@broken"), tmp_path / "r.csv", _Judge())
    with (tmp_path / "r.csv").open(newline="") as file:
        assert [row["take_id"] for row in csv.DictReader(file)] == ["'=cmd", "'@broken"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path: Path, suffix: str) -> None:
    takes, out = _takes(tmp_path, "a", "broken", "power cut", "d"), tmp_path / f"r.{suffix}"
    with pytest.raises(KeyboardInterrupt):
        _batch(takes, out, _Judge())
    assert not out.exists()
    partial = out.with_name(f"{out.name}.partial")
    partial.write_bytes(partial.read_bytes() + b'{"take_id": "d", "sta')  # torn by the power cut
    takes[2].views["exo1"].path.write_bytes(b"mended")
    again = _Judge()
    counts = _batch(takes, out, again, resume=True)
    assert again.seen == ["broken", "power cut", "d"]  # errors are tried again
    assert (counts.num_rows, counts.num_errors, counts.num_kept) == (4, 1, 1)
    assert [row["take_id"] for row in read_rows(out)] == ["a", "broken", "power cut", "d"]
    assert not partial.exists()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_finished_run_is_kept_but_for_files_that_changed(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"r.{suffix}"
    _batch(_takes(tmp_path, "a", "b", "broken"), out, _Judge())
    first = out.read_bytes()
    takes = [make_take({"exo1": tmp_path / f"{n}.mp4"}, take_id=n) for n in ("a", "b", "broken")]
    _batch(takes, out, _Judge(), resume=True)
    assert out.read_bytes() == first
    takes[1].views["exo1"].path.write_bytes(b"another clip")
    takes[2].views["exo1"].path.write_bytes(b"mended")
    judge = _Judge()
    _batch([*_takes(tmp_path, "new"), *takes[1:]], out, judge, resume=True)
    assert judge.seen == ["new", "b", "broken"]
    assert [row["take_id"] for row in read_rows(out)] == ["new", "b", "broken"]


def test_another_checkpoint_keeps_no_row(tmp_path: Path) -> None:
    takes, out, judge = _takes(tmp_path, "a"), tmp_path / "r.csv", _Judge()
    for name in ("one", "other"):
        columns = table_columns(LEVELS)
        score_batch(takes, judge, out=out, columns=columns, scored_by=name, resume=True)
    assert judge.seen == ["a", "a"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(("before", "now", "word"), [
    ((), ("as-upload",), "without"), (("as-upload",), (), "with"),
    (("as-upload", "explain"), ("explain",), "with"),
])  # fmt: skip
def test_rows_that_were_made_in_different_ways_are_not_mixed(
    tmp_path: Path, suffix: str, before: tuple[str, ...], now: tuple[str, ...], word: str
) -> None:
    takes, out = _takes(tmp_path, "a", "broken", "power cut"), tmp_path / f"r.{suffix}"
    partial = out.with_name(f"{out.name}.partial")
    with pytest.raises(KeyboardInterrupt):
        _batch(takes, out, _Judge(), options=before)
    kept = partial.read_bytes()
    sentence = f"was begun {word} --as-upload, and .* go on {word} it, or choose another --out"
    with pytest.raises(ProskillError, match=f"{partial.name}: {sentence}"):
        _batch(takes, out, _Judge(), options=now, resume=True)
    assert partial.read_bytes() == kept
    takes[2].views["exo1"].path.write_bytes(b"mended")
    _batch(takes, out, _Judge(), options=before, resume=True)
    finished = out.read_bytes()
    with pytest.raises(ProskillError, match=f"{out.name}: {sentence}"):
        _batch(takes, out, _Judge(), options=now, resume=True)
    assert out.read_bytes() == finished
    assert not partial.exists()


def test_a_journal_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    takes, partial = _takes(tmp_path, "a"), tmp_path / "r.csv.partial"
    partial.write_text('{"title": "my diary"}\n')
    with pytest.raises(ProskillError, match="holds rows that no batch"):
        _batch(takes, tmp_path / "r.csv", _Judge(), resume=True)
    assert partial.read_text() == '{"title": "my diary"}\n'


def _explained(take: Take) -> ScoredTake:
    found = Explanation(
        segments=(SegmentEffect(0.0, 1.0, -0.5, 0.1), SegmentEffect(1.0, 2.0, 0.25, 0.1)),
        baseline=1.75,
        moments=(
            Moment(0.0, 1.0, -0.5, 0.1, "exo1", {"exo1": -0.5}),
            Moment(1.0, 2.0, 0.25, 0.1, "exo1", {"exo1": 0.25}),
        ),
        views={"exo1": ViewEffect(0.0, 1.0)},
        method="made by hand",
    )
    return ScoredTake(_assessment("a.mp4"), found if take.take_id == "moment" else None)


def test_an_explanation_stands_in_its_row(tmp_path: Path) -> None:
    takes = _takes(tmp_path, "moment", "none")
    columns = table_columns(LEVELS, is_explained=True)
    for suffix in SUFFIXES:
        score_batch(
            takes, _explained, out=tmp_path / f"r.{suffix}", columns=columns, scored_by="x",
            options=("explain",),
        )  # fmt: skip
    for suffix in ("csv", "parquet"):
        moment, none = read_rows(tmp_path / f"r.{suffix}")
        cells = {name: value for name, value in moment.items() if name.startswith("moment_")}
        assert cells == {
            "moment_start_seconds": 0.0, "moment_end_seconds": 1.0, "moment_effect": -0.5,
            "moment_view": "exo1",
        }  # fmt: skip
        assert none["moment_view"] is None
    moment, none = read_rows(tmp_path / "r.jsonl")
    assert len(Explanation.from_dict(moment["explanation"]).moments) == 2
    assert "explanation" not in none


def test_nothing_is_overwritten_mixed_up_or_written_twice_at_once(tmp_path: Path) -> None:
    takes, out = _takes(tmp_path, "a"), tmp_path / "r.jsonl"
    with pytest.raises(ProskillError, match=r"r\.txt: results are written as \.jsonl, \.csv, \.p"):
        _batch(takes, tmp_path / "r.txt", _Judge())
    with pytest.raises(ProskillError, match="take 'a' is given twice"):
        _batch([*takes, *takes], out, _Judge())
    out.write_text('{"title": "my diary"}\n')
    with pytest.raises(ProskillError, match=r"r\.jsonl: exists already; go on with --resume"):
        _batch(takes, out, _Judge())
    with pytest.raises(ProskillError, match="holds rows that no batch"):
        _batch(takes, out, _Judge(), resume=True)
    assert out.read_text() == '{"title": "my diary"}\n'
    assert not out.with_name("r.jsonl.partial").exists()
    other = tmp_path / "s.jsonl"
    with other.with_name("s.jsonl.partial").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(ProskillError, match="another process writes it"):
            _batch(takes, other, _Judge(), resume=True)


def test_a_fault_of_ours_is_a_row_and_a_traceback_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def judge(take: Take) -> ScoredTake:
        raise RuntimeError("out of\n memory")

    _batch(_takes(tmp_path, "a"), tmp_path / "r.jsonl", judge)
    assert next(read_rows(tmp_path / "r.jsonl"))["error"] == "out of memory"
    assert "Traceback" in caplog.text


@given(num_takes=st.integers(0, 40), num_shards=st.integers(1, 12))
def test_shards_one_after_the_other_are_the_whole(num_takes: int, num_shards: int) -> None:
    takes = [make_take("a.mp4", take_id=str(number)) for number in range(num_takes)]
    shards = [shard_of(takes, num_shards=num_shards, shard=k) for k in range(num_shards)]
    assert [take for shard in shards for take in shard] == takes
    sizes = [len(shard) for shard in shards]
    assert max(sizes) - min(sizes) <= 1


def test_every_shard_has_a_file_of_its_own() -> None:
    out = Path("a/r.jsonl")
    assert shard_path(out, num_shards=1, shard=0) == out
    assert shard_path(out, num_shards=8, shard=2) == Path("a/r-00002-of-00008.jsonl")
    with pytest.raises(ValueError, match="shard=3 of 3"):
        shard_of([], num_shards=3, shard=3)


def test_real_clips_broken_and_whole_become_rows(
    make_video: Make, make_checkpoint: Make, tmp_path: Path
) -> None:
    scorer = Scorer.from_checkpoint(make_checkpoint())
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(make_video("whole.mp4").read_bytes()[:700])
    good = {"ego": make_video("e.mp4"), "exo1": make_video("x.mp4", seed=1)}
    takes = [
        make_take(good, take_id="good"),
        make_take({"exo1": broken}, take_id="broken"),
        make_take({"exo1": make_video("black.mp4", picture="black")}, take_id="black"),
        make_take({"exo1": tmp_path / "gone.mp4"}, take_id="gone"),
    ]
    out = tmp_path / "r.parquet"
    score_batch(
        takes,
        lambda take: ScoredTake(scorer.score(take)),
        out=out,
        columns=table_columns(scorer.config.levels),
        scored_by=scorer.sha256,
    )
    table = pd.read_parquet(out)
    assert table["status"].isin(["ok", "low_confidence"]).tolist() == [True, False, False, False]
    assert table["status"].tolist()[1:] == ["error", "abstained", "error"]
    assert table["views_used"].fillna("").tolist() == ["ego; exo1", "", "", ""]
    assert table["reasons"][2] == "The video shows a black picture."
    assert "gone.mp4: no such file" in table["error"][3]
    assert table.loc[0, [f"p_{level}" for level in scorer.config.levels]].sum() == pytest.approx(1)
