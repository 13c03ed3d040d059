"""The curve that limits of certainty are chosen on: error against the share of takes answered."""

from __future__ import annotations

import math
from collections.abc import Callable

from markupsafe import Markup

from proskill.calibration.selective_prediction import SelectionThresholds
from proskill.reports.toolkit import polyline, svg

Axis = Callable[[float], float]

_WIDTH, _HEIGHT = 900.0, 330.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 66.0, 24.0, 26.0, 52.0


def limits_chart(limits: SelectionThresholds) -> Markup:
    """Mean error in levels if only the surest takes are answered, with target and limits.

    Classes `band`, `bold`, `hit`, `ideal`, `mark` and `label` are the page's.
    """
    highest = max([limits.blind_error, limits.ok_error, *(p.upper for p in limits.curve)])
    top = math.ceil(highest / 0.25) * 0.25

    def x(share: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * share

    def y(error: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * min(error, top) / top

    parts = _axes(x, y, top)
    points = limits.curve
    corners = [(x(p.share), y(p.upper)) for p in points]
    corners += [(x(p.share), y(p.error)) for p in reversed(points)]
    outline = " ".join(f"{a:.1f},{b:.1f}" for a, b in corners)
    parts.append(f'<polygon class="band" points="{outline}"/>')
    for error, text in ((limits.ok_error, "target"), (limits.blind_error, "always the same level")):
        parts.append(
            f'<line class="ideal" x1="{_LEFT}" y1="{y(error):.1f}" x2="{_WIDTH - _RIGHT}" '
            f'y2="{y(error):.1f}"/><text class="label" x="{_LEFT + 8}" y="{y(error) - 6:.1f}">'
            f"{text}</text>"
        )
    parts.append(polyline([(x(p.share), y(p.error)) for p in points], "bold"))
    for share, text in _marks(limits):
        anchor = "end" if share > 0.85 else "middle"
        parts.append(
            f'<line class="mark" x1="{x(share):.1f}" y1="{_TOP}" x2="{x(share):.1f}" '
            f'y2="{_HEIGHT - _BOTTOM}"/><text class="label name" x="{x(share):.1f}" '
            f'y="{_TOP - 9}" text-anchor="{anchor}">{text}</text>'
        )
    for point in points:
        parts.append(
            f'<circle class="hit" cx="{x(point.share):.1f}" cy="{y(point.error):.1f}" r="8"><title>'
            f"the surest {100 * point.share:.0f} %, expecting {point.limit:.2f} levels or less: "
            f"off by {point.error:.2f}, shown to be at most {point.upper:.2f}</title></circle>"
        )
    return svg(parts, width=_WIDTH, height=_HEIGHT, title="mean error against share answered")


def _marks(limits: SelectionThresholds) -> list[tuple[float, str]]:
    """Where the limits lie on the axis of shares; none for limits that are never reached."""
    found = []
    for limit, text in ((limits.ok, "ok up to here"), (limits.abstain, "abstained from here")):
        shares = [point.share for point in limits.curve if point.limit <= limit]
        if shares and limit < limits.curve[-1].limit:
            found.append((shares[-1], text))
    return found


def _axes(x: Axis, y: Axis, top: float) -> list[str]:
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(
            f'<text class="label" x="{x(share):.1f}" y="{_HEIGHT - _BOTTOM + 20}" '
            f'text-anchor="middle">{100 * share:.0f} %</text>'
        )
    step = 0.25 if top <= 1.5 else 0.5
    for tick in range(int(top / step) + 1):
        height = y(step * tick)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" y1="{height:.1f}" x2="{_WIDTH - _RIGHT}" '
            f'y2="{height:.1f}"/><text class="label" x="{_LEFT - 8}" y="{height + 5:.1f}" '
            f'text-anchor="end">{step * tick:g}</text>'
        )
    parts.append(
        f'<text class="label" x="{x(0.5):.1f}" y="{_HEIGHT - 6}" text-anchor="middle">'
        "share of takes answered, the surest first</text>"
        f'<text class="label" text-anchor="middle" transform="translate(16 '
        f'{y(top / 2):.0f}) rotate(-90)">mean error, levels</text>'
    )
    return parts
