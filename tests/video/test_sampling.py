"""Timestamps lie inside the take, in order, cover it, and are the same at every call."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proskill.video.sampling import (
    evaluation_windows,
    random_window,
    segment_timestamps,
    uniform_timestamps,
)

# A busy machine must not fail a test of arithmetic.
in_its_own_time = settings(deadline=None, max_examples=60)
starts = st.floats(0, 5000, allow_nan=False)
durations = st.floats(0.01, 2000, allow_nan=False)
counts = st.integers(1, 40)
intervals = st.floats(0.001, 2.0, allow_nan=False)
seeds = st.integers(0, 2**32 - 1)


def assert_inside_and_ascending(timestamps: np.ndarray, start: float, end: float) -> None:
    assert timestamps.dtype == np.float64
    assert (timestamps >= start).all()
    assert (timestamps < end).all()
    assert (np.diff(timestamps, axis=-1) >= 0).all()


@in_its_own_time
@given(starts, durations, counts)
def test_uniform_instants_stand_for_equal_parts(start, duration, num_frames):
    end = start + duration
    timestamps = uniform_timestamps(start, end, num_frames=num_frames)
    assert timestamps.shape == (num_frames,)
    assert_inside_and_ascending(timestamps, start, end)
    part = duration / num_frames
    assert timestamps[0] - start <= part
    assert end - timestamps[-1] <= part + 1e-9


@in_its_own_time
@given(starts, durations, counts, counts, st.floats(0.01, 5), st.none() | seeds)
def test_segments_are_dense_and_spread_over_the_take(
    start, duration, num_segments, frames, segment_seconds, seed
):
    end = start + duration

    def draw():
        return segment_timestamps(
            start,
            end,
            num_segments=num_segments,
            frames_per_segment=frames,
            segment_seconds=segment_seconds,
            rng=None if seed is None else np.random.default_rng(seed),
        )

    timestamps = draw()
    assert timestamps.shape == (num_segments * frames,)
    assert_inside_and_ascending(timestamps, start, end)
    np.testing.assert_array_equal(timestamps, draw())
    zone = duration / num_segments
    slack = 1e-9 * (1 + end)
    for k, segment in enumerate(timestamps.reshape(num_segments, frames)):
        assert segment[0] >= start + k * zone - slack
        assert segment[-1] <= start + (k + 1) * zone + slack
        assert segment[-1] - segment[0] <= min(segment_seconds, zone) + slack


@in_its_own_time
@given(starts, durations, counts, intervals)
def test_windows_cover_the_whole_take(start, duration, num_frames, interval):
    end = start + duration
    windows = evaluation_windows(
        start, end, num_frames=num_frames, frame_interval_seconds=interval, max_windows=10**8
    )
    assert windows.shape[1] == num_frames
    assert_inside_and_ascending(windows, start, end)
    span = num_frames * interval
    slack = 1e-8 * (1 + end)
    assert windows[0, 0] == start
    if len(windows) > 1:
        assert windows[-1, 0] + span == pytest.approx(end, abs=slack)
        assert (np.diff(windows[:, 0]) <= span + slack).all()  # no gap between windows
        assert len(windows) <= duration / span + 1
    else:
        assert duration <= span + slack


@in_its_own_time
@given(starts, durations, counts, intervals, st.integers(1, 30))
def test_a_set_number_of_windows_spreads_from_start_to_end(
    start, duration, num_frames, interval, num_windows
):
    end = start + duration
    windows = evaluation_windows(
        start,
        end,
        num_frames=num_frames,
        frame_interval_seconds=interval,
        num_windows=num_windows,
    )
    assert_inside_and_ascending(windows, start, end)
    if duration <= num_frames * interval:
        assert len(windows) == 1
        return
    assert len(windows) == num_windows
    assert (np.diff(windows[:, 0]) >= 0).all()
    if num_windows > 1:
        assert windows[0, 0] == start
        assert windows[-1, 0] + num_frames * interval == pytest.approx(end, abs=1e-8 * (1 + end))


@in_its_own_time
@given(starts, durations, counts, intervals, seeds)
def test_a_random_window_lies_inside_and_depends_on_the_seed_alone(
    start, duration, num_frames, interval, seed
):
    end = start + duration
    one, two = (
        random_window(
            start,
            end,
            num_frames=num_frames,
            frame_interval_seconds=interval,
            rng=np.random.default_rng(seed),
        )
        for _ in range(2)
    )
    np.testing.assert_array_equal(one, two)
    assert one.shape == (num_frames,)
    assert_inside_and_ascending(one, start, end)


def test_windows_of_a_known_take():
    windows = evaluation_windows(10.0, 12.5, num_frames=4, frame_interval_seconds=0.25)
    np.testing.assert_allclose(
        windows,
        [[10, 10.25, 10.5, 10.75], [10.75, 11, 11.25, 11.5], [11.5, 11.75, 12, 12.25]],
    )


def test_a_take_shorter_than_a_window_repeats_its_last_instant():
    expected = [[0.0, 0.4, 0.8, 0.8, 0.8]]
    windows = evaluation_windows(0.0, 1.0, num_frames=5, frame_interval_seconds=0.4)
    np.testing.assert_allclose(windows, expected)
    rng = np.random.default_rng(0)
    window = random_window(0.0, 1.0, num_frames=5, frame_interval_seconds=0.4, rng=rng)
    np.testing.assert_allclose(window, expected[0])


def test_a_single_window_of_a_long_take_stands_in_its_middle():
    windows = evaluation_windows(0, 10, num_frames=4, frame_interval_seconds=0.5, num_windows=1)
    np.testing.assert_allclose(windows, [[4.0, 4.5, 5.0, 5.5]])


def test_a_long_take_is_capped_and_still_seen_to_its_end():
    windows = evaluation_windows(0, 600, num_frames=8, frame_interval_seconds=0.1, max_windows=5)
    assert windows.shape == (5, 8)
    assert windows[-1, -1] == pytest.approx(599.9)


def test_a_take_of_a_whole_number_of_windows_gets_that_many():
    for count in (1, 3, 7, 10):
        windows = evaluation_windows(0, count * 0.8, num_frames=8, frame_interval_seconds=0.1)
        assert len(windows) == count


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: uniform_timestamps(1, 1, num_frames=2), "the end must be after the start"),
        (lambda: uniform_timestamps(0, np.inf, num_frames=2), "both ends must be finite"),
        (lambda: uniform_timestamps(0, 1, num_frames=0), "num_frames=0"),
        (
            lambda: evaluation_windows(0, 1, num_frames=2, frame_interval_seconds=0),
            "frame_interval_seconds=0",
        ),
        (
            lambda: evaluation_windows(0, 1, num_frames=2, frame_interval_seconds=1, num_windows=0),
            "num_windows=0",
        ),
        (
            lambda: segment_timestamps(
                0, 1, num_segments=1, frames_per_segment=1, segment_seconds=-1
            ),
            "segment_seconds=-1",
        ),
    ],
)
def test_impossible_requests_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_without_an_interval_the_frames_of_the_only_window_spread_over_the_range():
    wanted = uniform_timestamps(2.0, 602.0, num_frames=96)
    windows = evaluation_windows(2.0, 602.0, num_frames=96, frame_interval_seconds=None)
    assert np.array_equal(windows, wanted[None])
    rng = np.random.default_rng(0)
    drawn = random_window(2.0, 602.0, num_frames=96, frame_interval_seconds=None, rng=rng)
    assert np.array_equal(drawn, wanted)
    with pytest.raises(ValueError, match="num_windows=2"):
        evaluation_windows(0, 9, num_frames=4, frame_interval_seconds=None, num_windows=2)


def test_sampling_brings_no_torch_and_no_decoder():
    code = (
        "import sys; from proskill.video.sampling import uniform_timestamps; "
        "assert not {'torch', 'av', 'cv2', 'decord'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
