"""Rows on disk: a journal that grows while a batch runs, and the file it becomes.

The journal `<out>.partial` holds a JSON object a line, written as results come; the last line of a
process that died may be torn and is dropped. Memory holds a few numbers per row, never the rows.
"""

from __future__ import annotations

import csv
import fcntl
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from proskill.errors import ProskillError
from proskill.scoring.batch.table_row import is_numeric
from proskill.table_files import escape_cell, unescape_cell
from proskill.whole_file import write_whole

RESULT_SUFFIXES = (".jsonl", ".csv", ".parquet")

_ADVICE = "free some space or choose another place with --out, then go on with --resume"
_ROWS_PER_GROUP = 1000


class RowJournal:
    """Rows by take, each appended at once; the last one of a take counts.

    Args:
        out: the file that the rows are for.
        resume: go on with the rows of `<out>.partial`, or of `out` itself.
        options: that every row was made with, as its fingerprint ends.

    Raises:
        ProskillError: another ending, or an earlier file without `resume`.
    """

    def __init__(self, out: Path, *, resume: bool, options: Sequence[str] = ()) -> None:
        if out.suffix.lower() not in RESULT_SUFFIXES:
            raise ProskillError(
                f"{out}: results are written as {', '.join(RESULT_SUFFIXES)}; choose such an ending"
            )
        self.is_flat = out.suffix.lower() != ".jsonl"
        self.path = out.with_name(f"{out.name}.partial")
        if not resume:
            for path in (out, self.path):
                if path.exists():
                    raise ProskillError(
                        f"{path}: exists already; go on with --resume, or remove it"
                    )
        self._out = out
        self._options = tuple(options)
        self._rows: dict[str, tuple[int, str, bool]] = {}  # take -> (offset, fingerprint, is error)

    def __enter__(self) -> Self:
        """Open the journal, for this process alone.

        Raises:
            ProskillError: another process writes it, it cannot be written, or earlier rows are of
                another kind or were made with other options.
        """
        try:
            self._out.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b")
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise ProskillError(
                f"{self.path}: another process writes it; wait for it or choose another --out"
            ) from error
        try:
            self._is_new = self._file.seek(0, io.SEEK_END) == 0
            self._read_earlier()
            if not self._rows and self._out.is_file():
                for row in read_rows(self._out):
                    self._check_options(self._out, row)
                    self.add(row)
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def has(self, take_id: str, fingerprint: str) -> bool:
        """Return True when a row of this take, scored in the same way, is no error."""
        _, known, is_error = self._rows.get(take_id, (0, "", True))
        return not is_error and known == fingerprint

    def is_error(self, take_id: str) -> bool:
        """Return True when the row of this take is an error."""
        return self._rows[take_id][2]

    def add(self, row: dict[str, Any]) -> None:
        """Append a row with `take_id`, `fingerprint` and `status`.

        Raises:
            ProskillError: the disk is full.
        """
        line = json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n"
        try:
            offset = self._file.seek(0, io.SEEK_END)
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            raise self._unwritable(error) from error
        self._remember(offset, row)

    def lines(self, take_ids: Iterable[str]) -> Iterator[bytes]:
        """The rows of these takes as JSON lines, one after the other."""
        for take_id in take_ids:
            self._file.seek(self._rows[take_id][0])
            yield self._file.readline()

    def discard(self) -> None:
        """Remove the journal: its rows are in the file they are for."""
        self.path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._is_new and not self._rows:
            self.path.unlink(missing_ok=True)
        self._file.close()

    def _remember(self, offset: int, row: dict[str, Any]) -> None:
        is_error = row["status"] == "error"
        self._rows[row["take_id"]] = (offset, row.get("fingerprint") or "", is_error)

    def _read_earlier(self) -> None:
        self._file.seek(0)
        while True:
            offset = self._file.tell()
            line = self._file.readline()
            if not line.endswith(b"\n"):
                self._file.truncate(offset)  # the process died while it wrote this line
                return
            row = _parsed(self.path, line)
            self._check_options(self.path, row)
            self._remember(offset, row)

    def _check_options(self, path: Path, row: dict[str, Any]) -> None:
        """Rows that were read or explained in different ways must not stand in one file."""
        _, *before = (row.get("fingerprint") or "").split("+")
        for option in sorted(set(before) ^ set(self._options)):
            word = "with" if option in before else "without"
            raise ProskillError(
                f"{path}: was begun {word} --{option}, and rows of both kinds do not belong in one "
                f"file; go on {word} it, or choose another --out"
            )

    def _unwritable(self, error: OSError) -> ProskillError:
        return ProskillError(
            f"{self.path}: cannot be written ({error.strerror or error}); {_ADVICE}"
        )


