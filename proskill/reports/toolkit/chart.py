"""One chart: marks over two axes, as inline SVG that follows the page's colours.

A `look` names classes of `base.css`. Marks are placed by values on the axes; values beyond an
axis are drawn at its end. Texts are escaped here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup, escape

from proskill.reports.toolkit.axis import Axis

LETTER_WIDTH: Final = 8.2  # of a label in drawing units, roughly

_LABEL_HEIGHT: Final = 20.0
_MAX_NAME_SHARE: Final = 0.4  # of the width, for texts at the left
Point = tuple[float, float]


def svg(parts: Sequence[str], *, width: float, height: float, title: str) -> Markup:
    """Return a drawing to be placed in HTML, as wide as its place.

    Args:
        parts: SVG elements; texts from outside must be escaped in them.
        width, height: of the drawing in its own units.
        title: description for those who cannot see it.
    """
    return Markup(
        f'<svg viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


class Chart:
    """A drawing area with a horizontal and a vertical axis; marks are drawn in the order added.

    Args:
        x: horizontal axis; texts that do not fit side by side alternate between two rows.
        y: vertical axis; texts at its left are shortened if they need too much of the width.
        width: in drawing units; labels are 14 units high.
        height: in drawing units, axis texts included.
        top, right: space beside the drawing area.
    """

    def __init__(
        self, x: Axis, y: Axis, *, width: float = 480.0, height: float = 250.0, top: float = 14.0,
        right: float = 16.0,
    ) -> None:  # fmt: skip
        self._x, self._y, self._width, self._height = x, y, width, height
        names = [_shortened(y.text(tick), _MAX_NAME_SHARE * width) for tick in y.ticks]
        named = _LABEL_HEIGHT if y.name else 0.0
        self._left = named + 12 + LETTER_WIDTH * max(map(len, names), default=0)
        self._right, self._top = width - right, top
        is_crowded = sum(len(x.text(t)) + 1 for t in x.ticks) * LETTER_WIDTH > width - self._left
        num_rows = bool(x.ticks) + is_crowded + bool(x.name)
        self._bottom = height - 6 - _LABEL_HEIGHT * num_rows
        self._parts: list[str] = []
        self._draw_y_axis(names)
        self._draw_x_axis(is_crowded=is_crowded)

    def line(self, points: Sequence[Point], look: str) -> None:
        """Draw a line through points."""
        self._parts.append(f'<polyline class="{look}" points="{self._path(points)}"/>')

    def area(self, points: Sequence[Point], look: str = "band") -> None:
        """Fill a polygon."""
        self._parts.append(f'<polygon class="{look}" points="{self._path(points)}"/>')

    def segment(self, start: Point, end: Point, look: str) -> None:
        """Draw a straight line between two points."""
        self._line(look, *self._at(start), *self._at(end))

    def vertical(self, value: float, look: str) -> None:
        """Draw a line across the chart at a value of the horizontal axis."""
        self.segment((value, self._y.low), (value, self._y.high), look)

    def horizontal(self, value: float, look: str) -> None:
        """Draw a line across the chart at a value of the vertical axis."""
        self.segment((self._x.low, value), (self._x.high, value), look)

    def bar(
        self, start: Point, end: Point, look: str, *, title: str = "", style: str = "",
        gap: float = 0.6, least: float = 1.0,
    ) -> None:  # fmt: skip
        """Fill a rectangle between two corners.

        Args:
            start, end: opposite corners.
            look: classes.
            title: text on hovering.
            style: CSS of this bar alone.
            gap: drawing units left free at both sides.
            least: width in drawing units that a narrow bar keeps.
        """
        (x1, y1), (x2, y2) = self._at(start), self._at(end)
        width = max(abs(x2 - x1) - 2 * gap, least)
        styled = f' style="{style}"' if style else ""
        self._parts.append(
            f'<rect class="{look}"{styled} x="{min(x1, x2) + gap:.1f}" y="{min(y1, y2):.1f}" '
            f'width="{width:.1f}" height="{abs(y2 - y1):.1f}"{_ended("rect", title)}'
        )

    def dot(self, point: Point, *, look: str = "dot", radius: float = 5.0, title: str = "") -> None:
        """Draw a filled circle, its radius in drawing units, with a text on hovering."""
        x, y = self._at(point)
        self._parts.append(
            f'<circle class="{look}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"'
            f"{_ended('circle', title)}"
        )

    def text(
        self, point: Point, text: str, *, anchor: str = "middle", dx: float = 0, dy: float = 0,
        look: str = "label",
    ) -> None:  # fmt: skip
        """Write beside a point, moved by drawing units."""
        x, y = self._at(point)
        self._text(x + dx, y + dy, text, anchor=anchor, look=look)

    def svg(self, title: str) -> Markup:
        """Return the drawing; `title` describes it for those who cannot see it."""
        return svg(self._parts, width=self._width, height=self._height, title=title)

    def _at(self, point: Point) -> Point:
        x, y = (
            min(max(axis.share(value), 0.0), 1.0)
            for axis, value in zip((self._x, self._y), point, strict=True)
        )
        return (
            self._left + (self._right - self._left) * x,
            self._bottom - (self._bottom - self._top) * y,
        )

    def _path(self, points: Sequence[Point]) -> str:
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self._at, points))

    def _draw_y_axis(self, names: Sequence[str]) -> None:
        for tick, name in zip(self._y.ticks, names, strict=True):
            _, y = self._at((self._x.low, tick))
            if self._y.has_grid:
                self._line(_grid_look(self._y, tick), self._left, y, self._right, y)
            self._text(self._left - 8, y + 5, name, anchor="end")
        if self._y.name:
            middle = (self._top + self._bottom) / 2
            self._parts.append(
                f'<text class="label" text-anchor="middle" transform="translate(14 {middle:.0f}) '
                f'rotate(-90)">{escape(self._y.name)}</text>'
            )

    def _draw_x_axis(self, *, is_crowded: bool) -> None:
        for index, tick in enumerate(self._x.ticks):
            x, _ = self._at((tick, self._y.low))
            end = self._top if self._x.has_grid else self._bottom + 5
            self._line(_grid_look(self._x, tick), x, self._bottom, x, end)
            text = self._x.text(tick)
            half = len(text) * LETTER_WIDTH / 2
            anchor, place = "middle", x
            if x - half < 0:
                anchor, place = "start", max(0.0, x - 6)
            elif x + half > self._width:
                anchor, place = "end", min(self._width, x + 6)
            row = _LABEL_HEIGHT * (1 + is_crowded * (index % 2))
            self._text(place, self._bottom + row, text, anchor=anchor)
        if self._x.name:
            middle = (self._left + self._right) / 2
            self._text(middle, self._height - 6, self._x.name, anchor="middle")

    def _line(self, look: str, x1: float, y1: float, x2: float, y2: float) -> None:
        self._parts.append(
            f'<line class="{look}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'
        )

    def _text(self, x: float, y: float, text: str, *, anchor: str, look: str = "label") -> None:
        self._parts.append(
            f'<text class="{look}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
            f"{escape(text)}</text>"
        )


def _grid_look(axis: Axis, tick: float) -> str:
    return "grid zero" if tick == 0 and axis.low < 0 < axis.high else "grid"


def _ended(element: str, title: str) -> str:
    return f"><title>{escape(title)}</title></{element}>" if title else "/>"


def _shortened(text: str, width: float) -> str:
    most = int(width / LETTER_WIDTH)
    return text if len(text) <= most else f"{text[: most - 1]}\N{HORIZONTAL ELLIPSIS}"
