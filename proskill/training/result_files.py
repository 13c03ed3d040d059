"""Predictions and metrics as files: CSV for people, JSON for programs, each whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proskill.training.evaluation import Predictions
from proskill.whole_file import write_whole

_ADVICE = "free some space or choose another run folder"


def write_predictions(path: Path, predictions: Predictions) -> None:
    """One row per take: identity, truth, level, score, probabilities, logits, single views."""
    names = predictions.scale.names
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            *(
                "take_id",
                "participant_id",
                "scenario",
                "split",
                "true_level",
                "rating",
                "level",
                "score",
            ),
            *(f"p_{name}" for name in names),
            *(f"logit_{name}" for name in names),
            *(f"score_{view}" for view in predictions.view_names),
        ]
    )
    for row, take in enumerate(predictions.takes):
        identity = (
            take.take_id,
            take.participant_id,
            take.scenario,
            take.split or "",
            take.level or "",
        )
        numbers = (
            *predictions.probabilities[row],
            *predictions.logits[row],
            *predictions.view_score[row],
        )
        writer.writerow(
            [
                *identity,
                "" if take.rating is None else take.rating,
                names[int(predictions.predicted[row])],
                f"{predictions.score[row]:.6f}",
                *("" if math.isnan(number) else f"{number:.6f}" for number in numbers),
            ]
        )
    write_whole(path, [text.getvalue().encode()], advice=_ADVICE)


def write_metrics(path: Path, summary: Mapping[str, Any]) -> None:
    """A summary as JSON; undefined numbers become null."""
    content = json.dumps(_finite(summary), indent=2) + "\n"
    write_whole(path, [content.encode()], advice=_ADVICE)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
