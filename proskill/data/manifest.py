"""Manifests: tables with one row per view, read as lists of takes.

Columns: `take_id, view, kind, path, start_seconds, end_seconds, offset_seconds, scenario,
participant_id, split, level, rating`, and one `skill:<name>` column per skill. Paths are relative
to the manifest and stay in its folder, or whole. A wrong row is an error that names file, row,
column and value; nothing is skipped and no label gets a default. Whether the videos exist and can
be decoded is not checked here.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from proskill.data.dataset_paths import is_inside
from proskill.data.take import Split, Take, View
from proskill.errors import ManifestError
from proskill.levels import EGOEXO4D_LEVELS, LevelScale
from proskill.table_files import Row, read_table, write_table
from proskill.view_names import VIEW_KINDS

VIEW_COLUMNS = ("view", "kind", "path", "start_seconds", "end_seconds", "offset_seconds")
TAKE_COLUMNS = ("participant_id", "scenario", "split", "level", "rating")
MANIFEST_COLUMNS = (
    "take_id", *VIEW_COLUMNS, "scenario", "participant_id", "split", "level", "rating",
)  # fmt: skip
REQUIRED_COLUMNS = ("take_id", "view", "kind", "path", "participant_id")
NUMERIC_COLUMNS = frozenset({"start_seconds", "end_seconds", "offset_seconds", "rating"})
SKILL_PREFIX = "skill:"

_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")  # and what no UTF-8 file can hold


def read_manifest(
    path: Path | str,
    *,
    scale: LevelScale | None = EGOEXO4D_LEVELS,
    on_wrong_row: Callable[[Row, str], None] | None = None,
) -> list[Take]:
    """Read a manifest.

    Args:
        path: a `.csv` (UTF-8) or `.parquet` file.
        scale: the levels that the `level` column may name; None accepts any name.
        on_wrong_row: called with each wrong row and its fault; such rows are left out, and
            participants in two splits are not looked for. None raises at the first one.

    Returns:
        Takes in the order of their first row, views in the order of their rows. Rows of a take need
        not be neighbours.

    Raises:
        ManifestError: the file is missing or not a table, a column is missing, misspelt or twice,
            or a row holds an unknown kind, split or level, something that is not a number, a view
            that its take already has, values that disagree within a take, or a participant of
            another split.
    """
    path = Path(path)
    columns, rows = read_table(path)
    _require_columns(path, columns)
    skills = [name for name in columns if name.startswith(SKILL_PREFIX)]
    drafts: dict[str, _Draft] = {}
    split_of: dict[str, tuple[str, int]] = {}
    is_empty = True
    for row in rows:
        is_empty = False
        try:
            _add_row(drafts, _RowReader(path, row), scale, skills)
        except ManifestError as error:
            if on_wrong_row is None:
                raise
            on_wrong_row(row, str(error).removeprefix(f"{path}: "))
        if on_wrong_row is None:
            _require_one_split(split_of, _RowReader(path, row))
    if is_empty:
        raise ManifestError(f"{path}: names columns but has no row; add one row per view")
    return [draft.take(take_id) for take_id, draft in drafts.items() if draft.views]


def write_manifest(path: Path | str, takes: Sequence[Take]) -> None:
    """Write takes as a manifest, in one step and with the same bytes for the same takes.

    Args:
        path: ends in `.csv` or `.parquet`; its folder is made when missing. Paths of videos in it
            are written relative to it, of others whole.
        takes: one or more, with distinct ids.

    Raises:
        ManifestError: no take, an id twice, a participant in two splits, or a text that would not
            be read back as it is (with space around it, or a line break in it).
        StorageError: the file cannot be written.
    """
    path = Path(path)
    if not takes:
        raise ManifestError(f"{path}: there is no take to write; a manifest needs one or more")
    require_disjoint_participants(takes)
    seen: set[str] = set()
    for take in takes:
        if take.take_id in seen:
            raise ManifestError(f"{path}: take_id={take.take_id!r} appears twice; ids must differ")
        seen.add(take.take_id)
    names = sorted({name for take in takes for name in take.skills})
    if any(not name or name != name.strip() for name in names):
        raise ManifestError(
            f"{path}: skills={names}: a name must not be empty or have space around it"
        )
    skills = [SKILL_PREFIX + name for name in names]
    columns = [*MANIFEST_COLUMNS, *skills]
    rows = [
        checked_row(path, _as_row(take, name, path.parent.absolute(), skills))
        for take in takes
        for name in take.views
    ]
    write_table(path, columns, rows, numeric=NUMERIC_COLUMNS | frozenset(skills))


def require_disjoint_participants(takes: Iterable[Take]) -> None:
    """Check that no participant is in two splits; takes without a split are ignored.

    Raises:
        ManifestError: naming the participant and two of their takes.
    """
    first: dict[str, Take] = {}
    for take in takes:
        if take.split is None:
            continue
        other = first.setdefault(take.participant, take)
        if other.split != take.split:
            raise ManifestError(
                f"participant_id={take.participant!r} is in split {other.split!r} (take "
                f"{other.take_id!r}) and in split {take.split!r} (take {take.take_id!r}); keep all "
                "takes of a participant in one split"
            )


def checked_row(path: Path, row: dict[str, str | float | None]) -> dict[str, str | float | None]:
    """Return the row of a take unless it would be read back as another one.

    Raises:
        ManifestError: a text with space around it, a line break or another control character, or a
            number that is not finite.
    """
    for column, value in row.items():
        if isinstance(value, str) and (value != value.strip() or _CONTROL.search(value)):
            raise ManifestError(
                f"{path}: take {row['take_id']!r}: {column}={value!r}: would not be read back as "
                "it is; remove the space around it, line breaks and control characters"
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise ManifestError(
                f"{path}: take {row['take_id']!r}: {column}={value}: must be a finite number"
            )
    return row


@dataclass
class _Draft:
    """Take whose rows are still being read."""

    first_row: int
    values: dict[str, Any]  # by the names of TAKE_COLUMNS
    skills: dict[str, float]
    views: dict[str, View] = field(default_factory=dict)

    def take(self, take_id: str) -> Take:
        return Take(take_id=take_id, views=self.views, skills=self.skills, **self.values)


@dataclass(frozen=True)
class _RowReader:
    """Reads the cells of one row, and words the errors."""

    path: Path
    row: Row

    def error(self, column: str, advice: str) -> ManifestError:
        number, cells = self.row
        value = cells.get(column, "")
        return ManifestError(f"{self.path}: row {number}: {column}={value!r}: {advice}")

    def text(self, column: str) -> str:
        return self.row[1].get(column, "")

    def required(self, column: str) -> str:
        value = self.text(column)
        if not value:
            raise self.error(column, "must not be empty")
        return value

    def choice(self, column: str, allowed: Sequence[str]) -> str | None:
        value = self.text(column)
        if value and value not in allowed:
            near = difflib.get_close_matches(value, allowed, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise self.error(column, f"allowed are {', '.join(map(repr, allowed))}{hint}")
        return value or None

    def number(self, column: str) -> float | None:
        value = self.text(column)
        if not value:
            return None
        try:
            number = float(value) if "_" not in value else math.nan
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise self.error(column, "must be a finite number such as 12.5, or empty")
        return number


def _require_columns(path: Path, columns: Sequence[str]) -> None:
    missing = [name for name in REQUIRED_COLUMNS if name not in columns]
    if missing:
        raise ManifestError(
            f"{path}: has no column {', '.join(map(repr, missing))}; its columns are "
            f"{', '.join(map(repr, columns))}, and the separator must be a comma"
        )
    absent = [name for name in MANIFEST_COLUMNS if name not in columns]
    for name in columns:
        if name.startswith(SKILL_PREFIX) and not _skill(name):
            raise ManifestError(f"{path}: column {name!r}: a skill needs a name after the colon")
        # Columns of the user's own are left alone, but a misspelt one would lose labels silently.
        near = difflib.get_close_matches(name.lower(), absent, n=1, cutoff=0.8)
        if name not in MANIFEST_COLUMNS and near:
            raise ManifestError(f"{path}: column {name!r} is not known; did you mean {near[0]!r}?")


def _add_row(
    drafts: dict[str, _Draft], row: _RowReader, scale: LevelScale | None, skills: Sequence[str]
) -> None:
    take_id = row.required("take_id")
    values: dict[str, Any] = {
        "participant_id": row.required("participant_id"),
        "scenario": row.text("scenario"),
        "split": row.choice("split", get_args(Split)),
        "level": row.choice("level", scale.names) if scale else row.text("level") or None,
        "rating": row.number("rating"),
    }
    skill_values = {
        _skill(name): value for name in skills if (value := row.number(name)) is not None
    }
    draft = drafts.setdefault(take_id, _Draft(row.row[0], values, skill_values))
    for column in TAKE_COLUMNS:
        if draft.values[column] != values[column]:
            raise row.error(
                column,
                f"take {take_id!r} has {draft.values[column]!r} in row {draft.first_row}; "
                "all views of a take share it",
            )
    if draft.skills != skill_values:
        name = next(n for n in skills if row.number(n) != draft.skills.get(_skill(n)))
        raise row.error(
            name,
            f"take {take_id!r} has {draft.skills.get(_skill(name))!r} in row {draft.first_row}; "
            "all views of a take share it",
        )
    view = row.required("view")
    if view in draft.views:
        raise row.error("view", f"take {take_id!r} already has this view; name each camera once")
    draft.views[view] = _read_view(row)


def _read_view(row: _RowReader) -> View:
    row.required("kind")
    kind: Any = row.choice("kind", VIEW_KINDS)
    text = row.required("path")
    if "\0" in text:
        raise row.error("path", "holds a null character; name a file")
    if "://" in text:
        raise row.error("path", "is an address; download it and name the file")
    if ".." in text and not Path(text).is_absolute() and not is_inside(text):
        raise row.error(
            "path", "leads out of the manifest's folder; move the video or give its whole path"
        )
    start, end = row.number("start_seconds") or 0.0, row.number("end_seconds")
    if start < 0:
        raise row.error("start_seconds", "must be 0 or more")
    if end is not None and end <= start:
        raise row.error("end_seconds", f"must be after start_seconds={start}")
    return View(
        path=row.path.parent / text,
        kind=kind,
        start_seconds=start,
        end_seconds=end,
        offset_seconds=row.number("offset_seconds") or 0.0,
    )


def _require_one_split(split_of: dict[str, tuple[str, int]], row: _RowReader) -> None:
    participant, split = row.text("participant_id"), row.text("split")
    if not split:
        return
    other, number = split_of.setdefault(participant, (split, row.row[0]))
    if other != split:
        raise row.error(
            "split",
            f"participant_id={participant!r} is in split {other!r} in row {number}; "
            "keep all takes of a participant in one split",
        )


def _as_row(
    take: Take, view_name: str, folder: Path, skills: Sequence[str]
) -> dict[str, str | float | None]:
    view = take.views[view_name]
    return {
        "take_id": take.take_id,
        "view": view_name,
        "kind": view.kind,
        "path": _relative(view.path.absolute(), folder),
        "start_seconds": view.start_seconds,
        "end_seconds": view.end_seconds,
        "offset_seconds": view.offset_seconds,
        "scenario": take.scenario,
        "participant_id": take.participant,
        "split": take.split,
        "level": take.level,
        "rating": take.rating,
        **{name: take.skills.get(_skill(name)) for name in skills},
    }


def _skill(column: str) -> str:
    return column.removeprefix(SKILL_PREFIX).strip()


def _relative(path: Path, folder: Path) -> str:
    """Return the path relative to the folder if the file is in it, else the whole path."""
    if path.is_relative_to(folder):
        relative = path.relative_to(folder).as_posix()
        if is_inside(relative):
            return relative
    return path.resolve().as_posix()
