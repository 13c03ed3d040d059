"""Columns of a file's cells: texts that can be ids, numbers, and instants as seconds."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from proskill.errors import ComparisonError
from proskill.rating.comparisons import BoolArray, FloatArray, IntArray
from proskill.rating.table_builder import TextColumn

MAX_TEXT_LENGTH: Final = 4096  # characters; as long as a path may be
INSTANTS: Final = ("shown_at", "answered_at")
NUMBERS: Final = ("seconds", *INSTANTS)

# Seconds since 1970 stay below this until the year 5138; today's milliseconds are above.
_MAX_INSTANT: Final = 1e11
_ALLOWED: Final = {
    "seconds": "a number of seconds, 0 or more, or empty",
    **dict.fromkeys(INSTANTS, "ISO 8601 or seconds since 1970, not milliseconds"),
}


def checked_texts(path: Path, rows: IntArray, name: str, column: TextColumn) -> TextColumn:
    """The texts without surrounding space.

    Raises:
        ComparisonError: a text that could not be shown or written again.
    """
    values = tuple(map(str.strip, column.values))
    joined = "".join(values)  # one look at all of them, as nearly always nothing is wrong
    is_short = max(map(len, values), default=0) <= MAX_TEXT_LENGTH
    if is_short and _has_no_break(joined) and _is_unicode(joined):
        return TextColumn(values, column.codes)
    bad = [i for i, value in enumerate(values) if not _can_be_written(value)]
    for first in np.flatnonzero(np.isin(column.codes, bad))[:1].tolist():
        text = values[column.codes[first]]
        shown = f"{text[:20]!r}{'...' if len(text) > 20 else ''} ({len(text)} characters)"
        raise ComparisonError(
            f"{name}={shown}: must be one line of Unicode text, without NUL, of up to "
            f"{MAX_TEXT_LENGTH} characters",
            row=int(rows[first]),
            path=path,
        )
    return TextColumn(values, column.codes)


def arrow_texts(path: Path, name: str, array: Any) -> TextColumn:
    """A column of texts or whole numbers, an empty text for null.

    Raises:
        ComparisonError: the column holds something else, such as fractions.
    """
    import pyarrow as pa

    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    is_text = any(
        test(kind)
        for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    )
    if not (is_text or pa.types.is_integer(kind) or pa.types.is_null(kind)):
        raise ComparisonError(f"column {name!r} holds {kind}; save it as text", path=path)
    encoded = array.cast(pa.string()).dictionary_encode()
    values = (*encoded.dictionary.to_pylist(), "")
    codes = encoded.indices.fill_null(len(values) - 1).to_numpy()
    return TextColumn(values, codes)


def numbers_of_texts(path: Path, rows: IntArray, name: str, column: TextColumn) -> FloatArray:
    """(N,) numbers from text; NaN where it is empty or says nan.

    Raises:
        ComparisonError: a text that is no such number or instant.
    """
    values = [_number(name, text) for text in column.values]
    bad = np.array([value is None for value in values], np.bool_)[column.codes]
    for row in np.flatnonzero(bad)[:1].tolist():
        _refuse(path, rows, name, row, column.values[column.codes[row]])
    numbers = np.array([math.nan if value is None else value for value in values], np.float64)
    return _in_range(path, rows, name, numbers[column.codes])


def numbers_of_arrow(path: Path, rows: IntArray, name: str, array: Any) -> FloatArray:
    """(N,) numbers from an Arrow column of numbers, timestamps or texts; NaN for null.

    Raises:
        ComparisonError: another type, or a value that is no such number or instant.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(array.type) and name in INSTANTS:
        micro = pc.cast(pc.cast(array, pa.timestamp("us"), safe=False), pa.int64())
        return np.asarray(pc.divide(pc.cast(micro, pa.float64()), 1e6).to_numpy(False))
    if pa.types.is_floating(array.type) or pa.types.is_integer(array.type):
        numbers = pc.cast(array, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        return _in_range(path, rows, name, numbers)
    return numbers_of_texts(path, rows, name, arrow_texts(path, name, array))


def _can_be_written(text: str) -> bool:
    return len(text) <= MAX_TEXT_LENGTH and _has_no_break(text) and _is_unicode(text)


def _has_no_break(text: str) -> bool:
    return not any(character in text for character in "\0\r\n")


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON and only JSON can spell
        return False
    return True


def _number(name: str, text: str) -> float | None:
    """None for what is no number."""
    if not text:
        return math.nan
    try:
        return float(text)
    except ValueError:
        pass
    if name not in INSTANTS:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()


def _in_range(path: Path, rows: IntArray, name: str, numbers: FloatArray) -> FloatArray:
    if name in INSTANTS:
        bad: BoolArray = (abs(numbers) > _MAX_INSTANT) | np.isinf(numbers)
    else:
        bad = (numbers < 0) | np.isinf(numbers)
    for row in np.flatnonzero(bad)[:1].tolist():
        _refuse(path, rows, name, row, str(numbers[row]))
    return numbers


def _refuse(path: Path, rows: IntArray, name: str, row: int, value: str) -> None:
    raise ComparisonError(
        f"{name}={value!r}: must be {_ALLOWED[name]}", row=int(rows[row]), path=path
    )
