from __future__ import annotations

from pathlib import Path

import pytest

from proskill.data.take import View
from proskill.errors import ProskillError, VideoError
from proskill.scoring.takes import as_take, make_take, name_views


def test_files_without_a_name_get_the_usual_ones() -> None:
    files = ["a.mp4", "p1_ego.mp4", "b.mp4", "p1_aria.mp4"]
    assert list(name_views(files)) == ["exo1", "ego", "exo2", "ego2"]


def test_a_given_name_is_not_given_away() -> None:
    views = name_views(["a.mp4"], [("exo1", "b.mp4")])
    assert views == {"exo2": Path("a.mp4"), "exo1": Path("b.mp4")}


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (
            [("ego", "a.mp4"), ("ego", "b.mp4")],
            "view 'ego' is given twice (a.mp4 and b.mp4); give each view its own name",
        ),
        ([(" ", "a.mp4")], "view name ' ' of a.mp4: is empty; write NAME=FILE"),
    ],
)
def test_names_that_cannot_be_used_are_refused(named: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(ProskillError) as caught:
        name_views([], named)
    assert str(caught.value) == message


def test_no_view_is_refused() -> None:
    with pytest.raises(ProskillError) as caught:
        make_take({})
    assert str(caught.value) == "no view given; give one video file or more"


def test_nine_views_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ProskillError) as caught:
        as_take({f"exo{i}": tmp_path for i in range(9)})
    assert str(caught.value) == "9 views given; at most 8 are scored together, so leave out 1"


def test_a_missing_file_and_a_directory_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VideoError) as caught:
        as_take({"ego": tmp_path / "gone.mp4"})
    assert str(caught.value) == (f"{tmp_path}/gone.mp4: no such file; check the path of view 'ego'")
    with pytest.raises(VideoError) as caught:
        as_take({"ego": tmp_path})
    assert str(caught.value) == f"{tmp_path}: is a directory; give one video file for view 'ego'"


def test_kinds_and_offsets_belong_to_views(tmp_path: Path) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(b"x")
    views = {"ego": file}
    for arguments, message in (
        ({"kinds": {"exo": "exo"}}, "kinds name the view 'exo', which is not given; views are ego"),
        ({"offsets": {"exo": 1.0}}, "offsets name the view 'exo', which is not given; views are"),
        ({"kinds": {"ego": "drone"}}, "view 'ego': kind='drone'; allowed are ego, exo"),
        ({"offsets": {"ego": float("nan")}}, "view 'ego': offset nan is not a number of seconds"),
    ):
        with pytest.raises(ProskillError) as caught:
            make_take(views, **arguments)  # type: ignore[arg-type]
        assert str(caught.value).startswith(message)
    take = make_take(views, kinds={"ego": "exo"}, offsets={"ego": 0.5})
    assert dict(take.views) == {"ego": View(file, "exo", offset_seconds=0.5)}
