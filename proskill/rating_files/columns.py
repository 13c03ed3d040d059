"""Files of judgements, CSV, JSONL or Parquet, as a stream of column blocks. `layouts` gives columns
their meaning.

Texts are stripped of surrounding space and otherwise kept as they are: inner spaces, any script and
a leading `=` are all part of an id. Rows are numbered as in `table_files`; JSONL rows are lines.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from proskill.errors import ComparisonError
from proskill.rating.comparisons import FloatArray, IntArray
from proskill.rating.table_builder import TextColumn
from proskill.rating_files.cells import NUMBERS, number_column, text_column
from proskill.table_files import (
    Table,
    TextLines,
    batched,
    open_csv,
    open_parquet,
    unescape_cell,
)

BLOCK_ROWS: Final = 16_384


@dataclass(frozen=True, eq=False)
class Block:
    """N rows of a file.

    Attributes:
        path: the file.
        rows: (N,) row numbers in the file.
        texts: columns of text, an empty text where the file has none.
        numbers: (N,) columns of numbers, NaN where the file has none; timestamps in seconds.
        num_bytes: number of bytes of the file read when this block was complete.
    """

    path: Path
    rows: IntArray
    texts: dict[str, TextColumn]
    numbers: dict[str, FloatArray]
    num_bytes: int


@dataclass(frozen=True, eq=False)
class ColumnFile:
    """A table that was opened and not yet read.

    Attributes:
        container: "CSV", "JSONL" or "Parquet".
        names: the columns in the file's order, in lower case; of JSONL, the first object's keys.
        blocks: returns the rows, with those of the columns named that the file has.
    """

    container: str
    names: tuple[str, ...]
    blocks: Callable[[Sequence[str]], Iterator[Block]]


def open_columns(path: Path) -> ColumnFile:
    """Recognise the container by the file's first bytes, and read the names of its columns.

    Raises:
        ComparisonError: the file is empty, or not such a table. Problems further down are raised
            while blocks are read.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"PAR1":
        return _column_file(open_parquet(path, error=ComparisonError, rename=_lower))
    first = next(filter(str.strip, text_lines(path)), "")
    if first.lstrip().startswith("{"):
        return _open_json(path)
    return _column_file(open_csv(path, error=ComparisonError, rename=_lower))


def text_lines(path: Path) -> TextLines:
    """Return the lines of a file of judgements."""
    return TextLines(path, error=ComparisonError)


def block_of(
    path: Path,
    rows: Sequence[int],
    columns: Mapping[str, Any],
    *,
    num_bytes: int,
    is_escaped: bool = False,
) -> Block:
    """Return a block of columns that are lists of texts or Arrow arrays.

    Args:
        path: the file.
        rows: (N,) row numbers.
        columns: name -> (N,) cells.
        num_bytes: number of bytes read so far.
        is_escaped: texts were written with `escape_cell`.

    Raises:
        ComparisonError: a number that is none, or a text that cannot be an id.
    """
    texts, numbers = {}, {}
    try:
        for name, cells in columns.items():
            if name in NUMBERS:
                numbers[name] = number_column(name, cells)
                continue
            texts[name] = column = text_column(name, cells)
            if is_escaped:
                texts[name] = TextColumn(tuple(map(unescape_cell, column.values)), column.codes)
    except ComparisonError as error:
        row = None if error.row is None else rows[error.row]
        raise ComparisonError(error.reason, row=row, path=path) from None
    return Block(path, np.array(rows, np.int64), texts, numbers, num_bytes)


def _lower(name: str) -> str:
    return name.strip().lower()


def _column_file(table: Table) -> ColumnFile:
    def blocks(wanted: Sequence[str]) -> Iterator[Block]:
        is_csv = table.container == "CSV"
        for batch in table.read(wanted):
            yield block_of(
                table.path,
                batch.rows,
                batch.columns,
                num_bytes=batch.num_bytes,
                is_escaped=is_csv,
            )

    return ColumnFile(table.container, table.names, blocks)


def _open_json(path: Path) -> ColumnFile:
    _, first = next(_json_objects(text_lines(path)))

    def blocks(wanted: Sequence[str]) -> Iterator[Block]:
        lines = text_lines(path)
        for batch in batched(_json_objects(lines), BLOCK_ROWS):
            rows = [row for row, _ in batch]
            columns: dict[str, Sequence[str]] = {}
            for name in wanted:
                cells: list[Any] = [values.get(name) for _, values in batch]
                kinds = set(map(type, cells))
                if kinds != {str}:  # nearly always all are texts
                    numbered = zip(rows, cells, strict=True)
                    cells = [_json_text(path, row, name, cell) for row, cell in numbered]
                if name in first or kinds != {type(None)}:
                    columns[name] = cells
            yield block_of(path, rows, columns, num_bytes=lines.num_bytes)

    return ColumnFile("JSONL", tuple(first), blocks)


def _json_objects(lines: TextLines) -> Iterator[tuple[int, dict[str, Any]]]:
    for row, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = f"is not JSON ({error}); each line must be one whole object"
            raise ComparisonError(reason, row=row, path=lines.path) from None
        if not isinstance(values, dict):
            raise ComparisonError("is not a JSON object", row=row, path=lines.path)
        yield row, values


def _json_text(path: Path, row: int, name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if is_number or (isinstance(value, float) and name in NUMBERS):
        return repr(value)
    raise ComparisonError(f"{name}={value!r}: must be a text", row=row, path=path)
