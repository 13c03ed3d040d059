"""Frozen dataclasses to plain JSON values, and parsed JSON back to frozen dataclasses, strictly."""

from __future__ import annotations

import contextlib
import copy
import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def plain_json(value: Any) -> Any:
    """Return dictionaries, lists and scalars, with null for numbers that are not finite.

    Args:
        value: nested dataclasses, mappings, lists, tuples, numpy arrays and scalars.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain_json(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain_json(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain_json(part) for part in value]
    if hasattr(value, "tolist"):  # of numpy, which this module need not import
        return plain_json(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def from_plain_json(
    kind: type[T],
    values: Any,
    *,
    schemas: tuple[str, ...] = (),
    decode: Callable[[type, Any], Any] | None = None,
) -> T:
    """Build a dataclass from parsed JSON; its annotations and `__post_init__` decide what fits.

    Args:
        kind: the dataclass.
        values: parsed JSON, which may be wrong or hostile.
        schemas: allowed values of the key `schema` beside the fields; () expects no such key.
        decode: builds values of types that JSON does not have, from the type and the parsed JSON.

    Raises:
        ValueError: another schema, a missing or unknown key, or a value of the wrong type or range;
            the message begins with the path of the value.
    """
    if schemas and isinstance(values, Mapping):
        values = dict(values)
        if (schema := values.pop("schema", None)) not in schemas:
            raise ValueError(f"schema={schema!r}: this version reads {' and '.join(schemas)}")
    try:
        found = msgspec.convert(values, kind, dec_hook=decode)
    except msgspec.ValidationError as error:
        message = str(error)

        def fails_alike(changed: Any) -> bool:
            try:
                msgspec.convert(changed, kind, dec_hook=decode)
            except msgspec.ValidationError as again:
                return str(again) == message
            return False

        text, _, path = message.rpartition(" - at `$")
        place = _place(values, path, fails_alike) if text else ""
        text = text or message
        raise ValueError(f"{place and f'{place}: '}{text[:1].lower()}{text[1:]}") from error
    _refuse_unknown(values, plain_json(found), "")
    return found


def _place(values: Any, path: str, fails_alike: Callable[[Any], bool]) -> str:
    """Return a path of msgspec with the keys of mappings, for which msgspec writes `[...]`."""
    whole = part = copy.deepcopy(values)
    place = ""
    with contextlib.suppress(LookupError, AttributeError, TypeError):  # text that looks like a path
        for name, index in re.findall(r"\.(\w+)|\[(\d+|\.\.\.)\]", path):
            key = name or index
            if index == "...":
                for key, item in list(part.items()):
                    part.clear()
                    part[key] = item
                    if fails_alike(whole):
                        break
            part = part[int(index) if index.isdigit() else key]
            place += f"[{index}]" if index.isdigit() else f".{key}"
    return place.removeprefix(".")


def _refuse_unknown(given: Any, known: Any, place: str) -> None:
    """Refuse keys that conversion passed over, at any depth."""
    if isinstance(given, Mapping):
        for key, part in given.items():
            if key not in known:
                close = difflib.get_close_matches(str(key), known, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"allowed are {', '.join(known)}"
                raise ValueError(f"{place and f'{place}: '}unknown key {key!r}; {hint}")
            _refuse_unknown(part, known[key], f"{place}.{key}" if place else str(key))
    elif isinstance(given, list | tuple) and given and isinstance(given[0], Mapping | list):
        for index, part in enumerate(given):
            _refuse_unknown(part, known[index], f"{place}[{index}]")
