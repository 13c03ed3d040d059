"""Earlier results from files: ratings that a new session is linked to, and items of known level."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from proskill.errors import ComparisonError, ProskillError, TableError
from proskill.levels import LevelScale
from proskill.rating.result import Ratings
from proskill.rating_files.columns import open_columns, text_lines
from proskill.rating_files.layouts import texts_of
from proskill.rating_files.read import require_files
from proskill.rating_files.recognise import unknown_columns
from proskill.rating_files.write import JSON_FORMAT, PROBABILITY, RATING_SUFFIXES
from proskill.table_files import Table, open_csv, open_parquet, unescape_cell

_TEXTS: Final = ("item", "group", "level")
_MEASURES: Final = ("rating", "lower", "upper", "elo")
_COUNTS: Final = ("num_comparisons", "component")
_NEEDED: Final = (*_TEXTS, *_MEASURES, *_COUNTS, "flags")


def read_ratings(path: Path) -> Ratings:
    """Ratings as `write_ratings` wrote them, in any order of the rows.

    Args:
        path: a .csv, .json or .parquet file.

    Raises:
        ProskillError: the file cannot be read, or contains something else.
        ValueError: another ending.
    """
    require_files([path])
    readers = {".csv": _read_csv, ".json": _read_json, ".parquet": _read_parquet}
    suffix = path.suffix.lower()
    if suffix not in readers:
        allowed = ", ".join(RATING_SUFFIXES)
        raise ValueError(f"path={str(path)!r}: ratings are read from one of {allowed}")
    try:
        return _ratings(readers[suffix](path))
    except OSError as error:
        raise ProskillError(f"{path}: cannot be read: {error.strerror or error}") from error
    except TableError as error:
        where = "" if error.row is None else f"row {error.row} "
        raise ProskillError(f"{path}: is not a file of ratings: {where}{error.reason}") from None
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise ProskillError(f"{path}: is not a file of ratings: {reason}") from None


def read_level_anchors(path: Path) -> dict[str, str]:
    """Items of known level: columns `item` and `level` of a CSV, JSONL or Parquet file.

    Raises:
        ComparisonError: another table, an empty cell, or an item with two levels.
    """
    require_files([path])
    columns = open_columns(path)
    if not {"item", "level"} <= set(columns.names):
        raise unknown_columns(path, columns, "columns item, level")
    anchors: dict[str, str] = {}
    for block in columns.blocks(("item", "level")):
        cells = zip(texts_of(block.texts["item"]), texts_of(block.texts["level"]), strict=True)
        for row, (item, level) in zip(block.rows.tolist(), cells, strict=True):
            if not item or not level:
                raise ComparisonError("item or level is empty", row=row, path=path)
            if anchors.setdefault(item, level) != level:
                reason = f"item {item!r} is {level!r} here and {anchors[item]!r} above"
                raise ComparisonError(reason, row=row, path=path)
    return anchors


def _ratings(columns: Mapping[str, Sequence[Any]]) -> Ratings:
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise ValueError(f"lacks the columns {', '.join(missing)}")
    levels = [name.removeprefix(PROBABILITY) for name in columns if name.startswith(PROBABILITY)]
    texts = {name: [_text(name, value) for value in columns[name]] for name in _TEXTS}
    numbers: dict[str, Any] = {
        name: np.array(columns[name], np.int64 if name in _COUNTS else np.float64)
        for name in (*_MEASURES, *_COUNTS)
    }
    shares = np.full((len(levels), len(texts["item"])), np.nan)
    for index, name in enumerate(levels):
        cells = columns[PROBABILITY + name]
        shares[index] = [math.nan if cell in (None, "") else cell for cell in cells]
    order = sorted(
        range(len(texts["item"])), key=lambda i: (texts["group"][i], -numbers["rating"][i], i)
    )
    return Ratings(
        items=tuple(texts["item"][i] for i in order),
        groups=tuple(texts["group"][i] for i in order),
        scale=LevelScale(tuple(levels)) if levels else None,
        level=tuple(texts["level"][i] for i in order),
        level_probabilities=shares.T[order],
        flags=tuple(tuple(columns["flags"][i]) for i in order),
        **{name: column[order] for name, column in numbers.items()},
    )


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name}={value!r} is not text")
    return value


def _read_csv(path: Path) -> dict[str, Sequence[Any]]:
    columns = _read_columns(open_csv(path, error=TableError, rename=str))
    for name in columns.keys() & {*_TEXTS}:
        columns[name] = [unescape_cell(cell) for cell in columns[name]]
    if "flags" in columns:
        columns["flags"] = [cell.split(";") if cell else () for cell in columns["flags"]]
    return columns


def _read_json(path: Path) -> dict[str, Sequence[Any]]:
    content = json.loads("".join(text_lines(path)))
    if not isinstance(content, dict) or content.get("format") != JSON_FORMAT:
        raise ValueError(f"format must be {JSON_FORMAT!r}")
    rows = content["ratings"]
    columns: dict[str, Sequence[Any]] = {name: [row[name] for row in rows] for name in _NEEDED}
    for level in content["levels"]:
        shares = [row["level_probabilities"][level] for row in rows]
        columns[f"{PROBABILITY}{level}"] = shares
    return columns


def _read_parquet(path: Path) -> dict[str, Sequence[Any]]:
    return _read_columns(open_parquet(path, error=TableError, rename=str))


def _read_columns(table: Table) -> dict[str, Sequence[Any]]:
    columns: dict[str, list[Any]] = {name: [] for name in table.names}
    for batch in table.read(table.names):
        for name, cells in batch.columns.items():
            columns[name] += cells if table.container == "CSV" else cells.to_pylist()
    return dict(columns)