def write_rows(out: Path, lines: Iterable[bytes], *, columns: Sequence[str]) -> None:
    """Write rows whole or not at all.

    Args:
        out: ends in one of `RESULT_SUFFIXES`.
        lines: one JSON object each.
        columns: of a table; rows may lack some.

    Raises:
        ProskillError: the file cannot be written.
    """
    names = (*columns, "fingerprint")
    suffix = out.suffix.lower()
    if suffix == ".csv":
        lines = _csv_parts(lines, names)
    elif suffix == ".parquet":
        lines = _parquet_parts(lines, names)
    write_whole(out, lines, advice=_ADVICE)


def read_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file that `write_rows` wrote; a cell without content is None.

    Raises:
        ProskillError: it holds something else.
    """
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        with path.open("rb") as file:
            for line in file:
                yield _parsed(path, line)
        return
    for cells in _csv_rows(path) if suffix == ".csv" else _parquet_rows(path):
        if not cells.get("take_id") or "status" not in cells:
            raise _foreign(path)
        yield cells


def _parsed(path: Path, line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
        if isinstance(row["take_id"], str) and isinstance(row["status"], str):
            return dict(row)
    except (ValueError, KeyError, TypeError):
        pass
    raise _foreign(path)


def _foreign(path: Path) -> ProskillError:
    return ProskillError(
        f"{path}: holds rows that no batch of `proskill score` wrote; remove it or choose another "
        "--out"
    )


def _csv_parts(lines: Iterable[bytes], names: Sequence[str]) -> Iterator[bytes]:
    def encoded(cells: Iterable[object]) -> bytes:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(cells)
        return text.getvalue().encode()

    yield encoded(names)
    for line in lines:
        row = json.loads(line)
        values = (row.get(name) for name in names)
        yield encoded(escape_cell(v) if isinstance(v, str) else v for v in values)


def _csv_rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            for cells in csv.DictReader(file, strict=True):
                yield {name: _cell(name, text) for name, text in cells.items()}
        except (csv.Error, ValueError) as error:
            raise _foreign(path) from error


def _cell(name: str, text: str) -> str | float | None:
    if not text:
        return None
    return float(text) if is_numeric(name) else unescape_cell(text)


def _parquet_parts(lines: Iterable[bytes], names: Sequence[str]) -> Iterator[bytes]:
    """A Parquet file piece by piece, one group of rows in memory at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(
        [(name, pa.float64() if is_numeric(name) else pa.string()) for name in names]
    )
    sink = _Drain()
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema) as writer:
        for group in _groups(lines):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))
            yield from sink.drained()
    yield from sink.drained()


def _parquet_rows(path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=_ROWS_PER_GROUP):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError) as error:
        raise _foreign(path) from error


def _groups(lines: Iterable[bytes]) -> Iterator[list[dict[str, Any]]]:
    group: list[dict[str, Any]] = []
    for line in lines:
        group.append(json.loads(line))
        if len(group) == _ROWS_PER_GROUP:
            yield group
            group = []
    if group:
        yield group


class _Drain(io.RawIOBase):
    """Collects what is written, to be taken away piece by piece."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, content: Any) -> int:
        self._parts.append(bytes(content))
        self._position += len(self._parts[-1])
        return len(self._parts[-1])

    def drained(self) -> list[bytes]:
        parts, self._parts = self._parts, []
        return parts
