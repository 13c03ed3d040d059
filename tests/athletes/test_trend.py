from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proskill.athletes.trend import (
    Change,
    Measurement,
    change_between,
    standard_error_of,
    trend_of,
)

DAY = 86400.0
scores = st.floats(0, 3)


def test_the_standard_error_is_that_of_a_normal_with_the_same_interval() -> None:
    found = standard_error_of(1.5, lower=0.5, upper=2.5, coverage=0.8)
    assert found == pytest.approx(1 / 1.2815515655)
    # The scale cuts the lower end off.
    assert standard_error_of(0.2, lower=0.0, upper=1.2, coverage=0.8) == pytest.approx(found)


def test_the_detectable_change_is_1_96_root_2_sem() -> None:
    change = change_between(Measurement(0, 1.0, 0.4), Measurement(DAY, 2.5, 0.4))
    assert change.difference == 1.5
    assert change.detectable == pytest.approx(1.959964 * math.sqrt(2) * 0.4)
    assert change.is_more_than_noise is True
    assert Change(-1.0, 1.1).is_more_than_noise is False
    assert Change(-1.2, 1.1).is_more_than_noise is True


def test_a_noise_learned_from_few_takes_raises_the_limit() -> None:
    rng = np.random.default_rng(2)
    claimed = []
    for _ in range(20_000):
        learned = math.sqrt(rng.chisquare(12) / 12) * 0.4
        first, second = (Measurement(k, rng.normal(1.5, 0.4), learned, 12) for k in range(2))
        claimed.append(change_between(first, second).is_more_than_noise)
    assert np.mean(claimed) == pytest.approx(0.05, abs=0.005)
    least = change_between(Measurement(0, 1.0, 0.4, 12), Measurement(1, 1.0, 0.4, 50)).detectable
    assert least == pytest.approx(2.178813 * math.sqrt(2) * 0.4)


def test_without_a_known_noise_nothing_is_said() -> None:
    change = change_between(Measurement(0, 0.0, 0.3), Measurement(1, 3.0, None))
    assert change.is_more_than_noise is None
    sessions = [Measurement(k * DAY, 1.0, None if k == 1 else 0.3) for k in range(3)]
    assert trend_of(sessions) is None


def test_an_unchanged_athlete_seems_changed_in_5_of_100_pairs() -> None:
    rng = np.random.default_rng(0)
    pairs = rng.normal(1.5, 0.4, (20_000, 2))
    claimed = [
        change_between(Measurement(0, a, 0.4), Measurement(1, b, 0.4)).is_more_than_noise
        for a, b in pairs
    ]
    assert np.mean(claimed) == pytest.approx(0.05, abs=0.005)


def test_the_interval_of_a_trend_holds_the_true_slope_in_95_of_100_athletes() -> None:
    rng = np.random.default_rng(1)
    days, errors = np.array([0, 10, 25, 60, 61]), np.array([0.3, 0.5, 0.3, 0.2, 0.6])
    held = 0
    for _ in range(4000):
        seen = 1 + 0.2 * days / 30 + rng.normal(0, errors)
        trend = trend_of([Measurement(*row) for row in zip(days * DAY, seen, errors, strict=True)])
        assert trend is not None
        held += trend.lower <= 0.2 <= trend.upper
    assert held / 4000 == pytest.approx(0.95, abs=0.012)


@given(st.lists(st.tuples(st.integers(0, 400), scores), min_size=3, max_size=8), st.randoms())
def test_the_order_of_sessions_does_not_matter(
    rows: list[tuple[int, float]], random: Random
) -> None:
    sessions = [Measurement(day * DAY, score, 0.4) for day, score in rows]
    mixed = list(sessions)
    random.shuffle(mixed)
    one, other = trend_of(sessions), trend_of(mixed)
    days = [day for day, _ in rows]
    if max(days) - min(days) < 7:
        assert one is None
        return
    assert one is not None
    assert other is not None
    assert one.lower < one.per_30_days < one.upper
    assert one.per_30_days == pytest.approx(other.per_30_days)


def test_two_sessions_or_one_afternoon_are_no_trend() -> None:
    assert trend_of([Measurement(3600.0 * k, 1.0, 0.3) for k in range(5)]) is None
    assert trend_of([Measurement(k * DAY, 1.0, 0.3) for k in range(2)]) is None
