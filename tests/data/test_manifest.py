from __future__ import annotations

import csv
import os
import random
import re
import time
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from proskill.data.manifest import (
    MANIFEST_COLUMNS,
    read_manifest,
    require_disjoint_participants,
    write_manifest,
)
from proskill.data.take import Take, View
from proskill.errors import ManifestError, StorageError
from proskill.levels import BASKET_LEVELS, EGOEXO4D_LEVELS

HEADER = "take_id,view,kind,path,participant_id,level,split"


def _write(tmp_path: Path, *lines: str, header: str = HEADER) -> Path:
    path = tmp_path / "manifest.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def _take(folder: Path, take_id: str = "t1", **kwargs: object) -> Take:
    arguments: dict[str, object] = {
        "participant_id": f"p-{take_id}",
        "scenario": "juggling",
        "views": {
            "ego": View(folder / "videos/a.mp4", "ego", 1.25, 7.5, -0.1),
            "exo1": View(folder / "videos/b.mp4", "exo"),
        },
        "split": "train",
        "level": "Novice",
        "rating": 0.1 + 0.2,
        "skills": {"footwork": 1.5},
    }
    return Take(take_id=take_id, **{**arguments, **kwargs})  # type: ignore[arg-type]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_written_manifest_reads_back_as_the_same_takes(tmp_path: Path, suffix: str) -> None:
    takes = [_take(tmp_path), _take(tmp_path, "t2", split=None, level=None, rating=None, skills={})]
    path = tmp_path / f"m{suffix}"
    write_manifest(path, takes)
    assert read_manifest(path) == takes


def test_the_columns_are_those_of_the_design_and_one_per_skill(tmp_path: Path) -> None:
    write_manifest(tmp_path / "m.csv", [_take(tmp_path, skills={"b": 1.0, "a": 2.0})])
    lines = (tmp_path / "m.csv").read_text().splitlines()
    assert lines[0].split(",") == [*MANIFEST_COLUMNS, "skill:a", "skill:b"]
    assert lines[1] == (
        "t1,ego,ego,videos/a.mp4,1.25,7.5,-0.1,juggling,p-t1,train,Novice,0.30000000000000004,2.0,1.0"
    )


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_same_takes_give_the_same_bytes_and_no_other_file(tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    for path in (first, second):
        write_manifest(path, [_take(tmp_path)])
    assert first.read_bytes() == second.read_bytes()
    assert sorted(tmp_path.iterdir()) == [first, second]


def test_a_failed_write_keeps_the_old_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.csv"
    write_manifest(path, [_take(tmp_path)])
    before = path.read_bytes()

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(StorageError, match="No space left"):
        write_manifest(path, [_take(tmp_path, "t2")])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_videos_outside_the_folder_are_written_with_their_whole_path(tmp_path: Path) -> None:
    (tmp_path / "far/deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far/deep")
    video = tmp_path / "videos/a.mp4"
    video.parent.mkdir()
    video.write_bytes(b"x")
    write_manifest(tmp_path / "link/m.csv", [_take(tmp_path, views={"ego": View(video, "ego")})])
    [take] = read_manifest(tmp_path / "link/m.csv")
    assert take.views["ego"].path == video.resolve()


def test_a_path_may_take_a_detour_but_not_leave_the_folder(tmp_path: Path) -> None:
    path = _write(tmp_path, "t1,ego,ego,a/../b/c..mp4,p1,,")
    assert read_manifest(path)[0].views["ego"].path == tmp_path / "a/../b/c..mp4"
    for text in ("../b.mp4", "a/../../b.mp4", "a/../../../etc/passwd", "a\\..\\..\\b.mp4"):
        _write(tmp_path, f"t1,ego,ego,{text},p1,,")
        with pytest.raises(ManifestError, match=r"row 2: path=.*leads out of the manifest's fold"):
            read_manifest(path)


def test_rows_of_a_take_need_not_be_neighbours_and_order_is_kept(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "t1,exo1,exo,b.mp4,p1,,",
        "t2,ego,ego,c.mp4,p2,,",
        "",
        "t1,ego,ego,a.mp4,p1,,",
    )
    takes = read_manifest(path)
    assert [take.take_id for take in takes] == ["t1", "t2"]
    assert list(takes[0].views) == ["exo1", "ego"]
    assert takes[0].views["ego"].path == tmp_path / "a.mp4"
    assert takes[0].split is None
    assert takes[0].level is None


def test_a_spreadsheets_byte_order_mark_quotes_and_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    text = HEADER + "\r\n" + '"t 1", ego ,ego,"a,b.mp4",p1,Late Expert,test\r\n'
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    [take] = read_manifest(path)
    assert take.take_id == "t 1"
    assert take.views["ego"].path.name == "a,b.mp4"
    assert take.level == "Late Expert"


def test_pandas_tables_with_missing_numbers_and_number_ids_are_read(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "take_id": [1, 2],
            "view": "cam01",
            "kind": "exo",
            "path": "a.mp4",
            "participant_id": [7, 8],
            "rating": [0.5, float("nan")],
            "level": ["Novice", None],
        }
    )
    frame.to_parquet(tmp_path / "m.parquet")
    takes = read_manifest(tmp_path / "m.parquet")
    assert [take.participant_id for take in takes] == ["7", "8"]
    assert [take.rating for take in takes] == [0.5, None]
    assert [take.level for take in takes] == ["Novice", None]


