"""Choice of timestamps: pure arithmetic in seconds, no files, no torch.

Every function takes a range `[start_seconds, end_seconds)` on the take's clock and returns
timestamps inside it. Frame rates play no part: the reader returns the frame shown at a timestamp,
so the same timestamps serve all views of a take.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Timestamps = NDArray[np.float64]


def uniform_timestamps(start_seconds: float, end_seconds: float, *, num_frames: int) -> Timestamps:
    """Return the centres of `num_frames` equal parts of the range.

    Args:
        start_seconds: first timestamp of the range.
        end_seconds: end of the range, exclusive.
        num_frames: how many timestamps, 1 or more.

    Returns:
        Ascending seconds, shape (num_frames,), each in [start, end).

    Raises:
        ValueError: an empty or non-finite range, or fewer than one frame.
    """
    _check_range(start_seconds, end_seconds)
    _check_count("num_frames", num_frames)
    parts = (np.arange(num_frames) + 0.5) / num_frames  # (T,)
    return _inside(
        start_seconds + parts * (end_seconds - start_seconds), start_seconds, end_seconds
    )


def segment_timestamps(
    start_seconds: float,
    end_seconds: float,
    *,
    num_segments: int,
    frames_per_segment: int,
    segment_seconds: float,
    rng: np.random.Generator | None = None,
) -> Timestamps:
    """Return dense, continuous segments spread over the range: proficiency-aware sampling (PATS).

    The range is cut into `num_segments` equal zones with one segment in each. Inside a segment the
    frames follow each other evenly, so that fast movement stays visible; across segments the whole
    take is covered. A segment longer than its zone is shortened to it, which keeps segments apart.

    Args:
        start_seconds: first timestamp of the range.
        end_seconds: end of the range, exclusive.
        num_segments: how many segments, 1 or more.
        frames_per_segment: timestamps per segment, 1 or more.
        segment_seconds: length of one segment, more than 0.
        rng: places each segment at random within its zone; None centres it (evaluation).

    Returns:
        Ascending seconds, shape (num_segments * frames_per_segment,), each in [start, end).

    Raises:
        ValueError: an empty or non-finite range, a count below one, or a length not above 0.
    """
    _check_range(start_seconds, end_seconds)
    _check_count("num_segments", num_segments)
    _check_count("frames_per_segment", frames_per_segment)
    _check_positive("segment_seconds", segment_seconds)
    zone = (end_seconds - start_seconds) / num_segments
    length = min(segment_seconds, zone)
    spare = zone - length
    shift = np.full(num_segments, 0.5) if rng is None else rng.random(num_segments)
    begins = start_seconds + zone * np.arange(num_segments) + spare * shift  # (S,)
    steps = (np.arange(frames_per_segment) + 0.5) * (length / frames_per_segment)  # (F,)
    timestamps = begins[:, None] + steps[None, :]  # (S, F)
    return _inside(timestamps.reshape(-1), start_seconds, end_seconds)  # (S * F,)


def evaluation_windows(
    start_seconds: float,
    end_seconds: float,
    *,
    num_frames: int,
    frame_interval_seconds: float | None,
    num_windows: int | None = None,
    max_windows: int = 64,
) -> Timestamps:
    """Return windows that together cover the whole range, the same ones at every call.

    A window that begins at b is the timestamps `b + k * frame_interval_seconds` and stands for the
    `num_frames * frame_interval_seconds` seconds from b on. The first window begins at
    `start_seconds`, the last one ends at `end_seconds`, the others lie evenly between and overlap
    as needed. A range shorter than one window gives one window whose timestamps past the end repeat
    the last one inside.

    Args:
        start_seconds: first timestamp of the range.
        end_seconds: end of the range, exclusive.
        num_frames: timestamps per window, 1 or more.
        frame_interval_seconds: time between timestamps, more than 0; None makes one window of
            `uniform_timestamps`.
        num_windows: how many; None takes as many as cover the range without gaps.
        max_windows: upper bound when `num_windows` is None; beyond it, gaps open between windows.

    Returns:
        Seconds, shape (num_windows, num_frames), ascending within each window and across first
        timestamps, each in [start, end).

    Raises:
        ValueError: an empty or non-finite range, a count below one, an interval not above 0, or
            several windows without an interval.
    """
    if frame_interval_seconds is None:
        if num_windows not in (None, 1):
            raise ValueError(f"num_windows={num_windows}: frames spread over the range make 1")
        return uniform_timestamps(start_seconds, end_seconds, num_frames=num_frames)[None]  # (1, T)
    _check_range(start_seconds, end_seconds)
    _check_count("num_frames", num_frames)
    _check_positive("frame_interval_seconds", frame_interval_seconds)
    _check_count("max_windows", max_windows)
    if num_windows is not None:
        _check_count("num_windows", num_windows)
    duration = end_seconds - start_seconds
    window_seconds = num_frames * frame_interval_seconds
    # A single window covers its range; where told to be single in a longer one, it stands midway.
    lone_share = 0.0 if num_windows is None and max_windows > 1 else 0.5
    if duration <= window_seconds:
        num_windows = 1
    elif num_windows is None:
        # A range a rounding error above k windows needs k windows, not k + 1.
        num_windows = min(max_windows, math.ceil(duration / window_seconds - 1e-9))
    spare = max(0.0, duration - window_seconds)
    share = np.linspace(0.0, 1.0, num_windows) if num_windows > 1 else np.array([lone_share])
    begins = start_seconds + spare * share  # (W,)
    steps = np.arange(num_frames) * frame_interval_seconds  # (T,)
    timestamps = begins[:, None] + steps[None, :]  # (W, T)
    return _repeat_last(timestamps, end_seconds)


def random_window(
    start_seconds: float,
    end_seconds: float,
    *,
    num_frames: int,
    frame_interval_seconds: float | None,
    rng: np.random.Generator,
) -> Timestamps:
    """Draw one window at a random place of the range, for training.

    Args:
        start_seconds: first timestamp of the range.
        end_seconds: end of the range, exclusive.
        num_frames: timestamps in the window, 1 or more.
        frame_interval_seconds: time between timestamps, more than 0; None spreads them over the
            whole range, which leaves nothing to chance.
        rng: the only source of chance.

    Returns:
        Ascending seconds, shape (num_frames,), each in [start, end); in a range shorter than the
        window, timestamps past the end repeat the last one inside.

    Raises:
        ValueError: an empty or non-finite range, a count below one, or an interval not above 0.
    """
    if frame_interval_seconds is None:
        return uniform_timestamps(start_seconds, end_seconds, num_frames=num_frames)
    _check_range(start_seconds, end_seconds)
    _check_count("num_frames", num_frames)
    _check_positive("frame_interval_seconds", frame_interval_seconds)
    duration = end_seconds - start_seconds
    spare = max(0.0, duration - num_frames * frame_interval_seconds)
    begin = start_seconds + spare * rng.random()
    timestamps = begin + np.arange(num_frames, dtype=np.float64) * frame_interval_seconds  # (T,)
    return _repeat_last(timestamps, end_seconds)


def _repeat_last(timestamps: NDArray[np.floating], end_seconds: float) -> Timestamps:
    """Replace timestamps at or past the end by the last one of their window that lies inside."""
    inside = np.where(timestamps < end_seconds, timestamps, -np.inf)
    last = inside.max(axis=-1, keepdims=True)  # a window's first timestamp is always inside
    repeated: Timestamps = np.minimum(timestamps, last)
    return repeated


def _inside(timestamps: Timestamps, start_seconds: float, end_seconds: float) -> Timestamps:
    """Undo rounding that would put a timestamp on the range's end or before its start."""
    last = float(np.nextafter(end_seconds, start_seconds))
    clipped: Timestamps = np.clip(timestamps, start_seconds, last)
    return clipped


def _check_range(start_seconds: float, end_seconds: float) -> None:
    if not (math.isfinite(start_seconds) and math.isfinite(end_seconds)):
        raise ValueError(
            f"range [{start_seconds}, {end_seconds}): both ends must be finite seconds"
        )
    if end_seconds <= start_seconds:
        raise ValueError(f"range [{start_seconds}, {end_seconds}): the end must be after the start")


def _check_count(name: str, value: int) -> None:
    if value < 1:
        raise ValueError(f"{name}={value}: must be 1 or more")


def _check_positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name}={value}: must be a finite number of seconds above 0")
