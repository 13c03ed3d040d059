"""Text files of unknown origin as numbered lines and CSV records; nothing is guessed about bytes.

UTF-8 alone is read, with or without the mark that spreadsheets put in front. Any other encoding is
refused by name instead of giving ids that look like `GrÃ¼n`.
"""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from proskill.errors import ComparisonError

MAX_LINE_BYTES: Final = 1 << 20  # a file without line ends must not fill the memory
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")


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
        return itertools.chain.from_iterable(self._pieces())

    def _pieces(self) -> Iterator[io.StringIO]:
        """Whole lines of about a MiB: checked and decoded at once, which is many times faster."""
        num_lines = 0
        with self.path.open("rb") as file:
            while raw := file.read(MAX_LINE_BYTES):
                raw += file.readline(MAX_LINE_BYTES)
                if not self.num_bytes:
                    self.num_bytes = len(raw)
                    raw = _without_mark(raw, self.path)
                else:
                    self.num_bytes += len(raw)
                text = self._decoded(raw, num_lines)
                num_lines += raw.count(b"\n")
                yield io.StringIO(text, newline="\n")

    def _decoded(self, raw: bytes, num_lines: int) -> str:
        def error(position: int, reason: str) -> ComparisonError:
            row = num_lines + raw.count(b"\n", 0, position) + 1
            return ComparisonError(reason, row=row, path=self.path)

        start = max(raw.rfind(b"\n", 0, -1), 0)
        if len(raw) - start > MAX_LINE_BYTES:
            raise error(len(raw) - 1, "the line is longer than 1 MiB")
        if b"\0" in raw:
            reason = "holds a NUL byte; a text file is expected: CSV or JSONL as UTF-8"
            raise error(raw.index(b"\0"), reason)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as fault:
            raise error(
                fault.start,
                f"byte 0x{raw[fault.start]:02x} is not UTF-8 text, perhaps Latin-1 or "
                "Windows-1252; save the file as UTF-8",
            ) from None


def csv_records(
    lines: TextLines, *, batch_size: int
) -> Iterator[tuple[list[int], list[list[str]]]]:
    """CSV records that are not blank, numbered from 1 as a spreadsheet numbers its rows.

    Returns:
        Batches of up to `batch_size` records: their numbers, and their cells.

    Raises:
        ComparisonError: a quote in the wrong place, or what `TextLines` refuses.
    """
    reader = csv.reader(lines, strict=True)
    numbers: list[int] = []
    records: list[list[str]] = []
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            if cells and (cells[0] or any(cells)):
                numbers.append(number)
                records.append(cells)
                if len(records) == batch_size:
                    yield numbers, records
                    numbers, records = [], []
    except csv.Error as error:
        raise ComparisonError(f"is not CSV: {error}", row=number + 1, path=lines.path) from None
    if records:
        yield numbers, records


def _without_mark(raw: bytes, path: Path) -> bytes:
    if raw.startswith(_UTF16_MARKS):
        raise ComparisonError("is UTF-16 text; save the file as UTF-8", path=path)
    return raw.removeprefix(_UTF8_MARK)