def test_a_column_of_the_users_own_is_left_alone(tmp_path: Path) -> None:
    path = _write(tmp_path, "t1,ego,ego,a.mp4,p1,,,x", header=HEADER + ",weather")
    assert len(read_manifest(path)) == 1


def test_another_scale_or_none_accepts_other_levels(tmp_path: Path) -> None:
    path = _write(tmp_path, "t1,ego,ego,a.mp4,p1,Poor,")
    assert read_manifest(path, scale=BASKET_LEVELS)[0].level == "Poor"
    assert read_manifest(path, scale=None)[0].level == "Poor"


GOOD = "t1,ego,ego,a.mp4,p1,Novice,train"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ["t1,ego,ego,a.mp4,p1,novice,"],
            "row 2: level='novice': allowed are 'Novice', .*; did you mean 'Novice'",
        ),
        (
            ["t1,ego,ego,a.mp4,p1,,training"],
            "row 2: split='training': allowed are 'train', 'val', 'test'; did you mean 'train'",
        ),
        (["t1,ego,head,a.mp4,p1,,"], "row 2: kind='head': allowed are 'ego', 'exo'"),
        (["t1,ego,,a.mp4,p1,,"], "row 2: kind='': must not be empty"),
        ([",ego,ego,a.mp4,p1,,"], "row 2: take_id='': must not be empty"),
        (["t1,ego,ego,a.mp4,,,"], "row 2: participant_id='': must not be empty"),
        (["t1,ego,ego,,p1,,"], "row 2: path='': must not be empty"),
        (
            ["t1,ego,ego,https://x.org/a.mp4,p1,,"],
            "row 2: path='https://x.org/a.mp4': is an address",
        ),
        ([GOOD, GOOD], "row 3: view='ego': take 't1' already has this view"),
        (
            [GOOD, "t1,exo1,exo,b.mp4,p2,Novice,train"],
            "row 3: participant_id='p2': take 't1' has 'p1' in row 2",
        ),
        (
            [GOOD, "t1,exo1,exo,b.mp4,p1,Late Expert,train"],
            "row 3: level='Late Expert': take 't1' has 'Novice' in row 2",
        ),
        (
            [GOOD, "t2,ego,ego,b.mp4,p1,Novice,test"],
            "row 3: split='test': participant_id='p1' is in split 'train' in row 2",
        ),
        (["t1,ego,ego,a.mp4,p1"], "row 2: has 5 cells but the header names 7"),
        (["t1,ego,ego,a.mp4,p1,,,,"], "row 2: has 9 cells but the header names 7"),
        (['t1,"ego,ego,a.mp4,p1,,'], "row 2: is not CSV"),
        ([], "has no row"),
    ],
)
def test_a_wrong_row_names_file_row_column_and_value(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    path = _write(tmp_path, *lines)
    with pytest.raises(ManifestError, match=message) as caught:
        read_manifest(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_every_wrong_row_is_told_and_the_others_are_read(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "t1,ego,head,a.mp4,p1,Novice,train",
        "t1,exo1,exo,b.mp4,p1,Novice,train",
        "t2,ego,ego,c.mp4,p1,novice,test",
        "t3,ego,head,d.mp4,p3,Novice,train",
    )
    told: list[tuple[int, str, str]] = []
    takes = read_manifest(
        path, on_wrong_row=lambda row, reason: told.append((row[0], row[1]["path"], reason))
    )
    assert [(take.take_id, list(take.views)) for take in takes] == [("t1", ["exo1"])]
    assert [(number, name) for number, name, _ in told] == [
        (2, "a.mp4"),
        (4, "c.mp4"),
        (5, "d.mp4"),
    ]
    assert told[1][2].startswith("row 4: level='novice': allowed are")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("start_seconds", "soon", "start_seconds='soon': must be a finite number"),
        ("start_seconds", "-1", "start_seconds='-1': must be 0 or more"),
        ("end_seconds", "0", "end_seconds='0': must be after start_seconds=0.0"),
        ("end_seconds", "1_0", "end_seconds='1_0': must be a finite number"),
        ("offset_seconds", "inf", "offset_seconds='inf': must be a finite number"),
        ("rating", "nan", "rating='nan': must be a finite number"),
        ("skill:grip", "good", "skill:grip='good': must be a finite number"),
    ],
)
def test_a_wrong_number_is_refused(tmp_path: Path, column: str, value: str, message: str) -> None:
    path = _write(
        tmp_path,
        f"t1,ego,ego,a.mp4,p1,{value}",
        header=f"take_id,view,kind,path,participant_id,{column}",
    )
    with pytest.raises(ManifestError, match=f"row 2: {message}"):
        read_manifest(path)


