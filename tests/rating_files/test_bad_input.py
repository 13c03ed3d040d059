from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proskill.errors import ComparisonError
from proskill.rating_files.read import read_comparisons

Write = Callable[[str, str | bytes], Path]
LOG_COLUMNS = "token,pair,left,right,answer,annotator,shown_at,answered_at,revokes"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("winner,loser\n", "no vote in there"),
        ("winner,loser\nx,x\n", "row 2: an item is compared with itself"),
        ("winner,loser\nx,\n", "row 2: loser is empty"),
        ("winner,loser\nx\n", "row 2: has 1 cells but the header names 2"),
        ("winner,loser\nx,y,z\n", "row 2: has 3 cells but the header names 2"),
        ('winner,loser\nx,"y\n', "row 2: is not CSV: unexpected end"),
        ("winner,loser,winner\nx,y,x\n", "column 'winner' appears twice"),
        ("winner,loser\n\nx,y\x00\n", "row 3: holds a NUL byte"),
        ('winner,loser\nx,"y\nz"\n', "row 2: loser='y\\nz' (3 characters): must be one line"),
        (f"winner,loser\nx,{'y' * 5000}\n", "row 2: loser='yyyyyyyyyyyyyyyyyyyy'..."),
        (f"winner,loser\nx,{'y' * (1 << 21)}\n", "row 2: the line is longer than 1 MiB"),
        ("item_a,item_b,outcome\nx,y,A\nx,y,won\n", "row 3: outcome='won': allowed are a, b, tie"),
        ("item_a,item_b,outcome\nx,y,nan\n", "row 2: outcome='nan'"),
        ("item_a,item_b,outcome\nx,y,\n", "row 2: outcome='': allowed"),
        ("winner,loser,left_item\nx,y,z\n", "row 2: left_item names neither"),
        ("winner,loser,seconds\nx,y,nan\nx,y,-1\n", "row 3: seconds='-1.0': must be a number"),
        ("winner,loser,seconds\nx,y,inf\n", "row 2: seconds='inf'"),
        ('winner,loser,seconds\nx,y,"1,5"\n', "row 2: seconds='1,5'"),
        (f"{LOG_COLUMNS}\n,p,x,y,left,ann,,,\n", "row 2: token is empty"),
        (f"{LOG_COLUMNS}\nt,p,x,y,,ann,,,\n", "row 2: answer='': allowed are left, right, tie"),
        (f"{LOG_COLUMNS}\nt,p,x,y,left,ann,noon,,\n", "row 2: shown_at='noon': must be ISO 8601"),
        (f"{LOG_COLUMNS}\nt,p,x,y,left,ann,1700000000000,,\n", "not milliseconds"),
        ("winner;loser\nx;y\n", "separated by semicolons"),
        ("first,second\nx,y\n", "has the columns 'first', 'second'; needed are one of: columns"),
        ('[{"winner": "x", "loser": "y"}]', "save it as JSONL"),
        ('{"winner": "x", "loser": "y"}\n{"winner": "x"', "row 2: is not JSON"),
        ('{"winner": "x", "loser": "y"}\n["x", "y"]', "row 2: is not a JSON object"),
        ('{"winner": "x", "loser": "y"}\n{"winner": "x"}', "row 2: loser is empty"),
        ('{"winner": "x", "loser": 1.5}', "row 1: loser=1.5: must be a text"),
        ('{"item_a": "x", "item_b": "y", "outcome": NaN}', "row 1: outcome=nan: must be a text"),
        ('{"winner": "x", "loser": "\\ud800"}', "row 1: loser='\\ud800'"),
        ('{"winner": "x", "loser": "\\u0000"}', "row 1: loser='\\x00'"),
        ('{"a":' * 100_000, "row 1: is not JSON"),
    ],
)
def test_bad_content_is_refused_with_its_row_and_the_reason(
    write: Write, content: str, message: str
) -> None:
    path = write("votes.txt", content)
    with pytest.raises(ComparisonError) as caught:
        read_comparisons([path])
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("winner,loser\nGrün,y\n".encode("latin-1"), "row 2: byte 0xfc is not UTF-8"),
        ("winner,loser\nx,y\n".encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
        ("winner,loser\nx,y\n".encode("utf-16-le"), "row 1: holds a NUL byte"),
        (b"PAR1 and nothing else", "is not a Parquet file, or not a whole one"),
        (b"\x1f\x8b\x08\x00\x00\x00", "row 1: "),
    ],
)
def test_other_encodings_and_binary_files_are_refused_by_name(
    write: Write, content: bytes, message: str
) -> None:
    path = write("votes.csv", content)
    with pytest.raises(ComparisonError, match=message) as caught:
        read_comparisons([path])
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"winner": [1.5], "loser": ["y"]}, "column 'winner' holds double; save it as text"),
        ({"winner": ["x"], "loser": [["y"]]}, "column 'loser' holds list"),
        ({"winner": ["x"], "loser": [None]}, "row 1: loser is empty"),
        ({"winner": ["x", "y"], "loser": ["y", "y"]}, "row 2: an item is compared with itself"),
        ({"winner": ["x"], "loser": ["y"], "seconds": [-1.0]}, "row 1: seconds='-1.0'"),
        ({"winner": ["x"], "loser": ["y"], "seconds": [True]}, "column 'seconds' holds bool"),
        ({"item_a": ["x"], "item_b": ["y"], "outcome": [None]}, "row 1: outcome=''"),
        ({"item_a": ["x"], "item_b": ["y"], "outcome": [1]}, "row 1: outcome='1'"),
        ({"other": ["x"]}, "has the columns 'other'; needed are"),
    ],
)
def test_bad_parquet_is_refused_by_row_or_column(
    tmp_path: Path, columns: dict[str, list[Any]], message: str
) -> None:
    path = tmp_path / "votes.parquet"
    pd.DataFrame(columns).to_parquet(path)
    with pytest.raises(ComparisonError) as caught:
        read_comparisons([path])
    assert message in str(caught.value)


