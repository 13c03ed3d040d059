"""Columns of cells, as lists of texts or Arrow arrays: texts that can be ids, numbers, timestamps.

An error's `row` is the 0-based index of the cell in its column; `columns` adds file and row.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from proskill.errors import ComparisonError
from proskill.rating.comparisons import BoolArray, FloatArray
from proskill.rating.table_builder import TextColumn

MAX_TEXT_LENGTH: Final = 4096  # characters; as long as a path may be
TIMESTAMPS: Final = ("shown_at", "answered_at")
NUMBERS: Final = ("seconds", *TIMESTAMPS)

# Seconds since 1970 stay below this until the year 5138; today's milliseconds are above.
_MAX_INSTANT: Final = 1e11
_ALLOWED: Final = {
    "seconds": "a number of seconds, 0 or more, or empty",
    **dict.fromkeys(TIMESTAMPS, "ISO 8601 or seconds since 1970, not milliseconds"),
}


def text_column(name: str, cells: Any) -> TextColumn:
    """Return texts without surrounding space, an empty text for null.

    Args:
        name: of the column.
        cells: (N,) texts, or an Arrow array of texts or whole numbers.

    Raises:
        ComparisonError: the column has another type, or a text that cannot be shown or written.
    """
    column = TextColumn.of(cells) if isinstance(cells, list | tuple) else _arrow_texts(name, cells)
    values = tuple(map(str.strip, column.values))
    # All values at once: they are nearly always good.
    if not _can_be_written("".join(values), max(map(len, values), default=0)):
        bad = [i for i, value in enumerate(values) if not _can_be_written(value, len(value))]
        for first in np.flatnonzero(np.isin(column.codes, bad))[:1].tolist():
            text = values[column.codes[first]]
            shown = f"{text[:20]!r}{'...' if len(text) > 20 else ''} ({len(text)} characters)"
            raise ComparisonError(
                f"{name}={shown}: must be one line of Unicode text, without NUL, of up to "
                f"{MAX_TEXT_LENGTH} characters",
                row=first,
            )
    return TextColumn(values, column.codes)


def number_column(name: str, cells: Any) -> FloatArray:
    """Return (N,) numbers, timestamps in seconds since 1970; NaN where there is none.

    Args:
        name: one of `NUMBERS`.
        cells: (N,) texts, or an Arrow array of numbers, timestamps or texts.

    Raises:
        ComparisonError: the column has another type, or a value that is no such number.
    """
    if not isinstance(cells, list | tuple):
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_timestamp(cells.type) and name in TIMESTAMPS:
            micro = pc.cast(pc.cast(cells, pa.timestamp("us"), safe=False), pa.int64())
            return np.asarray(pc.divide(pc.cast(micro, pa.float64()), 1e6).to_numpy(False))
        if pa.types.is_floating(cells.type) or pa.types.is_integer(cells.type):
            numbers = pc.cast(cells, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
            return _in_range(name, numbers)
    column = text_column(name, cells)
    values = [_number(name, text) for text in column.values]
    bad = np.array([value is None for value in values], np.bool_)[column.codes]
    for row in np.flatnonzero(bad)[:1].tolist():
        raise _not_allowed(name, row, column.values[column.codes[row]])
    known = np.array([math.nan if value is None else value for value in values], np.float64)
    return _in_range(name, known[column.codes])


def _arrow_texts(name: str, array: Any) -> TextColumn:
    import pyarrow as pa

    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    if not any(test(kind) for test in (*tests, pa.types.is_integer, pa.types.is_null)):
        raise ComparisonError(f"column {name!r} holds {kind}; save it as text")
    encoded = array.cast(pa.string()).dictionary_encode()
    values = (*encoded.dictionary.to_pylist(), "")
    return TextColumn(values, encoded.indices.fill_null(len(values) - 1).to_numpy())


def _can_be_written(text: str, length: int) -> bool:
    if length > MAX_TEXT_LENGTH or any(character in text for character in "\0\r\n"):
        return False
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON and only JSON can spell
        return False
    return True


def _number(name: str, text: str) -> float | None:
    """Return None for a text that is no number."""
    if not text:
        return math.nan
    try:
        return float(text)
    except ValueError:
        pass
    if name not in TIMESTAMPS:
        return None
    try:
        timestamp = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)).timestamp()


def _in_range(name: str, numbers: FloatArray) -> FloatArray:
    if name in TIMESTAMPS:
        bad: BoolArray = (abs(numbers) > _MAX_INSTANT) | np.isinf(numbers)
    else:
        bad = (numbers < 0) | np.isinf(numbers)
    for row in np.flatnonzero(bad)[:1].tolist():
        raise _not_allowed(name, row, str(numbers[row]))
    return numbers


def _not_allowed(name: str, row: int, value: str) -> ComparisonError:
    return ComparisonError(f"{name}={value!r}: must be {_ALLOWED[name]}", row=row)
