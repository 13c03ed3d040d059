"""Drawing on the pages of a PDF: texts of any script, bars, scales, charts over time.

Lengths are millimetres. Not here: what an assessment says (`pdf_report.py`).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import matplotlib
from fpdf import FPDF
from fpdf.fonts import TTFFont

from proskill.reports.assessment.effect_chart import effect_range
from proskill.scoring.explain.explanation import Explanation

Colour = tuple[int, int, int]

# As `palette.css` has them for light pages.
INK: Final[Colour] = (26, 36, 33)
SOFT: Final[Colour] = (91, 103, 99)
LINE: Final[Colour] = (223, 228, 225)
ACCENT: Final[Colour] = (11, 122, 99)
ACCENT_SOFT: Final[Colour] = (207, 233, 225)
LESS: Final[Colour] = (213, 94, 0)
DOUBT: Final[Colour] = (138, 90, 0)
DOUBT_SOFT: Final[Colour] = (253, 240, 210)
NONE: Final[Colour] = (85, 96, 107)
NONE_SOFT: Final[Colour] = (231, 234, 238)

_MARGIN = 17.0
_PALE = 0.35
_FONT = "DejaVu"
# Right-to-left and joining scripts need shaping, which is not done here.
_UNSHAPED = frozenset({"R", "AL", "AN", "RLE", "RLO", "RLI", "LRE", "LRO", "LRI", "PDF", "PDI"})


class Page(FPDF):
    """A4 pages with a cursor that runs down and breaks pages by itself.

    Attributes:
        has_replaced: whether a character was written as its Unicode number, as the font lacks it.

    Args:
        title: of the document.
        footer_text: at the foot of every page.
    """

    def __init__(self, *, title: str, footer_text: str) -> None:
        super().__init__(format="A4", unit="mm")
        self.has_replaced = False
        self._footer_text = footer_text
        self.set_margins(_MARGIN, 15, _MARGIN)
        self.c_margin = 0  # texts begin where lines begin
        self.set_auto_page_break(True, margin=18)
        fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
        self.add_font(_FONT, "", fonts / "DejaVuSans.ttf")
        self.add_font(_FONT, "B", fonts / "DejaVuSans-Bold.ttf")
        self.set_font(_FONT, "", 10)
        self.set_title(self.known(title))
        self.set_creator("proskill")
        self.add_page()

    def footer(self) -> None:
        """What fpdf calls at the end of each page."""
        self.set_y(-13)
        self._style(7.5, SOFT)
        self.cell(self.epw - 15, 4, self.known(self._footer_text))
        self.cell(15, 4, str(self.page_no()), align="R")

    def known(self, text: str) -> str:
        """The text with `<U+...>` for each character that cannot be drawn as it should be."""
        font = self.fonts[_FONT.lower()]
        assert isinstance(font, TTFFont)
        parts = []
        for letter in " ".join(text.split()):
            if ord(letter) in font.cmap and unicodedata.bidirectional(letter) not in _UNSHAPED:
                parts.append(letter)
            else:
                parts.append(f"<U+{ord(letter):04X}>")
                self.has_replaced = True
        return "".join(parts)

    def say(
        self,
        text: str,
        *,
        size: float = 9.5,
        colour: Colour = INK,
        is_bold: bool = False,
        after: float = 1.5,
        indent: float = 0.0,
    ) -> None:
        """A paragraph over the whole width; `after` is the space below it."""
        self._style(size, colour, is_bold)
        self.set_x(self.l_margin + indent)
        height = size * 0.3528 * 1.42
        self.multi_cell(
            self.epw - indent, height, self.known(text), align="L", new_x="LMARGIN", new_y="NEXT"
        )
        self.ln(after)

    def heading(self, text: str, *, room: float = 30.0) -> None:
        """A section begins; on the next page if this one has less than `room` left."""
        self.need(room)
        self.ln(3)
        self._line(LINE, self.l_margin, self.get_y(), self.l_margin + self.epw, self.get_y(), 0.2)
        self.ln(3)
        self.say(text, size=11.5, is_bold=True)

    def need(self, room: float) -> None:
        """Go on a new page unless so much is left of this one."""
        if self.will_page_break(room):
            self.add_page()

    def points(self, sentences: Sequence[str]) -> None:
        """A list of sentences."""
        for sentence in sentences:
            self.say(f"\u2022  {sentence}", after=0.6)

    def boxed(self, text: str, *, colour: Colour, ground: Colour) -> None:
        """A sentence that nobody overlooks."""
        self._style(9.5, colour, True)
        self.set_fill_color(*ground)
        self.multi_cell(
            self.epw, 6, self.known(text), fill=True, align="L", padding=2, new_x="LMARGIN",
            new_y="NEXT",
        )  # fmt: skip
        self.ln(3)

    def bar(
        self, name: str, share: float, said: str, *, colour: Colour = ACCENT, is_bold: bool = False
    ) -> None:
        """A row: name, a bar of `share` in [0, 1], what it says in words."""
        self.need(7)
        self._style(9, INK, is_bold)
        names, words, top = 0.3 * self.epw, 0.29 * self.epw, self.get_y()
        self._cut(names - 2, name)
        width = self.epw - names - words - 3
        self._box(NONE_SOFT, self.l_margin + names, top + 1, width, 3.4)
        if share > 0:
            self._box(colour, self.l_margin + names, top + 1, max(0.4, width * share), 3.4)
        self.set_xy(self.l_margin + self.epw - words, top)
        self._cut(words, said)
        self.set_xy(self.l_margin, top + 6)

    def pair(self, name: str, value: str) -> None:
        """A row of a table: what, and what it is."""
        self.need(10)
        top = self.get_y()
        self._style(8, SOFT, True)
        self.set_xy(self.l_margin, top)
        self._cut(36, name)
        self._style(8, INK)
        self.set_xy(self.l_margin + 38, top)
        self.multi_cell(
            self.epw - 38, 4.2, self.known(value), align="L", new_x="LMARGIN", new_y="NEXT"
        )
        self.ln(1)

    def scale(self, names: Sequence[str], value: float, ends: tuple[float, float] | None) -> None:
        """The axis of levels with a value on it and, if given, its interval as a band."""
        self.need(18)
        left, width, y = self.l_margin + 3, self.epw - 6, self.get_y() + 4
        step = width / (len(names) - 1)
        self._line(LINE, left, y, left + width, y, 1.2)
        if ends is not None:
            self._box(ACCENT_SOFT, left + step * ends[0], y - 2, step * (ends[1] - ends[0]), 4)
        self._style(8, SOFT)
        for index, name in enumerate(names):
            self._dot(SOFT, left + step * index, y, 0.8)
            if len(names) > 6 and index not in (0, len(names) - 1):
                continue
            text = self.known(name)
            length = self.get_string_width(text)
            at = min(max(left + step * index - length / 2, left - 3), left + width + 3 - length)
            self.text(at, y + 7, text)
        self._dot(ACCENT, left + step * value, y, 2)
        self.set_xy(self.l_margin, y + 11)

    def strip(self, pictures: Sequence[tuple[str, bytes]]) -> None:
        """Pictures side by side, each with a word below."""
        gap = 2.0
        width = (self.epw - gap * (len(pictures) - 1)) / len(pictures)
        self.need(width)
        top, lowest = self.get_y(), 0.0
        for number, (word, content) in enumerate(pictures):
            left = self.l_margin + number * (width + gap)
            image = self.image(content, x=left, y=top, w=width, h=width, keep_aspect_ratio=True)
            lowest = max(lowest, image.rendered_height)
            self._style(7, SOFT)
            self.text(left, top + image.rendered_height + 3, self.known(word))
        self.set_xy(self.l_margin, top + lowest + 6)

    def steps(self, spans: Sequence[tuple[float, float, float]], names: Sequence[str]) -> None:
        """A score over time: (start, end, score) of each stretch on the axis of levels."""
        left, top, width, height = self._chart(38, spans[0][0], spans[-1][1])
        rows = len(names) - 1
        self._style(7.5, SOFT)
        for index, name in enumerate(names):
            if len(names) > 6 and index not in (0, rows):
                continue
            y = top + height * (1 - index / rows)
            self._line(LINE, left, y, left + width, y, 0.2)
            text = self.known(name)
            self.text(left - 2 - self.get_string_width(text), y + 1, text)
        begin, total = spans[0][0], spans[-1][1] - spans[0][0]
        points = []
        for start, end, score in spans:
            y = top + height * (1 - score / rows)
            x0, x1 = (left + width * (t - begin) / total for t in (start, end))
            self._line(ACCENT_SOFT, x0, y, x1, y, 1.6)
            points.append(((x0 + x1) / 2, y))
        self.set_draw_color(*ACCENT)
        self.set_line_width(0.6)
        self.polyline(points)
        for x, y in points:
            self._dot(ACCENT, x, y, 0.9)

    def effects(self, explanation: Explanation) -> None:
        """Signed effects over time with their noise, as `effect_chart` draws them."""
        segments = explanation.segments
        begin, end = segments[0].start_seconds, segments[-1].end_seconds
        self.ln(4)
        left, top, width, height = self._chart(30, begin, end)
        most = effect_range(explanation)
        middle = top + height / 2

        def x(seconds: float) -> float:
            return left + width * (seconds - begin) / (end - begin)

        def y(effect: float) -> float:
            return middle - height / 2 * effect / most

        self._line(SOFT, left, middle, left + width, middle, 0.2)
        self._style(7.5, SOFT)
        for word, at in (("more skilled", top + 3), ("less skilled", top + height)):
            self.text(left - 2 - self.get_string_width(word), at, word)
        for part in segments:
            x0, x1 = x(part.start_seconds), x(part.end_seconds)
            colour = ACCENT if part.effect > 0 else LESS
            upper, lower = sorted((y(part.effect), middle))
            shown = _pale(colour) if part.may_be_chance else colour
            self._box(shown, x0, upper, max(0.3, x1 - x0 - 0.3), max(0.2, lower - upper))
            centre = (x0 + x1) / 2
            ends = y(part.effect - part.noise), y(part.effect + part.noise)
            self._line(NONE, centre, ends[0], centre, ends[1], 0.3)
        self._style(8, INK, True)
        for number, moment in enumerate(explanation.moments, 1):
            x0, x1 = x(moment.start_seconds), x(moment.end_seconds)
            self._line(INK, x0, top - 1.5, x1, top - 1.5, 0.6)
            self.text((x0 + x1 - self.get_string_width(str(number))) / 2, top - 2.5, str(number))

    def _chart(self, height: float, start: float, end: float) -> tuple[float, float, float, float]:
        """Room for a chart, its axis of seconds drawn: left, top, width, height of the inside."""
        self.need(height + 10)
        left, top = self.l_margin + 36, self.get_y() + 2
        width = self.epw - 40
        self._style(7.5, SOFT)
        for number in range(5):
            seconds = start + (end - start) * number / 4
            text = f"{seconds:.1f} s"
            x = left + width * number / 4
            self.text(x - self.get_string_width(text) / 2, top + height + 4, text)
        self.set_xy(self.l_margin, top + height + 8)
        return left, top, width, height

    def _cut(self, width: float, text: str) -> None:
        """A cell whose text ends with dots where it is too long."""
        text = self.known(text)
        whole = text
        while text and self.get_string_width(text if text == whole else f"{text}…") > width - 1:
            text = text[:-1]
        self.cell(width, 5, text if text == whole else f"{text}…")

    def _style(self, size: float, colour: Colour, is_bold: bool = False) -> None:
        self.set_font(_FONT, "B" if is_bold else "", size)
        self.set_text_color(*colour)

    def _line(
        self, colour: Colour, x0: float, y0: float, x1: float, y1: float, width: float
    ) -> None:
        self.set_draw_color(*colour)
        self.set_line_width(width)
        self.line(x0, y0, x1, y1)

    def _box(self, colour: Colour, x: float, y: float, width: float, height: float) -> None:
        self.set_fill_color(*colour)
        self.rect(x, y, width, height, style="F")

    def _dot(self, colour: Colour, x: float, y: float, radius: float) -> None:
        self.set_fill_color(*colour)
        self.circle(x, y, radius, style="F")


def _pale(colour: Colour) -> Colour:
    """The colour as seen through on white, as bars that may be chance are on a screen."""
    red, green, blue = (round(255 + _PALE * (part - 255)) for part in colour)
    return red, green, blue
