"""Ratings to files: whole or not at all, and `read_back` gives back what was written.

A table has one row per item, best first within its group:

    item, group, rank, rating, lower, upper, elo, level, probability:<level> ..., num_comparisons,
    component, flags

with rating, lower and upper in logits. In CSV, flags are joined by semicolons, and a text that a
spreadsheet would run as a formula has an apostrophe in front.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from proskill.rating.comparisons import FloatArray
from proskill.rating.result import Ratings
from proskill.table_files import csv_bytes, escape_cell, parquet_bytes
from proskill.whole_file import write_whole

RATING_SUFFIXES: Final = (".csv", ".json", ".parquet")
JSON_FORMAT: Final = "proskill ratings 1"
PROBABILITY: Final = "probability:"
_ADVICE: Final = "free space or choose another place with --out"


def write_ratings(ratings: Ratings, path: Path) -> None:
    """Write a table of ratings; an older file at `path` stays intact when that fails.

    Args:
        ratings: all digits are kept.
        path: ends in .csv, .json or .parquet; its folder is made when missing.

    Raises:
        ValueError: another ending, a text that is no Unicode, or in CSV one with a carriage
            return; none of those that the readers let in.
        ProskillError: the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix == ".csv":
        content = _csv_bytes(ratings)
    elif suffix == ".json":
        content = _json_bytes(ratings)
    elif suffix == ".parquet":
        content = _parquet_bytes(ratings)
    else:
        allowed = ", ".join(RATING_SUFFIXES)
        raise ValueError(f"path={str(path)!r}: ratings are written as one of {allowed}")
    write_whole(path, [content], advice=_ADVICE)


def write_proskill_rankings(
    folder: Path,
    *,
    round_number: int,
    items: Sequence[str],
    groups: Sequence[str],
    elo: FloatArray,
    swiss_score: FloatArray,
    z_score: FloatArray,
    level: Sequence[str] = (),
) -> Path:
    """Write `rankings/rank_after_round_{n}.yml`: each subtask with its segments, best first.

    The file's name and the four figures are ProSkill's (arXiv 2601.20661); the keys
    `elo, swiss_score, z_score, expert_level` are ours, as theirs are not documented.

    Args:
        folder: the data set's folder, which gets a folder `rankings`.
        round_number: n, 1 or more.
        items, groups: (I,) each segment and its subtask.
        elo, swiss_score, z_score: (I,) finite numbers.
        level: (I,) names, empty where an item has none; leave out for none at all.

    Returns:
        The path written.

    Raises:
        ValueError: `round_number` is below 1, or the lengths differ.
        ProskillError: the file cannot be written.
    """
    import yaml

    if round_number < 1:
        raise ValueError(f"round_number={round_number}: rounds are counted from 1")
    columns = (items, groups, elo, swiss_score, z_score, level or [""] * len(items))
    order = sorted(range(len(items)), key=lambda i: (groups[i], -elo[i], items[i]))
    rows = list(zip(*columns, strict=True))
    rankings: dict[str, dict[str, dict[str, Any]]] = {}
    for index in order:
        item, group, *numbers, name = rows[index]
        figures = dict(zip(("elo", "swiss_score", "z_score"), numbers, strict=True))
        entry: dict[str, Any] = {key: float(value) for key, value in figures.items()}
        if name:
            entry["expert_level"] = name
        rankings.setdefault(group, {})[item] = entry
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(rankings, Dumper=dumper, allow_unicode=True, sort_keys=False, width=1000)
    path = folder / "rankings" / f"rank_after_round_{round_number}.yml"
    write_whole(path, [text.encode("utf-8")], advice=_ADVICE)
    return path


def rating_rows(ratings: Ratings) -> list[dict[str, Any]]:
    """Return a dictionary for JSON per item, best first within its group; None for NaN."""
    columns = _columns(ratings)
    names = () if ratings.scale is None else ratings.scale.names
    probabilities = [columns.pop(PROBABILITY + name) for name in names]
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    for index, row in enumerate(rows):
        shares = {name: column[index] for name, column in zip(names, probabilities, strict=True)}
        row["level_probabilities"] = shares
    return rows


def _columns(ratings: Ratings) -> dict[str, list[Any]]:
    """The columns of a table as plain values; flags are lists."""
    names = () if ratings.scale is None else ratings.scale.names
    return {
        "item": list(ratings.items),
        "group": list(ratings.groups),
        "rank": ratings.rank().tolist(),
        **{name: getattr(ratings, name).tolist() for name in ("rating", "lower", "upper", "elo")},
        "level": list(ratings.level),
        **{
            PROBABILITY + name: [None if math.isnan(p) else p for p in column]
            for name, column in zip(names, ratings.level_probabilities.T.tolist(), strict=True)
        },
        "num_comparisons": ratings.num_comparisons.tolist(),
        "component": ratings.component.tolist(),
        "flags": [list(flags) for flags in ratings.flags],
    }


def _csv_bytes(ratings: Ratings) -> bytes:
    columns = _columns(ratings)
    for name in ("item", "group", "level"):
        columns[name] = [escape_cell(text) for text in columns[name]]
    if any(";" in flag for flags in ratings.flags for flag in flags):
        raise ValueError("flags: a name with a semicolon cannot be written as CSV")
    columns["flags"] = [";".join(flags) for flags in columns["flags"]]
    if any("\r" in text for name in ("item", "group", "level") for text in columns[name]):
        raise ValueError("items, groups: a text with a carriage return cannot be written as CSV")
    return csv_bytes(columns, zip(*columns.values(), strict=True))


def _json_bytes(ratings: Ratings) -> bytes:
    names = () if ratings.scale is None else ratings.scale.names
    content = {"format": JSON_FORMAT, "levels": list(names), "ratings": rating_rows(ratings)}
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1)
    return (text + "\n").encode("utf-8")


def _parquet_bytes(ratings: Ratings) -> bytes:
    import pyarrow as pa

    columns = _columns(ratings)
    types = dict.fromkeys(columns.keys() - {"item", "group", "level"}, pa.float64())
    types |= dict.fromkeys(("rank", "num_comparisons", "component"), pa.int64())
    return parquet_bytes(columns, types | {"flags": pa.list_(pa.string())})
