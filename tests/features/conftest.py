"""Fixtures of these tests; see `tests/fixtures`."""

from __future__ import annotations

from fixtures.scoring import make_checkpoint, make_video
from fixtures.training import (
    _lightning_warnings,
    cache_dir,
    judged_takes,
    make_data,
    make_module,
    predictions,
    run_stage,
    tiny_arguments,
    tiny_manifest,
    tiny_takes,
)

__all__ = [
    "_lightning_warnings",
    "cache_dir",
    "judged_takes",
    "make_checkpoint",
    "make_data",
    "make_module",
    "make_video",
    "predictions",
    "run_stage",
    "tiny_arguments",
    "tiny_manifest",
    "tiny_takes",
]
