from __future__ import annotations

from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from proskill.data.dataset_paths import is_inside, is_plain_name


@given(parts=st.lists(st.sampled_from(["a", "b.mp4", "..", ".", "..."]), max_size=6))
def test_a_path_is_inside_where_no_step_of_it_leaves_the_folder(parts: list[str]) -> None:
    depths = [0]
    for part in parts:
        depths.append(depths[-1] + {"..": -1, ".": 0}.get(part, 1))
    assert is_inside("/".join(parts)) == (min(depths) >= 0)
    assert is_inside("\\".join(parts)) == (min(depths) >= 0)


def test_whole_paths_and_null_characters_are_not_inside() -> None:
    assert not is_inside("/etc/passwd")
    assert not is_inside("a\0b")


@given(name=st.text(alphabet="ab./\\\0", max_size=4))
def test_a_plain_name_is_one_part_of_a_path(name: str) -> None:
    if is_plain_name(name):
        assert PurePosixPath("folder", name).parent == PurePosixPath("folder")
        assert name not in ("", ".", "..")
