from __future__ import annotations

import pytest

from proskill.plain_yaml import load_plain_yaml


def test_scalars_stay_text() -> None:
    assert load_plain_yaml("001: [1.5, no, ~, 2024-01-01]") == {
        "001": ["1.5", "no", "~", "2024-01-01"]
    }


def test_tags_of_python_objects_are_not_obeyed() -> None:
    text = "a: !!python/object/apply:os.system ['exit 1']"
    assert load_plain_yaml(text) == {"a": ["exit 1"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [1]\nb: *x", "anchors and aliases are not read"),
        ("a: [", "expected the node content"),
        ("[" * 5000, "nested too deeply"),
        ("a: \x00", "special characters are not allowed"),
    ],
)
def test_what_is_not_such_yaml_is_refused_with_one_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        load_plain_yaml(text)
    assert "\n" not in str(caught.value)
