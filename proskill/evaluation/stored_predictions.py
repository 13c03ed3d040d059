"""Reading of `predictions.csv`, which may have been edited since an evaluation wrote it.

Not here: writing it (`result_files`).

Shapes: N takes, V views, K levels, L skill levels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from proskill.data.take import Split, Take, View
from proskill.errors import ManifestError
from proskill.evaluation.predictions import Predictions
from proskill.evaluation.result_files import PREDICTIONS_FILE
from proskill.levels import LevelScale
from proskill.table_files import read_table
from proskill.view_names import VIEW_KINDS, ViewKind

Floats = NDArray[np.float32]


def find_predictions(folder: Path | str) -> Path:
    """Find the `predictions.csv` of a folder, or of the `test` folder in it.

    Raises:
        ManifestError: there is none.
    """
    for place in (Path(folder), Path(folder) / "test"):
        if (place / PREDICTIONS_FILE).is_file():
            return place / PREDICTIONS_FILE
    raise ManifestError(
        f"{folder}: holds neither {PREDICTIONS_FILE} nor test/{PREDICTIONS_FILE}; name a folder "
        "that `proskill test`, `validate` or `predict` wrote"
    )


def read_predictions(path: Path | str) -> Predictions:
    """Read predictions with their takes; views have path and kind, but no times.

    Raises:
        ManifestError: a missing column, a repeated take, a malformed number or an unknown level;
            names file, row and column.
    """
    table = _Table(Path(path))
    names = tuple(name[2:] for name in table.columns if name.startswith("p_"))
    if len(names) < 2 or len(set(names)) < len(names):
        raise ManifestError(f"{path}: has no columns p_LEVEL for two levels or more")
    scale = LevelScale(names)
    views = table.between("view:", ":score")
    skills = table.between("skill:", ":true")
    takes = table.takes(scale, views, skills)
    return Predictions(
        takes=takes,
        scale=scale,
        view_names=views,
        view_mask=np.array([[name in take.views for name in views] for take in takes]),
        logits=table.numbers([f"logit_{name}" for name in names]),
        probabilities=table.numbers([f"p_{name}" for name in names]),
        score=table.numbers(["score"])[:, 0],
        view_probabilities=table.alone([f"view:{view}:" for view in views], names),
        view_score=table.numbers([f"view:{view}:score" for view in views], may_lack=True),
        kind_probabilities=table.alone([f"kind:{kind}:" for kind in VIEW_KINDS], names),
        kind_score=table.numbers([f"kind:{kind}:score" for kind in VIEW_KINDS], may_lack=True),
        skill_probabilities={
            skill: table.numbers([c for c in table.columns if c.startswith(f"skill:{skill}:p_")])
            for skill in skills
        },
    )


class _Table:
    """Table of cells by column, with errors that name the cell."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns, rows = read_table(path)
        self.rows = list(rows)
        if not self.rows:
            raise ManifestError(f"{path}: has no take")

    def between(self, start: str, end: str) -> tuple[str, ...]:
        """Return the middle of column names between two texts."""
        return tuple(
            name[len(start) : -len(end)]
            for name in self.columns
            if name.startswith(start) and name.endswith(end) and len(name) > len(start + end)
        )

    def numbers(self, columns: Sequence[str], *, may_lack: bool = False) -> Floats:
        """Read numbers (N, number of columns); NaN for empty cells where allowed."""
        found = np.full((len(self.rows), len(columns)), np.nan, dtype=np.float32)
        for place, column in enumerate(columns):
            for index, (row, cells) in enumerate(self.rows):
                found[index, place] = self._number(row, cells, column, may_lack=may_lack)
        return found

    def alone(self, prefixes: Sequence[str], names: Sequence[str]) -> Floats:
        """Read probabilities (N, number of prefixes, K)."""
        shape = (len(self.rows), len(prefixes), len(names))
        columns = [f"{prefix}p_{name}" for prefix in prefixes for name in names]
        return self.numbers(columns, may_lack=True).reshape(shape)

    def takes(
        self, scale: LevelScale, views: Sequence[str], skills: Sequence[str]
    ) -> tuple[Take, ...]:
        seen: dict[str, int] = {}
        found = []
        for row, cells in self.rows:
            take_id = self._cell(row, cells, "take_id")
            if take_id in seen:
                raise ManifestError(
                    f"{self.path}: row {row}: take_id={take_id!r} is in row {seen[take_id]}, "
                    "too; keep one"
                )
            seen[take_id] = row
            level = self._cell(row, cells, "true_level") or None
            if level is not None and level not in scale.names:
                raise ManifestError(
                    f"{self.path}: row {row}: true_level={level!r}; allowed are "
                    f"{', '.join(map(repr, scale.names))}"
                )
            rating = self._number(row, cells, "rating", may_lack=True)
            try:
                found.append(
                    Take(
                        take_id=take_id,
                        participant_id=self._cell(row, cells, "participant_id"),
                        scenario=self._cell(row, cells, "scenario"),
                        views=self._views(row, cells, views),
                        split=cast("Split | None", self._cell(row, cells, "split") or None),
                        level=level,
                        rating=None if math.isnan(rating) else rating,
                        skills=self._skills(row, cells, skills),
                    )
                )
            except ValueError as error:
                raise ManifestError(f"{self.path}: row {row}: {error}") from error
        return tuple(found)

    def _views(self, row: int, cells: dict[str, str], views: Sequence[str]) -> dict[str, View]:
        found = {}
        for name in views:
            kind = self._cell(row, cells, f"view:{name}:kind")
            if kind:
                path = Path(self._cell(row, cells, f"view:{name}:path"))
                found[name] = View(path, cast("ViewKind", kind))
        return found

    def _skills(self, row: int, cells: dict[str, str], skills: Sequence[str]) -> dict[str, float]:
        values = {
            name: self._number(row, cells, f"skill:{name}:true", may_lack=True) for name in skills
        }
        return {name: value for name, value in values.items() if not math.isnan(value)}

    def _cell(self, row: int, cells: dict[str, str], column: str) -> str:
        if column not in cells:
            raise ManifestError(
                f"{self.path}: has no column {column!r}; write the file anew with `proskill test`"
            )
        return cells[column]

    def _number(
        self, row: int, cells: dict[str, str], column: str, *, may_lack: bool = False
    ) -> float:
        text = self._cell(row, cells, column)
        if not text and may_lack:
            return math.nan
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise ManifestError(f"{self.path}: row {row}: {column}={text!r} is not a finite number")
        return value
