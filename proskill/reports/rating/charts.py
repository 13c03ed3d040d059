"""Charts of ratings as inline SVG that follows the page's colours.

All are about half a page wide, so that their letters are of one size beside each other and on a
phone. Names from outside are escaped. Not here: what is charted (`report_ranking.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from markupsafe import Markup, escape

from proskill.rating.comparisons import FloatArray, IntArray
from proskill.rating.reliability import ENOUGH_RELIABILITY, CurvePoint
from proskill.reports.toolkit import polyline, svg

_WIDTH, _HEIGHT = 480.0, 250.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 44.0, 14.0, 14.0, 46.0
_MAX_COUNT_BARS: Final = 40


@dataclass(frozen=True)
class Axis:
    """A range of values that is drawn from one end of a chart to the other.

    Attributes:
        low, high: its ends, low < high.
        ticks: round values within.
    """

    low: float
    high: float
    ticks: tuple[float, ...]

    def share(self, value: float) -> float:
        """Where a value lies, 0 at the low end and 1 at the high one."""
        return (value - self.low) / (self.high - self.low)


def axis_over(values: Sequence[float], *, num_ticks: int = 6, margin: float = 0.03) -> Axis:
    """An axis that holds all values.

    Args:
        values: one or more finite numbers.
        num_ticks: about how many round values to mark.
        margin: share of the range to add at both ends.
    """
    low, high = min(values), max(values)
    room = max((high - low) * margin, 1e-6 if high > low else 0.5)
    low, high = low - room, high + room
    step = _round_step((high - low) / num_ticks)
    first, last = math.ceil(low / step), math.floor(high / step)
    return Axis(low, high, tuple(index * step for index in range(first, last + 1)))


def tick_text(value: float) -> str:
    """A short number with a true minus sign."""
    return f"{value:.6g}".replace("-", "\N{MINUS SIGN}")


def rating_histogram(
    rating: FloatArray,
    level: IntArray,
    *,
    num_levels: int,
    cuts: Sequence[tuple[float, float, float]] = (),
) -> Markup:
    """How many items lie where, by level, with the cuts between levels.

    Args:
        rating: (I,) logits, I >= 1.
        level: (I,) index on the scale, -1 where an item has none.
        num_levels: of the scale, 0 without one.
        cuts: mean, lower and upper end of each cut's interval in logits.
    """
    x_axis = axis_over([*rating.tolist(), *(cut[0] for cut in cuts)])
    num_bins = int(np.clip(2 * math.sqrt(len(rating)), 8, 48))
    edges = np.linspace(x_axis.low, x_axis.high, num_bins + 1)
    bins = np.clip(np.searchsorted(edges, rating, side="right") - 1, 0, num_bins - 1)
    counts = np.zeros((num_bins, num_levels + 1), np.int64)  # the last column: without a level
    np.add.at(counts, (bins, np.where(level < 0, num_levels, level)), 1)
    x, y, parts = _frame(x_axis, int(counts.sum(axis=1).max()), "rating (logits)", "items")
    for _, lower, upper in cuts:
        begin, end = x(max(lower, x_axis.low)), x(min(upper, x_axis.high))
        parts.append(
            f'<rect class="cut-band" x="{begin:.1f}" y="{_TOP}" width="{max(end - begin, 0):.1f}" '
            f'height="{_HEIGHT - _TOP - _BOTTOM}"/>'
        )
    bar_width = x(edges[1]) - x(edges[0])
    for index, row in enumerate(counts.tolist()):
        below = 0
        for of_level, count in enumerate(row):
            if count:
                top, bottom = y(below + count), y(below)
                parts.append(
                    f"<rect {level_look(of_level, num_levels)} "
                    f'x="{x(edges[index]) + 0.6:.1f}" y="{top:.1f}" '
                    f'width="{bar_width - 1.2:.1f}" height="{bottom - top:.1f}"/>'
                )
                below += count
    for mean, _, _ in cuts:
        parts.append(
            f'<line class="cut" x1="{x(mean):.1f}" y1="{_TOP}" x2="{x(mean):.1f}" '
            f'y2="{_HEIGHT - _BOTTOM}"/>'
        )
    title = f"number of items by rating, {len(rating):,} items"
    return svg(parts, width=_WIDTH, height=_HEIGHT, title=title)


def level_look(index: int, num_levels: int) -> str:
    """Attributes that give an element the colour of a level; a plain one beyond the scale."""
    if index >= num_levels:
        return 'class="plain-fill"'
    share = 100 * index / max(num_levels - 1, 1)
    return f'class="lv" style="--t:{share:.0f}%"'


def comparison_counts(num_comparisons: IntArray, *, minimum: int) -> Markup:
    """How many items have how many comparisons; those below the minimum stand out.

    Args:
        num_comparisons: (I,) of each item, I >= 1.
        minimum: an item with fewer is flagged.
    """
    least, most = int(num_comparisons.min()), int(num_comparisons.max())
    start = least if least > 2 * minimum else 0
    step = math.ceil((most - start + 1) / _MAX_COUNT_BARS)
    counts = np.bincount((num_comparisons - start) // step)
    x_axis = axis_over([start - 0.5, start + step * len(counts) - 0.5], margin=0.01)
    x_axis = Axis(x_axis.low, x_axis.high, tuple(t for t in x_axis.ticks if t == int(t)))
    x, y, parts = _frame(x_axis, int(counts.max()), "comparisons of an item", "items")
    for index, count in enumerate(counts.tolist()):
        if count:
            first = start + index * step
            last = first + step - 1
            begin, end = x(first - 0.5) + 0.8, x(last + 0.5) - 0.8
            name = f"{first}" if step == 1 else f"{first} to {last}"
            parts.append(
                f'<rect class="{"doubt-fill" if last < minimum else "plain-fill"}" '
                f'x="{begin:.1f}" y="{y(count):.1f}" width="{max(end - begin, 1):.1f}" '
                f'height="{y(0) - y(count):.1f}"><title>{name} comparisons: {count:,} items'
                "</title></rect>"
            )
    if x_axis.low < minimum - 0.5 < x_axis.high:
        at = x(minimum - 0.5)
        parts.append(
            f'<line class="cut" x1="{at:.1f}" y1="{_TOP}" x2="{at:.1f}" y2="{_HEIGHT - _BOTTOM}"/>'
        )
    return svg(parts, width=_WIDTH, height=_HEIGHT, title="items by number of comparisons")


def reliability_chart(curve: Sequence[CurvePoint]) -> Markup:
    """Reliability after the first votes, with the line that says enough.

    Args:
        curve: one point or more, the last one with all votes.
    """
    x_axis = axis_over([0.0, float(curve[-1].num_votes)], num_ticks=5, margin=0.0)
    x, y, parts = _frame(x_axis, 1, "votes", "", y_ticks=(0, 0.2, 0.4, 0.6, 0.8, 1))
    enough = y(ENOUGH_RELIABILITY)
    below = 18 if curve[0].reliability > ENOUGH_RELIABILITY else -7  # where the curve is not
    parts.append(
        f'<line class="enough" x1="{_LEFT}" y1="{enough:.1f}" x2="{_WIDTH - _RIGHT}" '
        f'y2="{enough:.1f}"/><text class="label" x="{_LEFT + 8}" y="{enough + below:.1f}">'
        "enough from here</text>"
    )
    known = [point for point in curve if math.isfinite(point.reliability)]
    points = [(x(point.num_votes), y(point.reliability)) for point in known]
    parts.append(polyline(points, "bold"))
    for point, (at, height) in zip(known, points, strict=True):
        parts.append(
            f'<circle class="dot" cx="{at:.1f}" cy="{height:.1f}" r="5"><title>'
            f"{point.num_votes:,} votes: {point.reliability:.2f}</title></circle>"
        )
    return svg(parts, width=_WIDTH, height=_HEIGHT, title="reliability against votes so far")


def _frame(
    x_axis: Axis,
    most: float,
    x_name: str,
    y_name: str,
    *,
    y_ticks: Sequence[float] = (),
) -> tuple[Callable[[float], float], Callable[[float], float], list[str]]:
    """Functions to drawing units, and a chart's grid and names."""
    width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(value: float) -> float:
        return _LEFT + width * x_axis.share(value)

    def y(value: float) -> float:
        return _TOP + height * (1 - value / most)

    if not y_ticks:
        step = max(1, int(_round_step(most / 4)))
        y_ticks = range(0, int(most) + 1, step)
    parts = []
    for tick in y_ticks:
        parts.append(
            f'<line class="grid" x1="{_LEFT}" y1="{y(tick):.1f}" x2="{_WIDTH - _RIGHT}" '
            f'y2="{y(tick):.1f}"/><text class="label" x="{_LEFT - 7}" y="{y(tick) + 5:.1f}" '
            f'text-anchor="end">{tick_text(tick)}</text>'
        )
    for tick in x_axis.ticks:
        parts.append(
            f'<text class="label" x="{x(tick):.1f}" y="{_HEIGHT - _BOTTOM + 18}" '
            f'text-anchor="middle">{tick_text(tick) if abs(tick) < 1e5 else f"{tick:,.0f}"}</text>'
        )
    names = f"{x_name} \N{RIGHTWARDS ARROW}" + (f", {y_name} \N{UPWARDS ARROW}" if y_name else "")
    parts.append(
        f'<text class="label" x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 6}" text-anchor="end">'
        f"{escape(names)}</text>"
    )
    return x, y, parts


def _round_step(least: float) -> float:
    """1, 2 or 5 times a power of ten, not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= least * (1 - 1e-9))
