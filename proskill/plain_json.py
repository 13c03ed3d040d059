"""Nested values as JSON knows them, which has no NaN, no infinity and no arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def plain_json(value: Any) -> Any:
    """Dictionaries, lists and scalars, with null for what is not a finite number.

    Args:
        value: nested mappings, lists, tuples, numpy arrays and scalars.
    """
    if isinstance(value, Mapping):
        return {str(name): plain_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(part) for part in value]
    if hasattr(value, "tolist"):  # of numpy, which this module need not import
        return plain_json(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
