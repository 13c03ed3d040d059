"""Fixtures of these tests; see `tests/fixtures`."""

from __future__ import annotations

from fixtures.campaigns import make_log, new_campaign, serve, serve_alone, visit

__all__ = ["make_log", "new_campaign", "serve", "serve_alone", "visit"]
