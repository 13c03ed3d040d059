from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import pytest

from proskill.data.take import Take, View

VIEW = View(Path("a.mp4"), "ego")


def _take(**kwargs: Any) -> Take:
    arguments = {"take_id": "t", "participant_id": "p", "scenario": "", "views": {"ego": VIEW}}
    return Take(**{**arguments, **kwargs})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "head"}, "kind='head': allowed are ego, exo"),
        ({"start_seconds": -1.0}, r"start_seconds=-1\.0: must be 0 or more"),
        ({"start_seconds": 2.0, "end_seconds": 2.0}, r"end_seconds=2\.0: must be after"),
        ({"offset_seconds": math.nan}, "offset_seconds=nan: must be a finite number"),
    ],
)
def test_a_view_with_an_impossible_value_is_refused(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        View(Path("a.mp4"), **{"kind": "ego", **arguments})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"take_id": ""}, "must not be empty"),
        ({"participant_id": ""}, "must not be empty"),
        ({"views": {}}, "take 't' has no view"),
        ({"split": "dev"}, "split='dev'; allowed are train, val, test"),
        ({"rating": math.inf}, "rating=inf; must be finite"),
    ],
)
def test_a_take_with_an_impossible_value_is_refused(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        _take(**arguments)


def test_a_take_cannot_be_changed_through_what_it_was_made_from() -> None:
    views, skills = {"ego": VIEW}, {"grip": 1.0}
    take = _take(views=views, skills=skills)
    views.clear()
    skills.clear()
    assert (dict(take.views), dict(take.skills)) == ({"ego": VIEW}, {"grip": 1.0})
    with pytest.raises(TypeError):
        take.views["exo"] = VIEW  # type: ignore[index]


def test_a_take_survives_the_way_to_a_worker_process() -> None:
    take = _take(split="test", level="Novice", rating=0.5, skills={"grip": 1.0})
    assert pickle.loads(pickle.dumps(take)) == take
