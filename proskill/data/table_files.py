"""Tables on disk, CSV or Parquet: rows in, rows out. What a row means is up to `manifest`.

Every cell is text on this side, an empty text where the file has none, so that one parser serves
both formats. Rows are numbered as a person sees them: a CSV's header is row 1, as in a spreadsheet,
and a Parquet table's first record is row 1.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from proskill.errors import ManifestError

TABLE_SUFFIXES = (".csv", ".parquet")

Row = tuple[int, dict[str, str]]


def read_table(path: Path) -> tuple[list[str], Iterator[Row]]:
    """Column names and a stream of numbered rows; cells are stripped of surrounding space.

    Args:
        path: a `.csv` (UTF-8, comma-separated) or `.parquet` file.

    Raises:
        ManifestError: no such file, another format, or content that is not such a table. Problems
            further down the file are raised while the rows are read.
    """
    _require_file(path)
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path)
    if path.suffix.lower() == ".csv":
        return _read_csv(path)
    raise ManifestError(
        f"{path}: suffix {path.suffix!r} is not a table's; allowed are {', '.join(TABLE_SUFFIXES)}"
    )


def read_cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV file that are not blank, the header first, for files read by position.

    Raises:
        ManifestError: no such file, or content that is not such a table.
    """
    _require_file(path)
    _require_text(path)
    return _csv_rows(path)


def write_table(
    path: Path,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, str | float | None]],
    *,
    numeric: frozenset[str],
) -> None:
    """Write a table in one step: the file is the old one or the whole new one, never a part.

    Args:
        path: ends in `.csv` or `.parquet`; its folder is made when missing.
        columns: in this order.
        rows: a value per column; None is an empty cell. Numbers keep their full precision.
        numeric: columns that hold numbers, for formats that have types.

    Raises:
        ManifestError: another suffix.
        OSError: the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        content = _csv_bytes(columns, rows)
    elif suffix == ".parquet":
        content = _parquet_bytes(columns, rows, numeric)
    else:
        raise ManifestError(
            f"{path}: suffix {path.suffix!r}; a table is written as {' or '.join(TABLE_SUFFIXES)}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        temporary.write_bytes(content)
        os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise ManifestError(f"{path}: is a folder; give the table inside it")
    if not path.is_file():
        raise ManifestError(f"{path}: no such file; check the path")


def _require_text(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(4096)
    if not start.strip():
        raise ManifestError(f"{path}: is empty; the first line must name the columns")
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ManifestError(f"{path}: is UTF-16 text; save it as UTF-8")
    if b"\0" in start or start.startswith(b"PAR1"):
        raise ManifestError(f"{path}: is not a text file; a CSV file is expected")


def _read_csv(path: Path) -> tuple[list[str], Iterator[Row]]:
    _require_text(path)
    rows = _csv_rows(path)
    _, header = next(rows, (0, []))
    columns = [name.strip() for name in header]
    _require_distinct(path, columns)
    return columns, _named(path, columns, rows)


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, numbered from 1 with the header."""
    number = 0
    with path.open(encoding="utf-8-sig", newline="") as file:  # -sig: spreadsheets write a BOM
        reader = csv.reader(file, strict=True)
        while True:
            number += 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except UnicodeDecodeError as error:
                raise ManifestError(
                    f"{path}: near row {number}: is not UTF-8 text ({error.reason}); "
                    "save it as UTF-8"
                ) from None
            except csv.Error as error:
                raise ManifestError(f"{path}: row {number}: is not CSV: {error}") from None
            if any(cell.strip() for cell in cells):
                yield number, cells


def _named(path: Path, columns: list[str], rows: Iterator[tuple[int, list[str]]]) -> Iterator[Row]:
    for number, cells in rows:
        if len(cells) != len(columns):
            raise ManifestError(
                f"{path}: row {number}: has {len(cells)} cells but the header names {len(columns)} "
                "columns; quote a cell that holds a comma, and keep the commas of empty cells"
            )
        yield number, {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}


def _read_parquet(path: Path) -> tuple[list[str], Iterator[Row]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        columns = list(file.schema_arrow.names)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise ManifestError(f"{path}: is not a Parquet file: {_first_line(error)}") from None
    _require_distinct(path, columns)

    def rows() -> Iterator[Row]:
        number = 0
        try:
            for batch in file.iter_batches(batch_size=4096):
                for record in batch.to_pylist():
                    number += 1
                    yield number, {name: _as_text(value) for name, value in record.items()}
        except (pa.ArrowException, OSError, ValueError) as error:  # ValueError: damaged text
            raise ManifestError(
                f"{path}: after row {number}: is damaged: {_first_line(error)}"
            ) from None
        finally:
            file.close()

    return columns, rows()


def _as_text(value: object) -> str:
    """A typed cell as the text that a CSV would hold; pandas writes NaN for a missing number."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).strip()


def _require_distinct(path: Path, columns: list[str]) -> None:
    for name in columns:
        if columns.count(name) > 1 and name:
            raise ManifestError(f"{path}: column {name!r} appears twice; keep one")


def _csv_bytes(columns: Sequence[str], rows: Sequence[Mapping[str, str | float | None]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        values = (row[name] for name in columns)
        writer.writerow(
            "" if v is None else repr(float(v)) if isinstance(v, int | float) else v for v in values
        )
    return text.getvalue().encode("utf-8")


def _parquet_bytes(
    columns: Sequence[str],
    rows: Sequence[Mapping[str, str | float | None]],
    numeric: frozenset[str],
) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {
            name: pa.array(
                [row[name] for row in rows], type=pa.float64() if name in numeric else pa.string()
            )
            for name in columns
        }
    )
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
