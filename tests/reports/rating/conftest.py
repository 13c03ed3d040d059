"""Fixtures of these tests; see `tests/fixtures`."""

from __future__ import annotations

from fixtures.ratings import (
    origin_of,
    rated,
    simulated_votes,
    small_run,
    split_run,
    votes_with_new_item,
)

__all__ = ["origin_of", "rated", "simulated_votes", "small_run", "split_run", "votes_with_new_item"]
