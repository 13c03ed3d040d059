"""Numbers and keys out of JSON that may be wrong or hostile; every problem is a CheckpointError."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proskill.errors import CheckpointError

_MAX_NUMBERS = 4_000_000  # 32 directions of 768 dimensions are 25 thousand


def require_keys(
    data: Any, names: Iterable[str], *, optional: Iterable[str] = (), where: str
) -> None:
    """Exactly these keys, and none besides but optional ones.

    Raises:
        CheckpointError: not an object, a missing key or a surplus key.
    """
    if not isinstance(data, Mapping):
        raise CheckpointError(f"{where}: expected a JSON object, got {type(data).__name__}")
    wanted = tuple(names)
    missing = [name for name in wanted if name not in data]
    allowed = (*wanted, *optional)
    surplus = [str(name) for name in data if name not in allowed]
    if missing:
        raise CheckpointError(f"{where}: the key {missing[0]!r} is missing; write the file again")
    if surplus:
        raise CheckpointError(
            f"{where}: unknown key {surplus[0]!r}; allowed are {', '.join(allowed)}"
        )


def finite_number(value: Any, *, where: str) -> float:
    """A finite number.

    Raises:
        CheckpointError: anything else, booleans and NaN included.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CheckpointError(f"{where}: expected a number, got {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise CheckpointError(f"{where}: {number} is not a finite number")
    return number


def positive_number(value: Any, *, where: str) -> float:
    """A finite number above 0.

    Raises:
        CheckpointError: anything else.
    """
    number = finite_number(value, where=where)
    if number <= 0:
        raise CheckpointError(f"{where}: {number} must be above 0")
    return number


def finite_array(value: Any, *, ndim: int, where: str) -> NDArray[np.float64]:
    """A rectangular, non-empty array of finite numbers.

    Raises:
        CheckpointError: anything else, or an array too large to be a calibration.
    """
    if not isinstance(value, list) or not value:
        raise CheckpointError(f"{where}: expected a non-empty list of numbers")
    if ndim == 2:
        rows = [finite_array(row, ndim=1, where=where) for row in value]
        if len({len(row) for row in rows}) != 1:
            raise CheckpointError(f"{where}: rows of different lengths")
        return np.stack(rows)
    if len(value) > _MAX_NUMBERS:
        raise CheckpointError(f"{where}: {len(value)} numbers are more than {_MAX_NUMBERS}")
    return np.array([finite_number(item, where=where) for item in value], dtype=np.float64)
