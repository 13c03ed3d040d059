"""Calibrate a checkpoint: run its model over its data set's validation takes and fit to them.

Not here: the fit (`fitting.py`), the page (`proskill.reports.evaluation.calibration_page`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from proskill.calibration.calibration import Calibration
from proskill.calibration.fitting import ViewFeatures, fit_calibration
from proskill.calibration.picture_statistics import read_takes_statistics
from proskill.calibration.selective_prediction import OK_ERROR
from proskill.data.manifest import require_disjoint_participants
from proskill.data.take import Take
from proskill.errors import ManifestError
from proskill.evaluation.predictions import Predictions
from proskill.features.feature_cache import FeatureTable, extract_features
from proskill.features.prediction import predict_takes
from proskill.levels import UNLABELLED, LevelScale
from proskill.models import LoadedCheckpoint
from proskill.models.directory import CALIBRATION
from proskill.whole_file import write_whole

COVERAGE = 0.8
"""Default of score intervals and prediction sets."""

_PICTURED_TAKES = 60  # enough to estimate the distribution of their pictures


@dataclass(frozen=True)
class Calibrated:
    """A calibration and the validation takes behind it.

    Attributes:
        calibration: fitted to them.
        predictions: of the model for them.
    """

    calibration: Calibration
    predictions: Predictions


def calibrate_predictions(
    predictions: Predictions,
    *,
    train: FeatureTable,
    validation: FeatureTable,
    img_size: tuple[int, int],
    coverage: float = COVERAGE,
    ok_error: float = OK_ERROR,
) -> Calibrated:
    """Fit a calibration to predictions that were made before.

    Args:
        predictions: for the validation takes; those without a level are left out.
        train: features of the training takes.
        validation: features of the validation takes.
        img_size: (H, W) at which the model sees the videos.
        coverage: see `fit_calibration`.
        ok_error: see `fit_calibration`.

    Raises:
        ManifestError: no validation take has a level.
        ValueError: features of different precision, or a coverage or an error out of range.
    """
    if train.precision != validation.precision:
        raise ValueError(
            f"train features are {train.precision}, validation features {validation.precision}: "
            "a calibration needs one precision; compute both on one device"
        )
    labelled = predictions.rows((predictions.truth != UNLABELLED).nonzero()[0])
    if not labelled.takes:
        raise ManifestError(
            "validation: no take has a level, so there is nothing to calibrate on; give them levels"
        )
    calibration = fit_calibration(
        logits=labelled.logits,
        levels=labelled.truth,
        participants=[take.participant for take in labelled.takes],
        train=_view_features(train, img_size=img_size),
        validation=_view_features(validation, img_size=img_size),
        precision=validation.precision,
        coverage=coverage,
        ok_error=ok_error,
    )
    return Calibrated(calibration, labelled)


def calibrate_checkpoint(
    checkpoint: LoadedCheckpoint,
    takes: Sequence[Take],
    *,
    coverage: float = COVERAGE,
    ok_error: float = OK_ERROR,
    cache_dir: Path | None = None,
    device: torch.device | str = "cpu",
) -> Calibrated:
    """Run a model over the training and validation takes of its data set, and calibrate it.

    Args:
        checkpoint: as loaded; its model is moved to `device`.
        takes: the data set that it was trained on, with the splits of that training.
        coverage: see `fit_calibration`.
        ok_error: see `fit_calibration`.
        cache_dir: of features, such as the `features` of the training run; None caches nothing.
        device: of the model.

    Raises:
        ManifestError: a split is missing, a participant is in two splits, or no validation take has
            a level.
        VideoError: a video cannot be decoded.
    """
    require_disjoint_participants(takes)
    tables = {}
    for name in ("train", "val"):
        chosen = [take for take in takes if take.split == name]
        if not chosen:
            raise ManifestError(
                f"split: no take is marked {name!r}; calibration needs the takes that the model "
                "was trained on (train) and takes of other people that it was not (val)"
            )
        spec = checkpoint.config.input
        tables[name] = extract_features(
            chosen,
            checkpoint.model.backbone,
            spec,
            cache_dir=cache_dir,
            device=device,
        )
    model, validation = checkpoint.model.to(device), tables["val"]
    predictions = predict_takes(
        model,
        validation.pool(),
        scale=LevelScale(checkpoint.config.levels),
    )
    return calibrate_predictions(
        predictions,
        train=tables["train"],
        validation=validation,
        img_size=spec.img_size,
        coverage=coverage,
        ok_error=ok_error,
    )


def write_calibration(directory: Path, calibration: Calibration) -> None:
    """Write `calibration.json` into a checkpoint directory; its other files stay as they are.

    Raises:
        StorageError: it cannot be written; an older one then stays.
    """
    text = json.dumps(calibration.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
    write_whole(
        directory / CALIBRATION,
        [f"{text}\n".encode()],
        advice="free some space or copy the checkpoint to another place",
    )


def _view_features(table: FeatureTable, *, img_size: tuple[int, int]) -> ViewFeatures:
    files = [
        {name: view.path for name, view in take.views.items()}
        for take in table.takes[:_PICTURED_TAKES]
    ]
    pictures = read_takes_statistics(files, table.view_names, img_size=img_size)
    return ViewFeatures(table.pooled, table.view_kind, table.view_mask, pictures)
