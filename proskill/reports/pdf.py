"""A page as PDF, laid out by PlutoBook with the page's own print style.

Letters come from DejaVu Sans, which matplotlib brings along (Latin, Greek, Cyrillic, Arabic,
Hebrew), and else from the machine's fonts. Nothing is loaded from a file or the network.
"""

from __future__ import annotations

import io
import unicodedata
from functools import cache
from pathlib import Path
from typing import Any, Final

from markupsafe import escape

from proskill.errors import ProskillError

_FONTS: Final = {"font:regular": "DejaVuSans.ttf", "font:bold": "DejaVuSans-Bold.ttf"}
_STYLE: Final = """<style>
@font-face { font-family: report; src: url("font:regular"); }
@font-face { font-family: report; font-weight: 700; src: url("font:bold"); }
body, code, .mono { font-family: report, sans-serif; }
</style>"""
_UNASSIGNED: Final = "\U000ffffd"  # a character that no font has
_WITHOUT_PICTURE: Final = {"Cc", "Cf", "Cs", "Mn", "Zl", "Zp", "Zs"}
_MAX_NAMED: Final = 20


def html_to_pdf(html: str) -> bytes:
    """Return a page as PDF, with a remark on characters that cannot be drawn.

    Args:
        html: a page of `base.html`, whose only addresses are data URIs.

    Raises:
        ProskillError: PlutoBook is not installed or fails.
    """
    plutoprint = _plutoprint()
    missing = missing_characters(html)
    if missing:
        html = html.replace("<footer>", f'<p class="soft small">{_remark(missing)}</p><footer>', 1)
    output = io.BytesIO()
    try:
        _book(html).write_to_pdf_stream(output)
    except plutoprint.Error as error:
        raise ProskillError(f"the PDF cannot be made ({error}); write the page as .html") from error
    return output.getvalue()


def missing_characters(text: str) -> str:
    """Return the characters of a text that neither DejaVu Sans nor a font of the machine has."""
    letters = sorted(letter for letter in set(text) if not letter.isascii())
    shown = (letter for letter in letters if unicodedata.category(letter) not in _WITHOUT_PICTURE)
    return "".join(letter for letter in shown if _is_missing(letter))


def _remark(missing: str) -> str:
    named = ", ".join(f"U+{ord(letter):04X}" for letter in missing[:_MAX_NAMED])
    more = f" and {len(missing) - _MAX_NAMED} more" if len(missing) > _MAX_NAMED else ""
    return str(
        escape(
            f"No font of this machine has the characters {named}{more}; they are drawn as boxes. "
            "Install a font that has them, such as Noto, or write the report as a page."
        )
    )


@cache
def _is_missing(letter: str) -> bool:
    return _drawn(letter) == _drawn(_UNASSIGNED)


@cache
def _drawn(letter: str) -> bytes:
    plutoprint, output = _plutoprint(), io.BytesIO()
    book = _book(f"<head></head><p>{escape(letter)}</p>", size=plutoprint.PageSize(30, 30))
    book.write_to_png_stream(output)
    return output.getvalue()


def _book(html: str, *, size: Any = None) -> Any:
    plutoprint = _plutoprint()
    book = plutoprint.Book(
        size or plutoprint.PAGE_SIZE_A4, plutoprint.PAGE_MARGINS_NONE, plutoprint.MEDIA_TYPE_PRINT
    )
    book.custom_resource_fetcher = _fetcher()
    book.load_html(html.replace("</head>", f"{_STYLE}</head>", 1))
    return book


@cache
def _fetcher() -> Any:
    import matplotlib

    plutoprint = _plutoprint()
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"

    class Fonts(plutoprint.ResourceFetcher):  # type: ignore[misc, name-defined]
        """The two fonts, and an empty file in place of all else."""

        def fetch_url(self, url: str) -> Any:
            content = (folder / _FONTS[url]).read_bytes() if url in _FONTS else b""
            return plutoprint.ResourceData(content, "font/ttf", "")

    return Fonts()


def _plutoprint() -> Any:
    try:
        import plutoprint
    except ImportError as error:
        raise ProskillError(
            "a report as .pdf needs plutoprint, which has wheels for Linux and Windows on x86-64 "
            "and for macOS on arm64: pip install 'proskill[app]', or write the report as .html "
            "and print it from a browser"
        ) from error
    return plutoprint
