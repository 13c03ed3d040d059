"""Frozen dataclasses <-> the plain values that JSON keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def to_plain(value: Any) -> Any:
    """Dataclasses and mappings become dictionaries, tuples become lists, all else stays."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: to_plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    return value


def to_tuples(value: Any) -> Any:
    """Lists, also nested ones, become tuples: JSON has no tuples, frozen values have no lists."""
    return tuple(to_tuples(item) for item in value) if isinstance(value, list) else value
