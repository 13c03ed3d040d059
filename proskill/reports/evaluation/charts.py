"""Charts of evaluations, comparisons and calibrations.

They take parts of `metrics.json`; an interval is a mapping of `value`, `lower` and `upper`. Not
here: the choice of figures (pages).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup

from proskill.calibration.selective_prediction import SelectionThresholds
from proskill.reports.toolkit import (
    LETTER_WIDTH,
    Axis,
    Chart,
    number_text,
    round_ticks,
    share_axis,
)

_ROW_HEIGHT: Final = 34.0
_SQUARE_HEIGHT: Final = 300.0

Block = Mapping[str, Any]


@dataclass(frozen=True)
class IntervalRow:
    """One line of `interval_chart`.

    Attributes:
        name: at its left end.
        interval: value, lower and upper.
        marks: further values, drawn as ticks: the accuracy of majorities.
        note: at its right end.
    """

    name: str
    interval: Block
    marks: Sequence[float] = ()
    note: str = ""


def reliability_chart(bins: Sequence[Block]) -> Markup:
    """Draw accuracy against confidence: a dot per bin, larger for more takes, and the diagonal.

    Args:
        bins: `reliability` of `metrics.json`.
    """
    accuracy = share_axis("share that was right", has_grid=True)
    chart = Chart(share_axis("confidence"), accuracy, height=_SQUARE_HEIGHT, right=24)
    chart.segment((0, 0), (1, 1), "ideal")
    most = max(entry["num_takes"] for entry in bins)
    for entry in bins:
        at, found = entry["confidence"], entry["accuracy"]
        if _is_known(found):
            chart.segment((at, found["lower"]), (at, found["upper"]), "whisker")
    for entry in bins:
        at, share = entry["confidence"], entry["accuracy"]["value"]
        chart.dot(
            (at, share),
            radius=3.5 + 6 * math.sqrt(entry["num_takes"] / most),
            title=f"{entry['num_takes']} takes: confidence {100 * at:.0f} %, right "
            f"{100 * share:.0f} %",
        )
    return chart.svg("accuracy against confidence")


def coverage_risk_chart(points: Sequence[Block]) -> Markup:
    """Draw the share of wrong predictions against the share of takes that get one.

    Args:
        points: `coverage_risk` of `metrics.json`.
    """
    risks = [point["risk"] for point in points]
    highest = max(0.1, *(r["upper"] if _is_known(r) else r["value"] for r in risks))
    wrong = share_axis("share wrong", high=math.ceil(highest * 10) / 10, has_grid=True)
    chart = Chart(share_axis("share of takes answered"), wrong, height=_SQUARE_HEIGHT, right=24)
    known = [point for point in points if _is_known(point["risk"])]
    if known:
        upper = [(p["coverage"], p["risk"]["upper"]) for p in known]
        chart.area([*upper, *((p["coverage"], p["risk"]["lower"]) for p in reversed(known))])
    chart.line([(p["coverage"], p["risk"]["value"]) for p in points], "bold")
    for point in points:
        coverage, risk = point["coverage"], point["risk"]["value"]
        text = f"the surest {100 * coverage:.0f} %: {100 * risk:.0f} % wrong"
        chart.dot((coverage, risk), look="hit", radius=9, title=text)
    return chart.svg("risk against coverage")


def interval_chart(
    rows: Sequence[IntervalRow], values: Axis, *, title: str, width: float = 900.0
) -> Markup:
    """Draw a dot with its interval per row, with ticks for the values to beat.

    Args:
        rows: one or more.
        values: horizontal axis.
        title: description of the chart.
        width: in drawing units.
    """
    num = len(rows)
    lines = Axis(num - 0.5, -0.5, tuple(range(num)), lambda row: rows[round(row)].name)
    notes = LETTER_WIDTH * max(len(row.note) for row in rows)
    height = _ROW_HEIGHT * num + 34 + 20 * bool(values.name)
    chart = Chart(values, lines, width=width, height=height, top=4, right=18 + notes)
    for index, row in enumerate(rows):
        found = row.interval
        for mark in row.marks:
            chart.segment((mark, index - 0.33), (mark, index + 0.33), "mark")
        if _is_known(found):
            chart.segment((found["lower"], index), (found["upper"], index), "whisker")
        if math.isfinite(found["value"]):
            chart.dot((found["value"], index), radius=6.5)
        chart.text((values.high, index), row.note, anchor="end", dx=14 + notes, dy=5)
    return chart.svg(title)


def limits_chart(limits: SelectionThresholds) -> Markup:
    """Draw the mean error of the surest takes against their share, with the limits chosen on it."""
    highest = max([limits.blind_error, limits.ok_error, *(p.upper for p in limits.curve)])
    top = math.ceil(highest / 0.25) * 0.25
    errors = Axis(0, top, round_ticks(0, top), number_text, "mean error, levels", has_grid=True)
    share = share_axis("share of takes answered, the surest first")
    chart = Chart(share, errors, width=900, height=330, top=26, right=24)
    points = limits.curve
    chart.area([*((p.share, p.upper) for p in points), *((p.share, p.error) for p in points[::-1])])
    for error, text in ((limits.ok_error, "target"), (limits.blind_error, "always the same level")):
        chart.horizontal(error, "ideal")
        chart.text((0, error), text, anchor="start", dx=8, dy=-6)
    chart.line([(p.share, p.error) for p in points], "bold")
    for limit, text in ((limits.ok, "ok up to here"), (limits.abstain, "abstained from here")):
        shares = [point.share for point in points if point.limit <= limit]
        if shares and limit < points[-1].limit:
            chart.vertical(shares[-1], "mark")
            anchor = "end" if shares[-1] > 0.85 else "middle"
            chart.text((shares[-1], top), text, anchor=anchor, dy=-9)
    for point in points:
        chart.dot(
            (point.share, point.error), look="hit", radius=8,
            title=f"the surest {100 * point.share:.0f} %, expecting {point.limit:.2f} levels or "
            f"less: off by {point.error:.2f}, shown to be at most {point.upper:.2f}",
        )  # fmt: skip
    return chart.svg("mean error against share answered")


def _is_known(interval: Block) -> bool:
    return math.isfinite(interval["lower"]) and math.isfinite(interval["upper"])
