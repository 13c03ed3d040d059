"""Pictures for self-contained pages: data URIs and inline SVG that follows the page's colours.

Every function returns text to be placed in HTML; names of levels and views are escaped here. Not
here: pages (`report.py`), numbers.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

from proskill.reports.toolkit import polyline, svg
from proskill.scoring.assessment import Assessment, TimelineWindow

_JPEG_QUALITY = 82
_MAX_NAMED_TICKS = 6  # more level names than this do not fit beside each other
_LETTER_WIDTH = 7.6  # of a label in drawing units, roughly

# Okabe and Ito's colours, which colour-blind readers tell apart; classes `.series-N` of base.html.
NUM_SERIES_COLOURS = 7


def data_uri(content: bytes, media_type: str) -> str:
    """`data:` address of bytes, so that a page needs no other file."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"


def image_data_uri(image: NDArray[np.uint8], *, lossless: bool = False) -> str:
    """A picture (H, W, 3) RGB or (H, W) grey as JPEG, or PNG where `lossless`.

    Raises:
        ValueError: not a picture of bytes.
    """
    if image.dtype != np.uint8 or image.ndim not in (2, 3):
        raise ValueError(f"image {image.dtype} {image.shape}: expected uint8 (H, W, 3) or (H, W)")
    pixels = np.ascontiguousarray(image if image.ndim == 2 else image[..., ::-1])
    suffix, options = (
        (".png", []) if lossless else (".jpg", [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    )
    is_done, content = cv2.imencode(suffix, pixels, options)
    if not is_done:
        raise ValueError(f"image {image.shape}: cannot be encoded")
    return data_uri(content.tobytes(), "image/png" if lossless else "image/jpeg")


def figure_data_uri(figure: Any) -> str:
    """A matplotlib figure as SVG."""
    import io

    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    return data_uri(buffer.getvalue(), "image/svg+xml")


def score_scale(
    levels: Sequence[str], score: float, *, lower: float | None = None, upper: float | None = None
) -> Markup:
    """The axis of levels with the score on it and, if given, its interval as a band."""
    width, left, right, y = 480.0, 12.0, 12.0, 24.0
    top = len(levels) - 1

    def x(value: float) -> float:
        return left + (width - left - right) * value / top

    parts = [f'<line class="axis" x1="{left}" y1="{y}" x2="{width - right}" y2="{y}"/>']
    if lower is not None and upper is not None:
        parts.append(
            f'<rect class="band" x="{x(lower):.1f}" y="{y - 9}" height="18" rx="9" '
            f'width="{max(4.0, x(upper) - x(lower)):.1f}"/>'
        )
    is_crowded = sum(map(len, levels)) * _LETTER_WIDTH > 0.9 * width
    for index, name in enumerate(levels):
        parts.append(f'<circle class="tick" cx="{x(index):.1f}" cy="{y}" r="4"/>')
        is_end = index in (0, top)
        if len(levels) <= _MAX_NAMED_TICKS or is_end:
            anchor = "start" if index == 0 else "end" if index == top else "middle"
            at = x(index) - 6 if index == 0 else x(index) + 6 if index == top else x(index)
            row = y + 30 + (20 if is_crowded and index % 2 else 0)
            parts.append(
                f'<text class="label" x="{at:.1f}" y="{row}" text-anchor="{anchor}">'
                f"{escape(name)}</text>"
            )
    parts.append(f'<circle class="marker" cx="{x(score):.1f}" cy="{y}" r="9"/>')
    described = f"score {score:.2f} on a scale from {levels[0]} to {levels[-1]}"
    return svg(parts, width=width, height=82 if is_crowded else 62, title=described)


def timeline_chart(
    windows: Sequence[TimelineWindow], levels: Sequence[str], *, view_numbers: Mapping[str, int]
) -> Markup:
    """Score over time: all views as a bold line, each view alone as a thin one.

    Args:
        windows: one or more, in time order.
        levels: names on the vertical axis.
        view_numbers: view name -> number of its colour; views without one are not drawn.
    """
    width, height, right, top, bottom = 900.0, 250.0, 16.0, 14.0, 38.0
    left = 24 + min(200.0, max(map(len, levels)) * _LETTER_WIDTH)
    start, end = windows[0].start_seconds, windows[-1].end_seconds
    num_steps = len(levels) - 1

    def x(seconds: float) -> float:
        return left + (width - left - right) * (seconds - start) / (end - start)

    def y(score: float) -> float:
        return height - bottom - (height - top - bottom) * score / num_steps

    parts = []
    for index, name in enumerate(levels):
        if len(levels) <= 2 * _MAX_NAMED_TICKS or index in (0, num_steps):
            parts.append(
                f'<line class="grid" x1="{left}" y1="{y(index):.1f}" x2="{width - right}" '
                f'y2="{y(index):.1f}"/><text class="label" x="{left - 10}" y="{y(index) + 4:.1f}" '
                f'text-anchor="end">{escape(name)}</text>'
            )
    for seconds in time_ticks(start, end):
        parts.append(
            f'<line class="grid" x1="{x(seconds):.1f}" y1="{height - bottom}" '
            f'x2="{x(seconds):.1f}" y2="{height - bottom + 5}"/><text class="label" '
            f'x="{x(seconds):.1f}" y="{height - bottom + 22}" text-anchor="middle">'
            f"{seconds:g} s</text>"
        )
    if len(view_numbers) > 1:
        for name, number in view_numbers.items():
            scores = [window.view_scores.get(name) for window in windows]
            points = [
                (x(_middle(window)), y(score))
                for window, score in zip(windows, scores, strict=True)
                if score is not None
            ]
            parts.append(polyline(points, f"thin series-{number % NUM_SERIES_COLOURS}"))
    for window in windows:
        parts.append(
            f'<line class="span" x1="{x(window.start_seconds):.1f}" y1="{y(window.score):.1f}" '
            f'x2="{x(window.end_seconds):.1f}" y2="{y(window.score):.1f}"/>'
        )
    points = [(x(_middle(window)), y(window.score)) for window in windows]
    parts.append(polyline(points, "bold"))
    for window, (at, level) in zip(windows, points, strict=True):
        parts.append(
            f'<circle class="dot" cx="{at:.1f}" cy="{level:.1f}" r="4.5"><title>'
            f"{window.start_seconds:.1f}-{window.end_seconds:.1f} s: {window.score:.2f}"
            "</title></circle>"
        )
    return svg(parts, width=width, height=height, title="score over time")


def view_colours(assessment: Assessment) -> dict[str, int]:
    """Used view -> number of its colour, the same in chart and legend."""
    used = [name for name, view in assessment.views.items() if view.status == "used"]
    return {name: number for number, name in enumerate(used)}


def time_ticks(start: float, end: float) -> list[float]:
    """About eight round instants."""
    span = end - start
    step = next(
        (s for s in (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0) if span / s <= 8), 120.0
    )
    first = np.ceil(start / step) * step
    return [round(float(tick), 3) for tick in np.arange(first, end + 1e-9, step)]


def _middle(window: TimelineWindow) -> float:
    return (window.start_seconds + window.end_seconds) / 2
