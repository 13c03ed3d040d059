from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proskill.view_names import guess_kind, split_camera


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ego", "ego"),
        ("ego2", "ego"),
        ("Ego_cam", "ego"),
        ("aria01_214-1", "ego"),
        ("take_3-ego", "ego"),
        ("exo1", "exo"),
        ("cam01", "exo"),
        ("vegos", "exo"),
        ("diego", "exo"),
        ("lego", "exo"),
        ("variation", "exo"),
        ("Übung 名", "exo"),
    ],
)
def test_the_kind_of_a_view_follows_from_its_name(name: str, kind: str) -> None:
    assert guess_kind(name) == kind


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("anna_02_cam01", ("anna_02", "cam01")),
        ("anna_02_CAM-1", ("anna_02", "cam1")),
        ("ego", ("", "ego")),
        ("aria01_214-1", ("", "ego")),
        ("P1-Exo2 (final)", ("P1_(final)", "exo2")),
        ("gp03", ("", "gp03")),
        ("serve.left", ("serve", "left")),
        ("left_hand_drill", ("left_hand_drill", "")),
        ("third person take 7", ("take 7", "thirdperson")),
        ("diego", ("diego", "")),
        ("camera", ("camera", "")),
        ("Übung 3", ("Übung 3", "")),
        ("İ_ego", ("İ_ego", "")),
    ],
)
def test_a_name_is_split_into_what_is_filmed_and_the_camera(
    stem: str, expected: tuple[str, str]
) -> None:
    assert split_camera(stem) == expected


@given(st.text(max_size=40))
def test_any_name_is_split_without_an_error(stem: str) -> None:
    rest, camera = split_camera(stem)
    assert rest or camera or not stem.strip("-_. ")
    assert guess_kind(stem) in ("ego", "exo")
