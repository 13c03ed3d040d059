"""Everything around a loaded checkpoint: its calibration, card, device and versions."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path
from platform import python_version

import torch

from proskill._version import __version__
from proskill.calibration.calibration import Calibration
from proskill.calibration.picture_statistics import NUM_STATISTICS
from proskill.errors import CheckpointError, ConfigError
from proskill.models import LoadedCheckpoint

_MAX_CARD_BYTES = 200_000
_NAMED_PACKAGES = ("torch", "numpy", "av", "timm")


def calibration_of(checkpoint: LoadedCheckpoint, *, name: str) -> Calibration | None:
    """Return the calibration of a checkpoint, None if there is none.

    Args:
        checkpoint: as loaded.
        name: of the checkpoint, for messages.

    Raises:
        CheckpointError: a calibration that is wrong or belongs to another model.
    """
    if checkpoint.calibration is None:
        return None
    where = f"{name}/calibration.json"
    calibration = Calibration.from_dict(checkpoint.calibration, where=where)
    if calibration.num_levels != len(checkpoint.config.levels):
        raise CheckpointError(
            f"{where}: num_levels is {calibration.num_levels}, the model has "
            f"{len(checkpoint.config.levels)} levels; fit the calibration again"
        )
    for section, parts, width in (
        ("feature_detectors", calibration.feature_detectors, checkpoint.model.backbone.embed_dim),
        ("picture_detectors", calibration.picture_detectors, NUM_STATISTICS),
    ):
        for kind, known in parts.items():
            if known.embed_dim != width:
                raise CheckpointError(
                    f"{where}: {section}.{kind} is of width {known.embed_dim}, expected {width}; "
                    "fit the calibration again"
                )
    return calibration


def device_named(name: str) -> torch.device:
    """Return the device, after trying it.

    Raises:
        ConfigError: it does not exist here.
    """
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigError(f"device={name!r}: not available here ({reason}); use 'cpu'") from error
    return device


def package_versions() -> dict[str, str]:
    """Return the versions that a result may depend on, proskill's first."""
    found = {"proskill": __version__, "python": python_version()}
    for package in _NAMED_PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def card_limits(directory: Path) -> tuple[str, ...]:
    """Return the points under the heading "Limits" of a model card, as plain sentences.

    Args:
        directory: of a checkpoint; its card is README.md.

    Returns:
        One text a point, without markup; empty where there is no card or no such heading.
    """
    try:
        with (directory / "README.md").open(encoding="utf-8", errors="replace") as file:
            text = file.read(_MAX_CARD_BYTES)
    except OSError:
        return ()
    section = re.search(r"^#+\s*limit[^\n]*\n(.*?)(?=^#|\Z)", text, re.I | re.M | re.S)
    if section is None:
        return ()
    points = re.split(r"^\s*[-*]\s+|\n\s*\n", section[1], flags=re.M)
    plain = (
        re.sub(r"[*`_]{1,2}(\S.*?\S|\S)[*`_]{1,2}", r"\1", " ".join(p.split())) for p in points
    )
    return tuple(point for point in plain if point)
