"""Fixtures of these tests; see `tests/fixtures`."""

from __future__ import annotations

from fixtures.scoring import make_checkpoint, make_video
from fixtures.training import cache_dir, judged_takes, predictions, tiny_arguments, tiny_takes

__all__ = [
    "cache_dir",
    "judged_takes",
    "make_checkpoint",
    "make_video",
    "predictions",
    "tiny_arguments",
    "tiny_takes",
]
