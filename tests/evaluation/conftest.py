"""Fixtures of these tests; see `tests/fixtures`."""

from __future__ import annotations

from fixtures.runs import make_run
from fixtures.training import judged_takes, predictions

__all__ = ["judged_takes", "make_run", "predictions"]
