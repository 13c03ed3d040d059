"""Fixtures of these tests; see `tests/fixtures`."""

from __future__ import annotations

from fixtures.runs import make_run
from fixtures.scoring import make_checkpoint, make_video
from fixtures.training import judged_takes, predictions

__all__ = ["judged_takes", "make_checkpoint", "make_run", "make_video", "predictions"]
