"""Texts of unknown origin in cells of a CSV file, which spreadsheets open and run."""

from __future__ import annotations

from typing import Final

# A spreadsheet runs a cell that starts with one of the first four as a formula (OWASP, "CSV
# injection"); the apostrophe itself is among them so that unescaping gives back every text.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "'")


def escape_cell(text: str) -> str:
    """A text for a CSV cell that no spreadsheet takes for a formula: an apostrophe goes before it.

    `unescape_cell` undoes it exactly, whatever the text.
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def unescape_cell(text: str) -> str:
    """The text that `escape_cell` was given; a cell that needs no escape is left as it is."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA_STARTS) else text