def test_half_a_parquet_file_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"winner": ["x"] * 9, "loser": ["y"] * 9}).to_parquet(tmp_path / "whole")
    whole = (tmp_path / "whole").read_bytes()
    cut = bytearray(whole)
    cut[4:60] = b"\xff" * 56
    for number, content in enumerate((whole[: len(whole) // 2], bytes(cut))):
        path = tmp_path / f"{number}.parquet"
        path.write_bytes(content)
        with pytest.raises(ComparisonError, match=rf"{number}.parquet: .*or not a whole one"):
            read_comparisons([path])


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ComparisonError, match="is a folder"):
        read_comparisons([tmp_path])
    with pytest.raises(ComparisonError, match="no such file"):
        read_comparisons([tmp_path / "none.csv"])
    with pytest.raises(ComparisonError, match="no file was given"):
        read_comparisons([])


_CSV = b"item_a,item_b,outcome,left_item,seconds\nx,y,a,x,1.5\n=y,z,tie,,\n\nz,x,skip,z,3\n"
_JSON = (
    b'{"token": "t", "left": "x", "right": "y", "answer": "tie", "shown_at": 5, "revokes": ""}\n'
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    seed=st.sampled_from([_CSV, _JSON * 2, b"a b\nb c\n", b"a,b,g->s\nb,c,g->s\n"]),
    edits=st.lists(
        st.tuples(
            st.floats(0, 1),
            st.integers(0, 4),
            st.sampled_from(
                [b"", b'"', b",", b"\n", b"\r", b"\0", b"\xff", b"{", b"NaN", b"[", b"-"]
            )
            | st.binary(max_size=3),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_a_spoiled_file_is_read_or_refused_with_its_name(
    tmp_path: Path, seed: bytes, edits: list[tuple[float, int, bytes]]
) -> None:
    content = seed
    for where, length, new in edits:
        start = int(where * len(content))
        content = content[:start] + new + content[start + length :]
    path = tmp_path / "votes.txt"
    path.write_bytes(content)
    message = ""
    try:
        assert all(read_comparisons([path]).table.items)
    except ComparisonError as error:
        message = str(error)
    assert message.startswith(str(path) if message else "")
