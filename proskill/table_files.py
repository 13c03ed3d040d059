"""Tables on disk, CSV or Parquet: one reader and one writer for every package.

CSV is parsed by the standard library in strict mode and Parquet by pyarrow; this module adds exact
row numbers and refusals. Nothing is guessed about bytes: UTF-8 alone is read, with or without the
mark that spreadsheets put in front. Rows are numbered as in a spreadsheet: a CSV's header is row 1,
and a Parquet table's first record is row 1.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final, Literal, NoReturn, TypeVar

from proskill.errors import ManifestError, TableError
from proskill.whole_file import write_whole

TABLE_SUFFIXES: Final = (".csv", ".parquet")
MAX_LINE_BYTES: Final = 1 << 20  # a file without line ends must not fill the memory
# Few rows at a time as lists, which the garbage collector visits again and again.
_PART_ROWS: Final = 1_024
_PARTS: Final = 16
_PARQUET_ROWS: Final = 262_144
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")

# A spreadsheet runs a cell that starts with one of the first four as a formula (OWASP, "CSV
# injection"); the apostrophe itself is among them so that unescaping gives back every text.
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "'")

Row = tuple[int, dict[str, str]]
_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class Batch:
    """N rows of a table.

    Attributes:
        rows: (N,) row numbers in the file.
        columns: (N,) texts of a CSV as they are, or the Arrow array of a Parquet column.
        num_bytes: number of bytes of the file read when this batch was complete.
    """

    rows: Sequence[int]
    columns: dict[str, Any]
    num_bytes: int


@dataclass(frozen=True, eq=False)
class Table:
    """A table that was opened and not yet read.

    Attributes:
        path: the file.
        container: "CSV" or "Parquet".
        names: the columns in the file's order.
        error: raised for what cannot be read.
    """

    path: Path
    container: Literal["CSV", "Parquet"]
    names: tuple[str, ...]
    error: type[TableError]
    _batches: Callable[[Sequence[str]], Iterator[Batch]]

    def read(self, columns: Sequence[str]) -> Iterator[Batch]:
        """Return the rows, with those of the columns that the file has."""
        _require_distinct(self.path, self.error, self.names, columns)
        return self._batches(columns)


def open_csv(
    path: Path, *, error: type[TableError], rename: Callable[[str], str] = str.strip
) -> Table:
    """Read the header of a CSV file; one comma too many at the end of a line is tolerated.

    Args:
        path: an existing file.
        error: raised for what cannot be read, here and while batches are read.
        rename: applied to the names in the header.
    """
    names, records = _csv_table(path, error, rename)

    def batches(columns: Sequence[str]) -> Iterator[Batch]:
        lines = TextLines(path, error=error)
        for parts in batched(map(_transposed, batched(records(lines), _PART_ROWS)), _PARTS):
            rows, *cells = (list(chain.from_iterable(part)) for part in zip(*parts, strict=False))
            texts = dict(zip(names, cells, strict=False))  # beyond the names are empty cells
            yield Batch(rows, {n: texts[n] for n in columns if n in texts}, lines.num_bytes)

    return Table(path, "CSV", tuple(names), error, batches)


def open_parquet(
    path: Path, *, error: type[TableError], rename: Callable[[str], str] = str.strip
) -> Table:
    """Read the schema of a Parquet file; see `open_csv` for the arguments."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    failures = (pa.ArrowException, OSError, ValueError)  # ValueError: damaged text

    def refuse(fault: Exception, row: int | None = None) -> NoReturn:
        reason = (str(fault).strip() or type(fault).__name__).splitlines()[0]
        raise error(
            f"is not a Parquet file, or not a whole one: {reason}", row=row, path=path
        ) from None

    try:
        with pq.ParquetFile(path) as file:
            spelled = list(file.schema_arrow.names)
    except failures as fault:
        refuse(fault)
    names = [rename(name) for name in spelled]

    def batches(columns: Sequence[str]) -> Iterator[Batch]:
        wanted = {own: name for own, name in zip(spelled, names, strict=True) if name in columns}
        size, start = path.stat().st_size, 0
        try:
            with pq.ParquetFile(path) as file:
                num_rows = file.metadata.num_rows
                for batch in file.iter_batches(_PARQUET_ROWS, columns=list(wanted)):
                    rows = range(start + 1, start + 1 + batch.num_rows)
                    start += batch.num_rows
                    arrays = zip(batch.schema.names, batch.columns, strict=True)
                    found = {wanted[own]: array for own, array in arrays}
                    yield Batch(rows, found, size * start // max(1, num_rows))
        except failures as fault:
            refuse(fault, row=start + 1)

    return Table(path, "Parquet", tuple(names), error, batches)


def read_table(path: Path) -> tuple[list[str], Iterator[Row]]:
    """Return column names and a stream of numbered rows of stripped texts.

    Args:
        path: a `.csv` (UTF-8, comma-separated) or `.parquet` file. A missing value is an empty
            text, so that one parser serves both.

    Raises:
        ManifestError: no such file, another format, or content that is not such a table. Problems
            further down the file are raised while the rows are read.
    """
    _require_file(path)
    suffix = path.suffix.lower()
    if suffix == ".csv":
        names, records = _csv_table(path, ManifestError, str.strip)
        _require_distinct(path, ManifestError, names, names)
        rows = records(TextLines(path, error=ManifestError))
        return names, (
            (row, dict(zip(names, map(str.strip, cells), strict=False))) for row, cells in rows
        )
    if suffix != ".parquet":
        allowed = ", ".join(TABLE_SUFFIXES)
        raise ManifestError(
            f"{path}: suffix {path.suffix!r} is not a table's; allowed are {allowed}"
        )
    table = open_parquet(path, error=ManifestError)
    batches = table.read(table.names)
    return list(table.names), chain.from_iterable(map(_parquet_rows, batches))


def read_cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Return the numbered rows of a CSV file that are not blank, the header first.

    Raises:
        ManifestError: no such file, or content that is not such a table.
    """
    _require_file(path)
    return _csv_records(TextLines(path, error=ManifestError))


def write_table(
    path: Path,
    columns: Sequence[str],
    rows: Sequence[Mapping[str, str | float | None]],
    *,
    numeric: frozenset[str],
) -> None:
    """Write a table whole or not at all.

    Args:
        path: ends in `.csv` or `.parquet`; its folder is made when missing.
        columns: in this order.
        rows: a value per column; None is an empty cell. Numbers keep their full precision.
        numeric: columns of numbers, for formats that have types.

    Raises:
        ManifestError: another suffix.
        StorageError: the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        raise ManifestError(
            f"{path}: suffix {path.suffix!r}; a table is written as {' or '.join(TABLE_SUFFIXES)}"
        )
    values = {name: [row[name] for row in rows] for name in columns}
    if suffix == ".csv":
        for name in numeric.intersection(columns):
            values[name] = [None if value is None else float(value) for value in values[name]]
        content = csv_bytes(columns, zip(*values.values(), strict=True))
    else:
        import pyarrow as pa

        content = parquet_bytes(values, dict.fromkeys(numeric, pa.float64()))
    write_whole(path, [content], advice="free space or choose another place")


def csv_bytes(columns: Iterable[str], rows: Iterable[Iterable[object]]) -> bytes:
    """Return a CSV file's content; None is an empty cell."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8")


def parquet_bytes(columns: Mapping[str, Sequence[Any]], types: Mapping[str, Any]) -> bytes:
    """Return a Parquet file's content.

    Args:
        columns: name -> values.
        types: name -> Arrow type, for columns that hold no text.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = {n: pa.array(values, types.get(n, pa.string())) for n, values in columns.items()}
    sink = io.BytesIO()
    pq.write_table(pa.table(arrays), sink)
    return sink.getvalue()


def escape_cell(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would run as a formula."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def unescape_cell(text: str) -> str:
    """Return the text that `escape_cell` was given; a cell that needs no escape is kept."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA_STARTS) else text


def batched(rows: Iterator[_T], size: int) -> Iterator[list[_T]]:
    """Return lists of up to `size` rows; an error comes after the rows before it."""
    fault: TableError | None = None
    while fault is None:
        batch = []
        try:
            for row in islice(rows, size):
                batch.append(row)
        except TableError as error:
            fault = error
        if batch:
            yield batch
        elif fault is None:
            return
    raise fault


class TextLines:
    """The lines of a text file, with their line ends.

    Attributes:
        path: the file.
        error: raised for a line that is not UTF-8 text, has a NUL, or is longer than 1 MiB.
        num_bytes: number of bytes read so far.
    """

    def __init__(self, path: Path, *, error: type[TableError]) -> None:
        self.path = path
        self.error = error
        self.num_bytes = 0

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._pieces())

    def _pieces(self) -> Iterator[io.StringIO]:
        """Whole lines of about a MiB: checked and decoded at once, which is many times faster."""
        num_lines = 0
        with self.path.open("rb") as file:
            while raw := file.read(MAX_LINE_BYTES):
                raw += file.readline(MAX_LINE_BYTES)
                if not self.num_bytes and raw.startswith(_UTF16_MARKS):
                    raise self.error("is UTF-16 text; save it as UTF-8", path=self.path)
                text = self._decoded(raw, num_lines)
                if not self.num_bytes:
                    text = text.removeprefix("\ufeff")
                self.num_bytes += len(raw)
                num_lines += raw.count(b"\n")
                yield io.StringIO(text, "\n")

    def _decoded(self, raw: bytes, num_lines: int) -> str:
        def error(position: int, reason: str) -> TableError:
            row = num_lines + raw.count(b"\n", 0, position) + 1
            return self.error(reason, row=row, path=self.path)

        start = max(raw.rfind(b"\n", 0, -1), 0)
        if len(raw) - start > MAX_LINE_BYTES:
            raise error(len(raw) - 1, "the line is longer than 1 MiB")
        if b"\0" in raw:
            reason = "holds a NUL byte and is not a text file; save it as UTF-8"
            raise error(raw.index(b"\0"), reason)
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError as fault:
            raise error(
                fault.start,
                f"byte 0x{raw[fault.start]:02x} is not UTF-8 text, perhaps Latin-1 or "
                "Windows-1252; save the file as UTF-8",
            ) from None


def _csv_records(lines: TextLines) -> Iterator[tuple[int, list[str]]]:
    """Return the records that are not blank, the header first."""
    row, is_empty = 0, True
    try:
        for row, cells in enumerate(csv.reader(lines, strict=True), 1):
            if cells and (cells[0].strip() or any(map(str.strip, cells))):
                is_empty = False
                yield row, cells
    except csv.Error as fault:
        raise lines.error(f"is not CSV: {fault}", row=row + 1, path=lines.path) from None
    if is_empty:
        raise lines.error("is empty; the first line must name the columns", path=lines.path)


def _csv_table(
    path: Path, error: type[TableError], rename: Callable[[str], str]
) -> tuple[list[str], Callable[[TextLines], Iterator[tuple[int, list[str]]]]]:
    """Return the names of a CSV's columns, and a reader of its numbered rows."""
    _, header = next(_csv_records(TextLines(path, error=error)))
    names = [rename(name) for name in header]
    while names and not names[-1]:
        names.pop()
    widths = (len(names), len(header))

    def records(lines: TextLines) -> Iterator[tuple[int, list[str]]]:
        for row, cells in islice(_csv_records(lines), 1, None):
            width = len(cells)
            if width not in widths and (width != len(header) + 1 or cells[-1]):
                raise error(
                    f"has {width} cells but the header names {len(names)} columns; quote a cell "
                    "that holds a comma, and keep the commas of empty cells",
                    row=row,
                    path=path,
                )
            yield row, cells

    return names, records


def _parquet_rows(batch: Batch) -> Iterator[Row]:
    columns = [map(_as_text, column.to_pylist()) for column in batch.columns.values()]
    for row, *cells in zip(batch.rows, *columns, strict=True):
        yield row, dict(zip(batch.columns, cells, strict=True))


def _require_distinct(
    path: Path, error: type[TableError], names: Sequence[str], wanted: Sequence[str]
) -> None:
    for name in wanted:
        if name and names.count(name) > 1:
            raise error(f"column {name!r} appears twice; keep one", path=path)


def _transposed(batch: list[tuple[int, list[str]]]) -> tuple[tuple[Any, ...], ...]:
    """Return columns, the row numbers first, as far as the shortest row goes."""
    rows, cells = zip(*batch, strict=True)
    return (rows, *zip(*cells, strict=False))


def _as_text(value: object) -> str:
    """Return a typed cell as the text that a CSV would have; pandas writes NaN for none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(value).strip()


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise ManifestError(f"{path}: is a folder; give the table inside it")
    if not path.is_file():
        raise ManifestError(f"{path}: no such file; check the path")