def test_scenario_and_skills_must_agree_within_a_take(tmp_path: Path) -> None:
    header = "take_id,view,kind,path,participant_id,scenario,skill:grip"
    path = _write(tmp_path, "t,a,exo,a.mp4,p,x,1", "t,b,exo,b.mp4,p,y,1", header=header)
    with pytest.raises(ManifestError, match="row 3: scenario='y': take 't' has 'x' in row 2"):
        read_manifest(path)
    path = _write(tmp_path, "t,a,exo,a.mp4,p,x,1", "t,b,exo,b.mp4,p,x,2", header=header)
    with pytest.raises(ManifestError, match=r"row 3: skill:grip='2': take 't' has 1\.0 in row 2"):
        read_manifest(path)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("take_id,view,kind,path", "has no column 'participant_id'"),
        ("take_id;view;kind;path;participant_id", "the separator must be a comma"),
        (HEADER + ",level", "column 'level' appears twice"),
        (HEADER + ",Scenario", "column 'Scenario' is not known; did you mean 'scenario'"),
        (HEADER + ",end_second", "did you mean 'end_seconds'"),
        (HEADER + ",skill:", "a skill needs a name"),
    ],
)
def test_a_wrong_header_is_refused(tmp_path: Path, header: str, message: str) -> None:
    with pytest.raises(ManifestError, match=message):
        read_manifest(_write(tmp_path, GOOD, header=header))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("m.csv", b"", "is empty"),
        ("m.csv", b"\x00\x01\x02" * 99, "is not a text file"),
        ("m.csv", HEADER.encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        ("m.csv", HEADER.encode() + b"\nt\xe9,ego,ego,a.mp4,p1,,\n", "is not UTF-8 text"),
        ("m.csv", HEADER.encode() + b"\nt1," + b"x" * 200_000, "row 2: is not CSV: field larger"),
        ("m.parquet", b"", "is not a Parquet file"),
        ("m.parquet", b"PAR1 nothing of the kind PAR1", "is not a Parquet file"),
        ("m.xlsx", b"PK", "suffix '.xlsx' is not a table's; allowed are .csv, .parquet"),
    ],
)
def test_a_file_that_is_no_table_is_refused(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ManifestError, match=re.escape(message)):
        read_manifest(tmp_path / name)


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.parquet"
    write_manifest(path, [_take(tmp_path, f"t{i}") for i in range(500)])
    content = bytearray(path.read_bytes())
    content[100:600] = b"\xff" * 500
    path.write_bytes(content)
    with pytest.raises(ManifestError, match=r"m\.parquet: "):
        read_manifest(path)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_damaged_file_is_read_or_refused_with_one_line(tmp_path: Path, suffix: str) -> None:
    whole = tmp_path / f"whole{suffix}"
    write_manifest(whole, [_take(tmp_path, f"t{i}") for i in range(20)])
    path = tmp_path / f"m{suffix}"
    inserts = (b'"', b"\n", b"\r", b",", b"\0", b"\xff", b"nan", b"1e999")
    for _ in range(200):
        content = bytearray(whole.read_bytes())
        for _ in range(random.choice((1, 3, 20))):
            at = random.randrange(len(content))
            if random.random() < 0.5:
                content[at] = random.randrange(256)
            else:
                content[at : at + random.choice((0, 1, 30))] = random.choice(inserts)
        path.write_bytes(content)
        try:
            read_manifest(path)
        except ManifestError as error:
            assert "\n" not in str(error)  # noqa: PT017


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such file"):
        read_manifest(tmp_path / "absent.csv")
    with pytest.raises(ManifestError, match="is a folder"):
        read_manifest(tmp_path)


