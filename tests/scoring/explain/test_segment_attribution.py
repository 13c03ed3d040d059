"""Segment attribution, as arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proskill.calibration.calibration import softmax
from proskill.models import InputSpec
from proskill.scoring.explain.segment_attribution import Floats, Grid, combine, cut, peaks, shares
from proskill.scoring.explain.window_grids import window_grids

SPEC = InputSpec(num_frames=16, frame_interval_seconds=0.1, img_size=(32, 32))


def first_number(features: Floats) -> Floats:
    return features[:, 0, 0]


def grid(values: Floats, *, shift: float = 0.0) -> Grid:
    """Ten frames a second whose only view and dimension is `values`."""
    return Grid(values[:, None, None], np.arange(len(values)) / 10 + 0.05 + shift)


def test_the_effect_of_a_segment_is_its_own_score_less_that_of_the_average_segment() -> None:
    values = np.zeros(40)
    values[18:26] = -1.0
    segments = cut(0.0, 4.0, segment_seconds=0.8)
    effects = grid(values).effects(segments, first_number)
    assert effects.min() == pytest.approx(-1 + 0.2)
    assert segments.segment(int(effects.argmin())) == pytest.approx((1.8, 2.6))
    assert effects[0] == pytest.approx(0.2)
    assert grid(values).baseline(first_number) == pytest.approx(-0.2)


@settings(max_examples=50, deadline=None)
@given(
    num_levels=st.integers(2, 6),
    num_grids=st.integers(1, 4),
    sharpness=st.floats(0, 50),
    seed=st.integers(0, 2**32),
)
def test_baseline_and_effect_together_stay_on_the_scale(
    num_levels: int, num_grids: int, sharpness: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    weights = sharpness * rng.normal(size=(3, num_levels))

    def score(features: Floats) -> Floats:
        return np.asarray(softmax(features[:, 0] @ weights) @ np.arange(num_levels))

    grids = [Grid(rng.normal(size=(40, 1, 3)), np.arange(40) / 10 + 0.05) for _ in range(num_grids)]
    segments = cut(0.0, 4.0, segment_seconds=0.8)
    found = combine(np.stack([each.effects(segments, score) for each in grids]))
    own = np.mean([each.baseline(score) for each in grids]) + found.effects
    assert (own >= -1e-9).all()
    assert (own <= num_levels - 1 + 1e-9).all()


def test_a_segment_without_two_frames_has_no_effect() -> None:
    values = Grid(np.ones((4, 1, 1)), np.array([0.1, 0.2, 0.3, 2.5]))
    effects = values.effects(cut(0.0, 3.0, segment_seconds=0.6), first_number)
    assert np.isnan(effects[-1])
    assert effects[0] == 0


def test_noise_is_the_standard_error_over_grids_where_all_differ_alike() -> None:
    found = combine(np.array([[1.0, -1.0], [2.0, -2.0], [3.0, -3.0], [2.0, -2.0]]))
    assert found.effects.tolist() == [2.0, -2.0]
    assert found.noise == pytest.approx(np.std([1, 2, 3, 2], ddof=1) / 2)
    assert found.is_stable.tolist() == [True, True]


def test_what_grids_do_not_agree_on_is_not_stable() -> None:
    effects = np.array([[1.0, 1.0, 0.01], [1.1, -0.1, 0.01], [0.9, 1.0, 0.01], [1.0, 1.0, 0.01]])
    assert combine(effects).is_stable.tolist() == [True, False, False]


def test_one_grid_knows_no_noise_and_names_nothing() -> None:
    found = combine(np.array([[0.5, -1.0, np.nan]]))
    assert found.noise.tolist() == [1.0, 1.0, 1.0]
    assert not found.is_stable.any()
    assert peaks(found, cut(0.0, 3.0, segment_seconds=2.0), at_most=3) == []


def test_where_no_grid_looked_nothing_is_said() -> None:
    effects = np.array([[np.nan, 1.0, -2.0], [np.nan, 1.1, -2.1]])
    found = combine(effects)
    assert (found.effects[0], found.noise[0], found.is_stable[0]) == (0.0, 2.05, False)


@settings(max_examples=50, deadline=None)
@given(
    effects=st.lists(st.floats(-3, 3), min_size=6, max_size=40),
    spread=st.floats(0, 0.5),
    seed=st.integers(0, 2**32),
)
def test_named_segments_are_stable_do_not_overlap_and_are_at_most_three(
    effects: list[float], spread: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    many = np.array(effects) + rng.normal(0, spread, (4, len(effects)))
    found = combine(many)
    segments = cut(0.0, len(effects) * 0.4, segment_seconds=0.8)
    chosen = peaks(found, segments, at_most=3)
    assert len(chosen) <= 3
    sure = np.abs(found.effects) - found.noise
    assert [sure[n] for n in chosen] == sorted((sure[n] for n in chosen), reverse=True)
    for n in chosen:
        assert (np.sign(many[:, n]) == np.sign(found.effects[n])).all()
        assert abs(found.effects[n]) > max(2 * found.noise[n], 0.1)
    middles = np.sort(segments.middles[chosen])
    assert (np.diff(middles) >= 0.8 - 1e-6).all()


def test_shares_sum_to_one_and_are_nothing_where_nothing_moves() -> None:
    assert shares([np.array([3.0, -3.0]), np.array([1.0, 1.0])]) == [0.75, 0.25]
    assert shares([np.zeros(2), np.zeros(2)]) == [0.0, 0.0]


@settings(max_examples=60, deadline=None)
@given(
    start=st.floats(0, 50),
    seconds=st.floats(1.6, 700),
    num_views=st.integers(1, 8),
    is_spread=st.booleans(),
)
def test_windows_stay_inside_cover_the_whole_and_are_not_too_many(
    start: float, seconds: float, num_views: int, is_spread: bool
) -> None:
    spec = InputSpec(
        num_frames=16, frame_interval_seconds=None if is_spread else 0.1, img_size=(32, 32)
    )
    grids = window_grids((start, start + seconds), spec, num_views=num_views)
    instants = grids.every_timestamp
    assert start - 1e-6 <= instants[0] <= start + 1e-6
    assert start + seconds - grids.interval_seconds - 1e-3 <= instants[-1] < start + seconds
    assert sum(map(len, grids.timestamps)) <= 240 // num_views
    segments = cut(start, start + seconds, segment_seconds=grids.segment_seconds)
    for each in grids.timestamps if len(grids.timestamps) > 1 else ():
        # The windows of a grid may begin a quarter late and end a quarter early, not leave holes.
        frames = Grid(np.ones((each.size, 1, 1)), each.ravel() + grids.interval_seconds / 2)
        _, found = frames.kept(segments)
        inner = np.flatnonzero(
            (segments.middles > each[0, 0] + grids.segment_seconds / 2)
            & (segments.middles < each[-1, -1] - grids.segment_seconds / 2)
        )
        assert set(inner.tolist()) <= set(found.tolist())


def test_a_performance_of_one_window_has_one_grid() -> None:
    assert len(window_grids((0.0, 1.6), SPEC, num_views=3).timestamps) == 1
    assert len(window_grids((0.0, 7.0), SPEC, num_views=3).timestamps) == 4
