"""JSON files that came with a dataset: every error names the file, the entry and the key.

Nothing is assumed about the content; a value is checked where it is taken out.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proskill.errors import ManifestError

_SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class Entry:
    """One object of a JSON file.

    Attributes:
        file: for messages.
        place: where in the file, as a person would say it: "entry 3", "take 'x'"; may be empty.
        values: the object.
    """

    file: Path
    place: str
    values: Mapping[str, Any]

    def error(self, key: str, reason: str) -> ManifestError:
        where = f"{self.place}: " if self.place else ""
        return ManifestError(f"{self.file}: {where}key {key!r}: {reason}")

    def get(self, key: str) -> Any:
        """Return the value of a required key.

        Raises:
            ManifestError: it is not.
        """
        if key not in self.values:
            raise self.error(key, "is missing; is this the dataset's own file?")
        return self.values[key]

    def text(self, key: str) -> str:
        """Return a required, non-empty text; whole numbers count, since ids often are.

        Raises:
            ManifestError: it is missing or something else.
        """
        value = self.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str) or not value.strip():
            raise self.error(key, f"{_shown(value)} must be text")
        return value

    def number(self, key: str) -> float | None:
        """Return a finite number, in quotes or not; None where the key is absent or null.

        Raises:
            ManifestError: it is something else.
        """
        value = self.values.get(key)
        if value is None:
            return None
        number = _as_float(value)
        if not math.isfinite(number):
            raise self.error(key, f"{_shown(value)} must be a finite number or null")
        return number

    def child(self, key: str) -> Entry:
        """Return the object under a required key.

        Raises:
            ManifestError: it is missing or no object.
        """
        return self._entry(self.get(key), key, key)

    def children(self, key: str) -> Iterator[Entry]:
        """Yield the objects of the list under a required key, counted from 1 in messages.

        Raises:
            ManifestError: it is missing, no list, or holds something other than objects.
        """
        value = self.get(key)
        if not isinstance(value, list):
            raise self.error(key, f"{_shown(value)} must be a list")
        for number, item in enumerate(value, 1):
            yield self._entry(
                item, key, f"{key} entry {number}" if self.place else f"entry {number}"
            )

    def _entry(self, value: Any, key: str, place: str) -> Entry:
        if not isinstance(value, Mapping):
            raise self.error(key, f"{_shown(value)} must be an object with keys")
        return Entry(self.file, f"{self.place}, {place}" if self.place else place, value)


def load_json(file: Path) -> Any:
    """Return the content of a JSON file.

    Raises:
        ManifestError: there is no such file, or it is not JSON.
    """
    try:
        return json.loads(file.read_bytes())
    except FileNotFoundError:
        raise ManifestError(f"{file}: no such file; download it with the annotations") from None
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{file}: is not JSON ({error}); download it again") from None


def load_object(file: Path) -> Entry:
    """Return the object that a JSON file contains.

    Raises:
        ManifestError: as `load_json`, or it holds something else.
    """
    content = load_json(file)
    if not isinstance(content, Mapping):
        raise ManifestError(f"{file}: must hold an object with keys, not {_shown(content)}")
    return Entry(file, "", content)


def load_list(file: Path) -> list[Any]:
    """Return the list that a JSON file contains.

    Raises:
        ManifestError: as `load_json`, or it holds something else.
    """
    content = load_json(file)
    if not isinstance(content, list):
        raise ManifestError(f"{file}: must hold a list, not {_shown(content)}")
    return content


def load_entries(file: Path) -> Iterator[Entry]:
    """Yield the objects of a JSON file that contains a list of them.

    Raises:
        ManifestError: as `load_list`, or an item is no object.
    """
    for number, item in enumerate(load_list(file), 1):
        if not isinstance(item, Mapping):
            raise ManifestError(
                f"{file}: entry {number}: {_shown(item)} must be an object with keys"
            )
        yield Entry(file, f"entry {number}", item)


def _as_float(value: object) -> float:
    """Return the value as a number, NaN for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):  # JSON has integers without end
        return math.nan


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."
