from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proskill.simulation.control import Spell, draw_deviations, skill_of, spell_share
from proskill.simulation.skill import COMPONENTS, Skill

SECONDS = np.arange(140) / 20


@settings(max_examples=30, deadline=None)
@given(value=st.floats(-4, 4), seed=st.integers(0, 2**32))
def test_size_and_mean_of_a_deviation_do_not_depend_on_skill(value: float, seed: int) -> None:
    deviations = draw_deviations(Skill((value,) * 4), SECONDS, np.random.default_rng(seed))
    for deviation in deviations.values():
        np.testing.assert_allclose(deviation.signal.mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(deviation.signal.std(axis=0), 1, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(value=st.floats(-4, 4), seed=st.integers(0, 2**32))
def test_spells_are_disjoint_inside_the_take_and_fill_the_share_that_skill_leaves(
    value: float, seed: int
) -> None:
    skill = Skill((value,) * 4)
    deviations = draw_deviations(skill, SECONDS, np.random.default_rng(seed))
    for name, share in zip(COMPONENTS, spell_share(skill), strict=True):
        times = [t for s in deviations[name].spells for t in (s.start_seconds, s.end_seconds)]
        assert times == sorted(times)
        assert times[0] > 0
        assert times[-1] < SECONDS[-1]
        filled = sum(s.end_seconds - s.start_seconds for s in deviations[name].spells)
        assert filled == pytest.approx(share * SECONDS[-1])


def test_less_skill_means_more_time_in_fast_corrections() -> None:
    def speed(value: float) -> float:
        rng = np.random.default_rng(3)
        signals = [draw_deviations(Skill((value,) * 4), SECONDS, rng) for _ in range(20)]
        return float(np.mean([np.abs(np.diff(s["timing"].signal, axis=0)).mean() for s in signals]))

    assert speed(-2) > 1.3 * speed(0) > 1.6 * speed(2)


@settings(max_examples=30, deadline=None)
@given(values=st.tuples(*[st.floats(-1.9, 1.9)] * 4), seed=st.integers(0, 2**32))
def test_the_skill_of_drawn_spells_is_the_skill_that_they_were_drawn_for(
    values: tuple[float, float, float, float], seed: int
) -> None:
    deviations = draw_deviations(Skill(values), SECONDS, np.random.default_rng(seed))
    spells = [spell for deviation in deviations.values() for spell in deviation.spells]
    found = skill_of(spells, duration_seconds=float(SECONDS[-1]))
    np.testing.assert_allclose(found.components, values, atol=1e-6)


def test_planted_spells_are_the_only_ones_whatever_the_skill() -> None:
    planted = [Spell("frontal_control", 2.0, 4.0)]
    deviations = draw_deviations(
        Skill((-2.0,) * 4), SECONDS, np.random.default_rng(1), spells=planted
    )
    assert {name: list(each.spells) for name, each in deviations.items()} == {
        name: planted if name == "frontal_control" else [] for name in COMPONENTS
    }
    signal, seconds = deviations["frontal_control"].signal, SECONDS[:-1]
    speed = np.abs(np.diff(signal, axis=0)).mean(axis=1)
    inside = (seconds >= 2.0) & (seconds < 4.0)
    assert speed[inside].mean() > 2 * speed[~inside].mean()
