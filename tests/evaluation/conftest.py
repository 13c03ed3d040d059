"""Fixtures of these tests; see `tests/fixtures`."""

from __future__ import annotations

from fixtures.runs import (
    make_run,
)
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
    "make_data",
    "make_module",
    "make_run",
    "predictions",
    "run_stage",
    "tiny_arguments",
    "tiny_manifest",
    "tiny_takes",
]
