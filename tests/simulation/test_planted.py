"""Takes with one fault at a known time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from proskill.simulation.planted import plant_faults, without_fault
from proskill.simulation.take_spec import DEFAULT_VIEWS
from proskill.video.reader import VideoReader


def test_each_take_has_one_fault_that_one_view_sees() -> None:
    takes = plant_faults(6, views=DEFAULT_VIEWS, fault_seconds=1.5, seed=3)
    assert [take.seen_by(DEFAULT_VIEWS) for take in takes] == 2 * [("ego",), ("exo1",), ("exo2",)]
    for take in takes:
        assert take.fault is not None
        spells = [s for each in take.performance.deviations.values() for s in each.spells]
        assert spells == [take.fault]
        assert take.fault.end_seconds - take.fault.start_seconds == pytest.approx(1.5)
        assert take.fault.start_seconds >= 0.2
        assert take.fault.end_seconds <= take.duration_seconds - 0.2
    assert takes == plant_faults(6, views=DEFAULT_VIEWS, fault_seconds=1.5, seed=3)


def test_the_fault_shows_at_its_time_in_the_view_that_sees_it() -> None:
    take = plant_faults(2, views=DEFAULT_VIEWS, seed=4)[1]
    assert take.fault is not None

    def movement(view: str) -> np.ndarray:
        """How much more pictures change than without the fault, second by second."""
        changes = []
        for each in (take, without_fault(take)):
            frames = np.stack(list(each.frames(view))).astype(np.float32).mean(axis=3)
            changes.append(np.abs(np.diff(frames, axis=0)).mean(axis=(1, 2)))
        return np.asarray(changes[0] - changes[1])

    seconds = take.performance.seconds[:-1]
    inside = (seconds > take.fault.start_seconds) & (seconds < take.fault.end_seconds)
    seen, unseen = movement("exo1"), movement("exo2")
    assert seen[inside].mean() > 3 * abs(seen[~inside].mean())
    assert seen[inside].mean() > 2 * unseen[inside].mean()


def test_a_longer_fault_means_less_skill() -> None:
    short, long = (
        plant_faults(1, views=DEFAULT_VIEWS, fault_seconds=s, seed=5)[0] for s in (1.0, 4.0)
    )
    assert short.skill.rating > long.skill.rating
    assert without_fault(short).skill.rating > short.skill.rating


def test_films_are_files_of_the_named_views(tmp_path: Path) -> None:
    take = plant_faults(1, views=("exo1",), seed=6)[0]
    files = take.write(tmp_path, ("exo1",))
    with VideoReader(files["exo1"]) as reader:
        assert reader.duration_seconds == pytest.approx(take.duration_seconds, abs=0.06)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"views": ("ego", "exo9")}, "view='exo9': allowed are"),
        ({"views": ("exo1", "exo2", "exo3", "exo4")}, "no component is seen by exactly one"),
        ({"views": ("ego",), "fault_seconds": 0.0}, "must be above 0 and fit"),
        ({"views": ("ego",), "fault_seconds": 9.0}, "must be above 0 and fit"),
    ],
)
def test_what_cannot_be_planted_is_refused(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plant_faults(2, **arguments)
