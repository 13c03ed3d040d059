"""The map of an explanation as inline SVG: bars above the line look more skilled, below it less.

Not here: other drawings (`figures.py`), the page (`report.py`).
"""

from __future__ import annotations

from markupsafe import Markup

from proskill.reports.assessment.figures import time_ticks
from proskill.reports.toolkit import svg
from proskill.scoring.explain.explanation import Explanation

_WIDTH, _HEIGHT = 900.0, 220.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 104.0, 16.0, 30.0, 38.0
_LEAST_RANGE = 0.5  # levels: smaller effects are not blown up to look large


def effect_range(explanation: Explanation) -> float:
    """Up to which effect, in levels, a drawing reaches above and below its line."""
    return max(_LEAST_RANGE, *(abs(part.effect) + part.noise for part in explanation.segments))


def effect_chart(explanation: Explanation) -> Markup:
    """Signed effects over time with their noise, pale where they may be chance, and moments."""
    segments = explanation.segments
    start, end = segments[0].start_seconds, segments[-1].end_seconds
    most = effect_range(explanation)
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2

    def x(seconds: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (seconds - start) / (end - start)

    def y(effect: float) -> float:
        return middle - (middle - _TOP) * effect / most

    parts = [_line("grid", _LEFT, middle, _WIDTH - _RIGHT, middle)]
    for word, at in (("more skilled", _TOP + 14), ("less skilled", _HEIGHT - _BOTTOM - 4)):
        parts.append(_text(_LEFT - 10, at, word, anchor="end"))
    for seconds in time_ticks(start, end):
        foot = _HEIGHT - _BOTTOM
        parts.append(_line("grid", x(seconds), foot, x(seconds), foot + 5))
        parts.append(_text(x(seconds), foot + 22, f"{seconds:g} s"))
    for part in segments:
        left, right = x(part.start_seconds), x(part.end_seconds)
        top, foot = sorted((y(part.effect), middle))
        look = ("more" if part.effect > 0 else "less") + " chance" * part.may_be_chance
        parts.append(
            f'<rect class="{look}" x="{left + 1:.1f}" '
            f'y="{top:.1f}" width="{max(1.0, right - left - 2):.1f}" height="{foot - top:.1f}">'
            f"<title>{part.start_seconds:.1f}-{part.end_seconds:.1f} s: {part.effect:+.2f}, "
            f"noise {part.noise:.2f}</title></rect>"
        )
        centre = (left + right) / 2
        ends = y(part.effect - part.noise), y(part.effect + part.noise)
        parts.append(_line("noise", centre, ends[0], centre, ends[1]))
    for number, moment in enumerate(explanation.moments, 1):
        left, right = x(moment.start_seconds), x(moment.end_seconds)
        parts.append(_line("moment", left, _TOP - 8, right, _TOP - 8))
        parts.append(_text((left + right) / 2, _TOP - 14, str(number)))
    return svg(
        parts,
        width=_WIDTH,
        height=_HEIGHT,
        title="which stretches look more and less skilled than the average stretch",
    )


def _line(name: str, x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line class="{name}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "middle") -> str:
    return f'<text class="label" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
