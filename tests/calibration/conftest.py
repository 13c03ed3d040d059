"""Fixtures of these tests; see `tests/fixtures`."""

from __future__ import annotations

from fixtures.scoring import make_video

__all__ = ["make_video"]
