from __future__ import annotations

import pytest

from proskill.levels import BASKET_LEVELS, EGOEXO4D_LEVELS, LevelScale


def test_levels_are_ordered_from_the_lowest() -> None:
    assert [EGOEXO4D_LEVELS.index(name) for name in EGOEXO4D_LEVELS.names] == [0, 1, 2, 3]
    assert EGOEXO4D_LEVELS.names[0] == "Novice"
    assert EGOEXO4D_LEVELS.names[-1] == "Late Expert"
    assert len(BASKET_LEVELS) == 5


def test_an_unknown_level_never_becomes_a_default() -> None:
    with pytest.raises(ValueError, match="level='Expert' is not on the scale; allowed: 'Novice'"):
        EGOEXO4D_LEVELS.index("Expert")


@pytest.mark.parametrize("names", [(), ("one",), ("a", "a"), ("a", "")])
def test_a_scale_needs_two_or_more_distinct_names(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="two or more distinct"):
        LevelScale(names)
