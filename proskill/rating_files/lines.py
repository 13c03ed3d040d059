"""Text files of unknown origin as numbered lines and CSV records; nothing is guessed about bytes.

UTF-8 alone is read, with or without the mark that spreadsheets put in front. Any other encoding is
refused by name instead of giving ids that look like `GrÃ¼n`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from proskill.errors import ComparisonError

MAX_LINE_BYTES: Final = 1 << 20  # a file without line ends must not fill the memory
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")

# A spreadsheet runs a cell that starts with one of the first four as a formula (OWASP, "CSV
# injection"); the apostrophe itself is among them so that unescaping gives back every text.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "'")


class TextLines:
    """The lines of a text file, with their line ends.

    Attributes:
        path: the file.
        num_bytes: how much was read so far.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.num_bytes = 0

    def __iter__(self) -> Iterator[str]:
        """One line after the other.

        Raises:
            ComparisonError: a line that is not UTF-8 text, holds a NUL, or is longer than 1 MiB.
        """
        with self.path.open("rb") as file:
            number = 0
            while raw := file.readline(MAX_LINE_BYTES + 1):
                number += 1
                self.num_bytes += len(raw)
                if number == 1:
                    raw = _without_mark(raw, self.path)
                if len(raw) > MAX_LINE_BYTES:
                    raise self._error(number, "the line is longer than 1 MiB")
                if b"\0" in raw:
                    raise self._error(
                        number, "holds a NUL byte; a text file is expected: CSV or JSONL as UTF-8"
                    )
                try:
                    text = raw.decode("utf-8")
                except UnicodeDecodeError as error:
                    raise self._error(
                        number,
                        f"byte 0x{raw[error.start]:02x} is not UTF-8 text, perhaps Latin-1 or "
                        "Windows-1252; save the file as UTF-8",
                    ) from None
                yield text

    def _error(self, number: int, reason: str) -> ComparisonError:
        return ComparisonError(reason, row=number, path=self.path)


def csv_records(lines: TextLines) -> Iterator[tuple[int, list[str]]]:
    """CSV records that are not blank, numbered from 1 as a spreadsheet numbers its rows.

    Raises:
        ComparisonError: a quote in the wrong place, or what `TextLines` refuses.
    """
    reader = csv.reader(lines, strict=True)
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise ComparisonError(f"is not CSV: {error}", row=number, path=lines.path) from None
        if cells and any(cells):
            yield number, cells


def escape_cell(text: str) -> str:
    """A text for a CSV cell that no spreadsheet takes for a formula: an apostrophe goes before it.

    `unescape_cell` undoes it exactly, whatever the text.
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def unescape_cell(text: str) -> str:
    """The text that `escape_cell` was given; a cell that needs no escape is left as it is."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA_STARTS) else text


def _without_mark(raw: bytes, path: Path) -> bytes:
    if raw.startswith(_UTF16_MARKS):
        raise ComparisonError("is UTF-16 text; save the file as UTF-8", path=path)
    return raw.removeprefix(_UTF8_MARK)
