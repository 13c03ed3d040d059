"""Result files of an evaluation: `predictions.csv` and `metrics.json`.

Each file is whole or absent. Numbers of predictions keep the full precision of the model's, so that
reading them back (`stored_predictions`) gives the very same metrics. Not here: pages.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from proskill.evaluation.predictions import Predictions
from proskill.phrases import is_simulated
from proskill.plain_json import plain_json
from proskill.table_files import csv_bytes
from proskill.view_names import VIEW_KINDS
from proskill.whole_file import write_whole

PREDICTIONS_FILE = "predictions.csv"
METRICS_FILE = "metrics.json"

_ADVICE = "free some space or choose another run folder"


def write_results(
    folder: Path, predictions: Predictions, summary: Mapping[str, Any] | None = None
) -> None:
    """Write `predictions.csv` and, for takes with labels, `metrics.json`.

    Raises:
        ProskillError: the folder cannot be written.
    """
    write_predictions(folder / PREDICTIONS_FILE, predictions)
    if summary is not None:
        write_metrics(folder / METRICS_FILE, summary)


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write one row per take.

    Columns: identity, truth, level, score, probabilities, logits; then the same from each view
    (`view:NAME:...`), each kind of view (`kind:ego:...`) and for each skill (`skill:NAME:...`).
    Missing values are empty cells.

    Raises:
        ProskillError: the file cannot be written.
    """
    columns = dict(_columns(predictions))
    content = csv_bytes(columns, zip(*columns.values(), strict=True))
    write_whole(path, [content], advice=_ADVICE)


def write_metrics(path: Path, summary: Mapping[str, Any]) -> None:
    """Write a summary as JSON; undefined numbers become null.

    Raises:
        ProskillError: the file cannot be written.
    """
    write_whole(path, [f"{to_json(summary)}\n".encode()], advice=_ADVICE)


def to_json(values: Mapping[str, Any]) -> str:
    """Format nested plain values as indented JSON; undefined numbers become null."""
    return json.dumps(plain_json(values), indent=2, ensure_ascii=False, allow_nan=False)


def is_simulated_run(folder: Path) -> bool:
    """Return whether the takes of a folder are simulated, by its `metrics.json`."""
    try:
        summary = json.loads((folder / METRICS_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(summary, dict) and is_simulated(summary.get("data"))


def _columns(predictions: Predictions) -> Iterator[tuple[str, list[str]]]:
    takes = predictions.takes
    names = predictions.scale.names
    yield "take_id", [take.take_id for take in takes]
    yield "participant_id", [take.participant for take in takes]
    yield "scenario", [take.scenario for take in takes]
    yield "split", [take.split or "" for take in takes]
    yield "true_level", [take.level or "" for take in takes]
    yield "rating", ["" if take.rating is None else repr(take.rating) for take in takes]
    yield "level", [names[index] for index in predictions.predicted]
    yield "score", _cells(predictions.score)
    yield from _levels("", names, predictions.probabilities)
    for name, column in zip(names, predictions.logits.T, strict=True):
        yield f"logit_{name}", _cells(column)
    for place, view in enumerate(predictions.view_names):
        views = [take.views.get(view) for take in takes]
        yield f"view:{view}:kind", ["" if found is None else found.kind for found in views]
        yield f"view:{view}:path", ["" if found is None else str(found.path) for found in views]
        yield f"view:{view}:score", _cells(predictions.view_score[:, place])
        yield from _levels(f"view:{view}:", names, predictions.view_probabilities[:, place])
    for place, kind in enumerate(VIEW_KINDS):
        yield f"kind:{kind}:score", _cells(predictions.kind_score[:, place])
        yield from _levels(f"kind:{kind}:", names, predictions.kind_probabilities[:, place])
    for skill, values in predictions.skill_probabilities.items():
        yield f"skill:{skill}:true", [_number(take.skills.get(skill, math.nan)) for take in takes]
        levels = tuple(str(index) for index in range(values.shape[1]))
        yield from _levels(f"skill:{skill}:", levels, values)


def _levels(
    prefix: str, names: tuple[str, ...], values: NDArray[Any]
) -> Iterator[tuple[str, list[str]]]:
    for name, column in zip(names, values.T, strict=True):
        yield f"{prefix}p_{name}", _cells(column)


def _cells(values: NDArray[Any]) -> list[str]:
    return [_number(value) for value in values.tolist()]


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.9g}"  # nine digits bring every float32 back
