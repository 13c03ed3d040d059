"""Tables on disk, CSV, JSONL or Parquet, as a stream of column blocks. What a column means is not
known here; see `layouts`.

Texts are stripped of surrounding space and otherwise kept as they are: inner spaces, any script and
a leading `=` are all part of an id. Rows are numbered as people see them: a CSV's header is row 1,
JSONL rows are lines, and a Parquet table's first record is row 1.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import numpy as np

from proskill.csv_cells import unescape_cell
from proskill.errors import ComparisonError
from proskill.rating.comparisons import FloatArray, IntArray
from proskill.rating.table_builder import TextColumn
from proskill.rating_files.cells import (
    NUMBERS,
    arrow_texts,
    checked_texts,
    numbers_of_arrow,
    numbers_of_texts,
)
from proskill.rating_files.lines import TextLines, csv_records

# Small for rows of Python objects, which the garbage collector visits again and again.
_TEXT_ROWS: Final = 8_192
_PARQUET_ROWS: Final = 262_144


@dataclass(frozen=True, eq=False)
class Block:
    """N rows of a file.

    Attributes:
        path: the file.
        rows: (N,) row numbers in the file.
        texts: columns of text, an empty text where the file has none.
        numbers: (N,) columns of numbers, NaN where the file has none; instants in seconds.
        num_bytes: how much of the file was read when this block was complete.
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
        names: the columns in the file's order; of JSONL, the keys of the first object.
        blocks: the rows, with those of the columns named that the file has.
    """

    container: str
    names: tuple[str, ...]
    blocks: Callable[[Sequence[str]], Iterator[Block]]


def open_columns(path: Path) -> ColumnFile:
    """Tell the container from the file's first bytes, and read the names of its columns.

    Raises:
        ComparisonError: the file is empty, or not such a table. Problems further down are raised
            while blocks are read.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if start == b"PAR1":
        return _open_parquet(path)
    first = next((line for line in TextLines(path) if line.strip()), None)
    if first is None:
        raise ComparisonError("is empty; the first line must name the columns", path=path)
    return _open_json(path) if first.lstrip().startswith("{") else _open_csv(path)


def text_block(
    path: Path, rows: Sequence[int], columns: Mapping[str, Sequence[str]], *, num_bytes: int
) -> Block:
    """A block from lists of texts; columns that hold numbers are converted.

    Raises:
        ComparisonError: a number that is none, or a text that cannot be an id.
    """
    numbered = np.array(rows, np.int64)
    texts, numbers = {}, {}
    for name, cells in columns.items():
        column = checked_texts(path, numbered, name, TextColumn.of(cells))
        if name in NUMBERS:
            numbers[name] = numbers_of_texts(path, numbered, name, column)
        else:
            texts[name] = column
    return Block(path, numbered, texts, numbers, num_bytes)


def _open_csv(path: Path) -> ColumnFile:
    _, [header] = next(csv_records(TextLines(path), batch_size=1))
    names = [cell.strip().lower() for cell in header]
    while names and not names[-1]:  # EPIC-Skills ends its lines with a comma, or does not
        names.pop()

    def blocks(wanted: Sequence[str]) -> Iterator[Block]:
        _require_distinct(path, names, wanted)
        lines = TextLines(path)
        for index, (rows, cells) in enumerate(csv_records(lines, batch_size=_TEXT_ROWS)):
            if index == 0:
                del rows[0], cells[0]
            _require_width(path, rows, cells, num_named=len(names), num_cells=len(header))
            columns = {n: [row[i] for row in cells] for i, n in enumerate(names) if n in wanted}
            block = text_block(path, rows, columns, num_bytes=lines.num_bytes)
            for name, column in block.texts.items():
                values = tuple(unescape_cell(value) for value in column.values)
                block.texts[name] = TextColumn(values, column.codes)
            yield block

    return ColumnFile("CSV", tuple(names), blocks)


def _require_width(
    path: Path, rows: Sequence[int], cells: Sequence[list[str]], *, num_named: int, num_cells: int
) -> None:
    """Refuse rows that lack a cell, or have one beyond the header that is not empty."""
    if set(map(len, cells)) <= {num_named, num_cells}:
        return
    for row, own in zip(rows, cells, strict=True):
        if len(own) < num_named or any(own[num_cells:]):
            raise ComparisonError(
                f"has {len(own)} cells but the header names {num_named} columns; quote a cell "
                "that holds a comma, and keep the commas of empty cells",
                row=row,
                path=path,
            )


def _open_json(path: Path) -> ColumnFile:
    _, first = next(_json_objects(TextLines(path)))

    def blocks(wanted: Sequence[str]) -> Iterator[Block]:
        lines = TextLines(path)
        objects = _json_objects(lines)
        while batch := list(itertools.islice(objects, _TEXT_ROWS)):
            columns: dict[str, Sequence[str]] = {}
            for name in wanted:
                cells: list[Any] = [values.get(name) for _, values in batch]
                kinds = set(map(type, cells))
                if kinds != {str}:  # nearly always all are texts, and nothing is left to do
                    numbered = zip(batch, cells, strict=True)
                    cells = [_json_text(path, row, name, cell) for (row, _), cell in numbered]
                if name in first or kinds != {type(None)}:
                    columns[name] = cells
            rows = [row for row, _ in batch]
            yield text_block(path, rows, columns, num_bytes=lines.num_bytes)

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


def _open_parquet(path: Path) -> ColumnFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def refuse(error: Exception, row: int | None = None) -> NoReturn:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ComparisonError(
            f"is not a whole Parquet file: {reason}", row=row, path=path
        ) from None

    try:
        with pq.ParquetFile(path) as file:
            spelled = list(file.schema_arrow.names)
    except (pa.ArrowException, OSError, ValueError) as error:
        refuse(error)
    names = [name.strip().lower() for name in spelled]

    def blocks(wanted: Sequence[str]) -> Iterator[Block]:
        _require_distinct(path, names, wanted)
        columns = {own: name for own, name in zip(spelled, names, strict=True) if name in wanted}
        size, start = path.stat().st_size, 0
        try:
            with pq.ParquetFile(path) as file:
                num_rows = file.metadata.num_rows
                for batch in file.iter_batches(_PARQUET_ROWS, columns=list(columns)):
                    rows = np.arange(start + 1, start + 1 + batch.num_rows)
                    start += batch.num_rows
                    done = size * start // max(1, num_rows)
                    yield _arrow_block(
                        path,
                        rows,
                        batch.rename_columns([columns[own] for own in batch.schema.names]),
                        done,
                    )
        except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: damaged text
            refuse(error, row=start + 1)

    return ColumnFile("Parquet", tuple(names), blocks)


def _arrow_block(path: Path, rows: IntArray, batch: Any, num_bytes: int) -> Block:
    texts, numbers = {}, {}
    for name, array in zip(batch.schema.names, batch.columns, strict=True):
        if name in NUMBERS:
            numbers[name] = numbers_of_arrow(path, rows, name, array)
        else:
            texts[name] = checked_texts(path, rows, name, arrow_texts(path, name, array))
    return Block(path, rows, texts, numbers, num_bytes)


def _require_distinct(path: Path, names: Sequence[str], wanted: Sequence[str]) -> None:
    for name in wanted:
        if names.count(name) > 1:
            raise ComparisonError(f"column {name!r} appears twice; keep one", path=path)
