"""Charts of an evaluation as inline SVG that follows the page's colours.

They take parts of `metrics.json`; an interval is a mapping of `value`, `lower` and `upper`. Names
from outside are escaped. Not here: what is charted.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from proskill.reports.toolkit import polyline, svg

_WIDTH, _HEIGHT = 480.0, 300.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 76.0, 24.0, 14.0, 50.0
_LETTER_WIDTH = 7.4  # of a label in drawing units, roughly
_ROW_HEIGHT = 34.0
_QUARTERS = (0.0, 0.25, 0.5, 0.75, 1.0)

Block = Mapping[str, Any]


@dataclass(frozen=True)
class IntervalRow:
    """One line of `interval_chart`.

    Attributes:
        name: at its left end.
        interval: value, lower and upper.
        marks: further values, drawn as ticks: what the majorities reach.
        note: at its right end.
    """

    name: str
    interval: Block
    marks: Sequence[float] = ()
    note: str = ""


def reliability_chart(bins: Sequence[Block]) -> Markup:
    """Accuracy against confidence, a dot per bin as large as it has takes; the diagonal is honest.

    Args:
        bins: `reliability` of `metrics.json`.
    """
    x, y, parts = _square_frame("confidence", "share that was right")
    parts.append(
        f'<line class="ideal" x1="{x(0):.1f}" y1="{y(0):.1f}" x2="{x(1):.1f}" y2="{y(1):.1f}"/>'
    )
    most = max(entry["num_takes"] for entry in bins)
    for entry in bins:
        at, found = x(entry["confidence"]), entry["accuracy"]
        if _is_known(found):
            parts.append(_whisker(at, y(found["lower"]), at, y(found["upper"])))
    for entry in bins:
        at, found = x(entry["confidence"]), entry["accuracy"]
        radius = 3.5 + 6 * math.sqrt(entry["num_takes"] / most)
        parts.append(
            f'<circle class="dot" cx="{at:.1f}" cy="{y(found["value"]):.1f}" r="{radius:.1f}">'
            f"<title>{entry['num_takes']} takes: said {100 * entry['confidence']:.0f} %, right "
            f"{100 * found['value']:.0f} %</title></circle>"
        )
    return svg(parts, width=_WIDTH, height=_HEIGHT, title="accuracy against confidence")


def coverage_risk_chart(points: Sequence[Block]) -> Markup:
    """Share of wrong answers against share of takes that are answered, with its interval.

    Args:
        points: `coverage_risk` of `metrics.json`.
    """
    highest = max(
        [0.1, *(p["risk"]["upper"] if _is_known(p["risk"]) else p["risk"]["value"] for p in points)]
    )
    top = math.ceil(highest * 10) / 10
    x, y, parts = _square_frame("share of takes answered", "share wrong", top=top)
    known = [point for point in points if _is_known(point["risk"])]
    if known:
        upper = [(x(p["coverage"]), y(p["risk"]["upper"])) for p in known]
        lower = [(x(p["coverage"]), y(p["risk"]["lower"])) for p in reversed(known)]
        corners = " ".join(f"{a:.1f},{b:.1f}" for a, b in [*upper, *lower])
        parts.append(f'<polygon class="band" points="{corners}"/>')
    parts.append(polyline([(x(p["coverage"]), y(p["risk"]["value"])) for p in points], "bold"))
    for point in points:
        risk = point["risk"]["value"]
        parts.append(
            f'<circle class="hit" cx="{x(point["coverage"]):.1f}" cy="{y(risk):.1f}" r="9"><title>'
            f"the surest {100 * point['coverage']:.0f} %: {100 * risk:.0f} % wrong</title></circle>"
        )
    return svg(parts, width=_WIDTH, height=_HEIGHT, title="risk against coverage")


def interval_chart(
    rows: Sequence[IntervalRow], *, title: str, low: float, high: float, percent: bool = True
) -> Markup:
    """A dot with its interval per row, with ticks for what it must beat.

    Args:
        rows: one or more.
        title: what is shown.
        low: left end of the axis.
        high: right end of the axis.
        percent: write the axis in percent.
    """
    width = 900.0
    left = 16 + _LETTER_WIDTH * max(len(row.name) for row in rows)
    left = min(left, 0.4 * width)
    right = 18 + _LETTER_WIDTH * max((len(row.note) for row in rows), default=0)
    height = _ROW_HEIGHT * len(rows) + 34

    def x(value: float) -> float:
        share = (min(max(value, low), high) - low) / (high - low)
        return left + (width - left - right) * share

    parts = []
    for tick in _ticks(low, high):
        classes = "grid zero" if tick == 0 and low < 0 else "grid"
        parts.append(
            f'<line class="{classes}" x1="{x(tick):.1f}" y1="4" x2="{x(tick):.1f}" '
            f'y2="{height - 26}"/><text class="label" x="{x(tick):.1f}" y="{height - 8}" '
            f'text-anchor="middle">{_tick_text(tick, percent=percent)}</text>'
        )
    for index, row in enumerate(rows):
        parts += _interval_row(row, x, middle=_ROW_HEIGHT * (index + 0.5) + 2, left=left)
        parts.append(
            f'<text class="label" x="{width - 4}" y="{_ROW_HEIGHT * (index + 0.5) + 7:.1f}" '
            f'text-anchor="end">{escape(row.note)}</text>'
        )
    return svg(parts, width=width, height=height, title=title)


def _interval_row(
    row: IntervalRow, x: Callable[[float], float], *, middle: float, left: float
) -> list[str]:
    found = row.interval
    parts = [
        f'<text class="label name" x="{left - 12:.1f}" y="{middle + 5:.1f}" text-anchor="end">'
        f"{escape(_shortened(row.name, left))}</text>"
    ]
    for mark in row.marks:
        parts.append(
            f'<line class="mark" x1="{x(mark):.1f}" y1="{middle - 11:.1f}" x2="{x(mark):.1f}" '
            f'y2="{middle + 11:.1f}"/>'
        )
    if _is_known(found):
        parts.append(_whisker(x(found["lower"]), middle, x(found["upper"]), middle))
    if math.isfinite(found["value"]):
        parts.append(
            f'<circle class="dot" cx="{x(found["value"]):.1f}" cy="{middle:.1f}" r="6.5"/>'
        )
    return parts


def _square_frame(
    x_name: str, y_name: str, *, top: float = 1.0
) -> tuple[Callable[[float], float], Callable[[float], float], list[str]]:
    """Functions to drawing units, and a chart's grid and names; both axes are shares from 0."""

    def x(value: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * value

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / top

    parts = []
    for tick in _QUARTERS:
        parts.append(
            f'<text class="label" x="{x(tick):.1f}" y="{_HEIGHT - _BOTTOM + 20}" '
            f'text-anchor="middle">{100 * tick:.0f} %</text>'
        )
    for tick in _ticks(0, top):
        parts.append(
            f'<line class="grid" x1="{_LEFT}" y1="{y(tick):.1f}" x2="{_WIDTH - _RIGHT}" '
            f'y2="{y(tick):.1f}"/><text class="label" x="{_LEFT - 8}" y="{y(tick) + 5:.1f}" '
            f'text-anchor="end">{100 * tick:.0f} %</text>'
        )
    parts.append(
        f'<text class="label" x="{x(0.5):.1f}" y="{_HEIGHT - 6}" text-anchor="middle">'
        f"{escape(x_name)}</text>"
        f'<text class="label" text-anchor="middle" transform="translate(14 '
        f'{(_TOP + _HEIGHT - _BOTTOM) / 2:.0f}) rotate(-90)">{escape(y_name)}</text>'
    )
    return x, y, parts


def _ticks(low: float, high: float) -> list[float]:
    """About five round values from one end to the other."""
    step = next(
        step
        for step in (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0)
        if (high - low) / step <= 5.5 or step == 5.0
    )
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(step * index, 4) for index in range(first, last + 1)]


def _tick_text(value: float, *, percent: bool) -> str:
    text = f"{100 * value:g} %" if percent else f"{value:g}"
    return text.replace("-", "\N{MINUS SIGN}")


def _whisker(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="whisker" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _is_known(interval: Block) -> bool:
    return math.isfinite(interval["lower"]) and math.isfinite(interval["upper"])


def _shortened(name: str, left: float) -> str:
    room = int(left / _LETTER_WIDTH)
    return name if len(name) <= room else f"{name[: room - 1]}\N{HORIZONTAL ELLIPSIS}"
