"""Axes: a range of values, its round ticks, and their texts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

_MAX_LEVEL_NAMES: Final = 12  # more level names are not written beside an axis
_STEP_DIGITS: Final = (1.0, 2.0, 5.0, 10.0)
_STEP_SECONDS: Final = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0)


def number_text(value: float) -> str:
    """Return a short number with a true minus sign."""
    text = f"{value:.6g}" if abs(value) < 1e5 else f"{value:,.0f}"
    return text.replace("-", "\N{MINUS SIGN}")


def share_text(value: float) -> str:
    """Return a share in percent with a true minus sign."""
    return f"{number_text(round(100 * value, 4))} %"


@dataclass(frozen=True)
class Axis:
    """A range of values that is drawn from one end of a chart to the other.

    Attributes:
        low, high: values at its ends; `low > high` turns the axis round.
        ticks: values to mark.
        text: a tick's text.
        name: of the measured quantity, with its unit.
        has_grid: draw a line through the chart at each tick.
    """

    low: float
    high: float
    ticks: tuple[float, ...] = ()
    text: Callable[[float], str] = number_text
    name: str = ""
    has_grid: bool = False

    def share(self, value: float) -> float:
        """Return the place of a value, 0 at the low end and 1 at the high one."""
        return (value - self.low) / (self.high - self.low)


def round_ticks(low: float, high: float, *, num_ticks: int = 5) -> tuple[float, ...]:
    """Return about `num_ticks` multiples of 1, 2 or 5 times a power of ten from low to high."""
    least = (high - low) / num_ticks
    power = 10.0 ** math.floor(math.log10(least))
    step = next(power * digit for digit in _STEP_DIGITS if power * digit >= least * (1 - 1e-9))
    return _multiples(step, low, high)


def axis_over(
    values: Sequence[float], *, num_ticks: int = 6, margin: float = 0.03, name: str = ""
) -> Axis:
    """Return an axis that contains all values.

    Args:
        values: one or more finite numbers.
        num_ticks: approximate number of ticks.
        margin: share of the range to add at both ends.
        name: of the measured quantity.
    """
    low, high = min(values), max(values)
    space = max((high - low) * margin, 1e-6 if high > low else 0.5)
    low, high = low - space, high + space
    return Axis(low, high, round_ticks(low, high, num_ticks=num_ticks), name=name)


def count_axis(most: int, *, name: str = "") -> Axis:
    """Return an axis from 0 to a count, with whole ticks."""
    ticks = dict.fromkeys(float(round(tick)) for tick in round_ticks(0, most, num_ticks=4))
    return Axis(0, most, tuple(ticks), name=name, has_grid=True)


def share_axis(name: str, *, low: float = 0.0, high: float = 1.0, has_grid: bool = False) -> Axis:
    """Return an axis of shares in percent."""
    return Axis(low, high, round_ticks(low, high), share_text, name, has_grid)


def level_axis(levels: Sequence[str], *, has_grid: bool = False) -> Axis:
    """Return the axis of a score, with the levels' names; a long scale names only its ends."""
    top = len(levels) - 1
    ticks = range(top + 1) if top < _MAX_LEVEL_NAMES else (0, top)
    return Axis(0, top, tuple(ticks), lambda tick: levels[round(tick)], has_grid=has_grid)


def time_axis(start: float, end: float) -> Axis:
    """Return an axis of timestamps in seconds."""
    step = next((s for s in _STEP_SECONDS if (end - start) / s <= 8), (end - start) / 8)
    return Axis(start, end, _multiples(step, start, end), lambda tick: f"{tick:g} s")


def _multiples(step: float, low: float, high: float) -> tuple[float, ...]:
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(index * step, 10) for index in range(first, last + 1))
