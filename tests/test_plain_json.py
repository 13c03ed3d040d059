from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pytest

from proskill.plain_json import from_plain_json, plain_json


@dataclass(frozen=True)
class Part:
    size: float
    kind: Literal["a", "b"] = "a"

    def __post_init__(self) -> None:
        if self.size < 0:
            raise ValueError(f"size={self.size}: must be 0 or more")


@dataclass(frozen=True)
class Whole:
    parts: Mapping[str, Mapping[str, Part]] = field(default_factory=dict)
    row: tuple[Part, ...] = ()
    note: str | None = None


def test_what_json_does_not_know_becomes_what_it_does() -> None:
    value = {
        "nan": math.nan,
        "nested": [(-math.inf, 1), {"deep": np.float64("inf")}],
        "array": np.array([[1.5, math.nan]]),
        2: np.int64(3),
    }
    plain = plain_json(value)
    assert plain == {
        "nan": None,
        "nested": [[None, 1], {"deep": None}],
        "array": [[1.5, None]],
        "2": 3,
    }
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_numbers_and_texts_stay_as_they_are() -> None:
    value = {"a": 0.1, "b": True, "c": None, "d": "NaN"}
    assert plain_json(value) == value


def test_dataclasses_come_back_with_their_defaults() -> None:
    whole = Whole({"x": {"y": Part(1.5)}}, (Part(2.0, "b"),))
    plain = plain_json(whole)
    assert plain == {
        "parts": {"x": {"y": {"size": 1.5, "kind": "a"}}},
        "row": [{"size": 2.0, "kind": "b"}],
        "note": None,
    }
    assert from_plain_json(Whole, plain) == whole
    assert plain_json(from_plain_json(Whole, {})) == plain_json(Whole())


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "expected `object`, got `array`"),
        ({"note": 3}, "note: expected `str | null`, got `int`"),
        (
            {"parts": {"v": {}, "x": {"u": {"size": 1}, "y": {"size": "1"}}}},
            "parts.x.y.size: expected `float`, got `str`",
        ),
        ({"parts": {"x": {"y": {"size": -1}}}}, "parts.x.y: size=-1.0: must be 0 or more"),
        ({"row": [{"size": 1}, {}]}, "row[1]: object missing required field `size`"),
        (
            {"row": [{"size": 1, "kind": " - at `$.other[...][9]`"}]},
            "row[0].kind: invalid enum value ' - at `$.other[...][9]`'",
        ),
        ({"notes": 3}, "unknown key 'notes'; did you mean 'note'?"),
        ({"parts": {"x": {"y": {"size": 1, "z": 2}}}}, "parts.x.y: unknown key 'z'; allowed are"),
        ({"row": [{"size": 1, "z": 2}]}, "row[0]: unknown key 'z'; allowed are size, kind"),
    ],
)
def test_a_value_that_does_not_fit_is_named_by_its_path(values: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        from_plain_json(Whole, values)
    assert str(caught.value).startswith(message)


def test_text_that_looks_like_a_path_leads_nowhere() -> None:
    @dataclass
    class Named:
        name: str

        def __post_init__(self) -> None:
            raise ValueError(f"{self.name} is unknown")

    with pytest.raises(ValueError, match="this is evil"):
        from_plain_json(Named, {"name": "this is evil - at `$.x[...].y`"})


def test_another_schema_is_refused() -> None:
    assert from_plain_json(Part, {"schema": "p/1", "size": 1}, schemas=("p/1", "p/2")) == Part(1)
    with pytest.raises(ValueError, match="schema='p/9': this version reads p/1 and p/2"):
        from_plain_json(Part, {"schema": "p/9", "size": 1}, schemas=("p/1", "p/2"))
