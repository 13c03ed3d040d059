from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proskill.data.json_files import Entry, load_entries, load_object
from proskill.errors import ManifestError

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def entry(**values: Any) -> Entry:
    return Entry(Path("f.json"), "entry 3", values)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3.0), (2.5, 2.5), ("7", 7.0), (" 7.5", 7.5), (None, None)],
)
def test_a_number_may_be_quoted_or_null(value: object, expected: float | None) -> None:
    assert entry(x=value).number("x") == expected
    assert entry().number("x") is None


@pytest.mark.parametrize("value", [True, [], {}, "seven", "", float("nan"), float("inf"), 10**400])
def test_what_is_no_number_is_refused_with_file_entry_and_key(value: object) -> None:
    with pytest.raises(ManifestError, match=r"^f\.json: entry 3: key 'x': .*must be a finite"):
        entry(x=value).number("x")


def test_text_may_be_a_whole_number_but_not_empty_or_anything_else() -> None:
    assert (entry(x=657).text("x"), entry(x="ä").text("x")) == ("657", "ä")
    for value in ("", " ", 1.5, True, None, []):
        with pytest.raises(ManifestError, match=r"entry 3: key 'x': .*must be text"):
            entry(x=value).text("x")


def test_places_tell_the_way_to_an_entry(tmp_path: Path) -> None:
    file = tmp_path / "f.json"
    file.write_text(json.dumps({"a": {"b": [{"c": 1}, {"c": None}]}}))
    last = list(load_object(file).child("a").children("b"))[-1]
    with pytest.raises(ManifestError, match=re.escape("f.json: a, b entry 2: key 'c': None must")):
        last.text("c")
    with pytest.raises(ManifestError, match=r"key 'b': .* must be an object with keys"):
        load_object(file).child("a").child("b")
    with pytest.raises(ManifestError, match=r"key 'a': .* must be a list"):
        list(load_object(file).children("a"))


@given(content=JSON_VALUES, key=st.text(max_size=3))
def test_any_json_is_read_or_refused_with_one_line(
    tmp_path_factory: pytest.TempPathFactory, content: Any, key: str
) -> None:
    file = tmp_path_factory.mktemp("any") / "f.json"
    file.write_text(json.dumps(content))
    for take_out in (
        lambda: list(load_entries(file)),
        lambda: load_object(file).text(key),
        lambda: load_object(file).number(key),
        lambda: load_object(file).child(key),
        lambda: list(load_object(file).children(key)),
    ):
        message = _refusal(take_out)
        assert not message or message.startswith(str(file))
        assert "\n" not in message


def _refusal(take_out: Callable[[], object]) -> str:
    try:
        take_out()
    except ManifestError as error:
        return str(error)
    return ""