def test_takes_that_would_not_read_back_are_not_written(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    wrong = [
        ([], "no take to write"),
        ([_take(tmp_path), _take(tmp_path)], "take_id='t1' appears twice"),
        ([_take(tmp_path, scenario=" x")], "scenario=' x': would not be read back"),
        ([_take(tmp_path, scenario="x\ry")], "line breaks"),
        ([_take(tmp_path, skills={"a ": 1.0})], "must not be empty or have space"),
        ([_take(tmp_path, skills={"a": float("nan")})], "skill:a=nan: must be a finite number"),
        (
            [
                _take(tmp_path, participant_id="p"),
                _take(tmp_path, "t2", participant_id="p", split="test"),
            ],
            "in split 'train' .* and in split 'test'",
        ),
    ]
    for takes, message in wrong:
        with pytest.raises(ManifestError, match=message):
            write_manifest(path, takes)
    with pytest.raises(ManifestError, match=r"written as \.csv or \.parquet"):
        write_manifest(tmp_path / "m.txt", [_take(tmp_path)])
    assert not list(tmp_path.iterdir())


def test_takes_without_a_split_do_not_count_as_a_split(tmp_path: Path) -> None:
    mixed = [
        _take(tmp_path, participant_id="p"),
        _take(tmp_path, "t2", participant_id="p", split=None),
    ]
    require_disjoint_participants(mixed)


def _texts(*, min_size: int = 1) -> SearchStrategy[str]:
    characters = st.characters(codec="utf-8", exclude_categories=["Cc"])
    return st.text(characters, min_size=min_size, max_size=12).filter(
        lambda text: text == text.strip()
    )


_finite = st.floats(allow_nan=False, allow_infinity=False, width=64)
_names = st.text("abcdefghij_0123", min_size=1, max_size=8)


@st.composite
def _drawn_takes(draw: st.DrawFn) -> list[tuple[dict[str, object], dict[str, tuple[object, ...]]]]:
    takes = []
    for index in range(draw(st.integers(1, 4))):
        views = {}
        for name in draw(st.lists(_texts(), min_size=1, max_size=10, unique=True)):
            start = draw(st.floats(0, 1e6))
            end = draw(st.none() | st.floats(0, 1e7).filter(lambda e, s=start: e > s))
            kind = draw(st.sampled_from(["ego", "exo"]))
            views[name] = (draw(_names), kind, start, end, draw(_finite))
        takes.append(
            (
                {
                    "take_id": f"{index}{draw(_texts(min_size=0))}",
                    "participant_id": f"{index}{draw(_texts(min_size=0))}",
                    "scenario": draw(_texts(min_size=0)),
                    "split": draw(st.sampled_from([None, "train", "val", "test"])),
                    "level": draw(st.sampled_from([None, *EGOEXO4D_LEVELS.names])),
                    "rating": draw(st.none() | _finite),
                    "skills": draw(st.dictionaries(_texts(), _finite, max_size=3)),
                },
                views,
            )
        )
    return takes


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=_drawn_takes())
def test_any_takes_survive_a_round_trip(
    tmp_path: Path,
    suffix: str,
    drawn: list[tuple[dict[str, object], dict[str, tuple[object, ...]]]],
) -> None:
    takes = [
        Take(views={n: View(tmp_path / "v" / v[0], *v[1:]) for n, v in views.items()}, **values)  # type: ignore[arg-type]
        for values, views in drawn
    ]
    path = tmp_path / f"m{suffix}"
    write_manifest(path, takes)
    assert read_manifest(path) == takes


def test_ten_thousand_rows_are_read_in_a_moment(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER.split(","))
        for i in range(10_000):
            writer.writerow(
                [f"t{i // 5}", f"v{i % 5}", "exo", f"{i}.mp4", f"p{i // 5}", "Novice", "train"]
            )
    started = time.process_time()
    assert len(read_manifest(path)) == 2_000
    assert time.process_time() - started < 5  # measured: 0.2 s
