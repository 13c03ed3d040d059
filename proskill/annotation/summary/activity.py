"""Numbers of answers over time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

_HOUR: Final = 3600.0
_WIDTHS: Final = (300.0, 900.0, _HOUR, 6 * _HOUR, 24 * _HOUR)  # seconds of one bar
_MAX_BARS: Final = 48
_PACE_SLOT: Final = 300.0


@dataclass(frozen=True)
class Activity:
    """Answers over time.

    Attributes:
        start: when the first bar begins, seconds since 1970.
        width_seconds: of each bar.
        bars: answers in each, up to now.
        last_hour: answers in the last hour.
        last_at: when the last one came, None before the first.
        per_hour: answers in an hour while people work, over the last day on which there was
            an answer; NaN before the first.
    """

    start: float
    width_seconds: float
    bars: tuple[int, ...]
    last_hour: int
    last_at: float | None
    per_hour: float


def summarise_activity(timestamps: list[float], *, now: float) -> Activity:
    """Count answers.

    Args:
        timestamps: when each came, seconds since 1970, in any order.
        now: the same for the present.
    """
    if not timestamps:
        return Activity(now, _WIDTHS[0], (), 0, None, math.nan)
    first, last = min(timestamps), max(timestamps)
    span = max(now - first, 0.0)
    width = next((one for one in _WIDTHS if span / one < _MAX_BARS - 1), _WIDTHS[-1])
    end = math.floor(now / width)
    start = max(math.floor(first / width), end - _MAX_BARS + 1)
    bars = [0] * max(end - start + 1, 1)
    for timestamp in timestamps:
        place = math.floor(timestamp / width) - start
        if 0 <= place < len(bars):
            bars[place] += 1
    recent = [timestamp for timestamp in timestamps if timestamp > last - 24 * _HOUR]
    slots = {math.floor(timestamp / _PACE_SLOT) for timestamp in recent}
    return Activity(
        start=start * width,
        width_seconds=width,
        bars=tuple(bars),
        last_hour=sum(timestamp > now - _HOUR for timestamp in timestamps),
        last_at=last,
        per_hour=len(recent) / (len(slots) * _PACE_SLOT / _HOUR),
    )
