"""Plain values of a page's views, for the element `<coach-views>`."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from proskill.view_names import MAX_VIEWS

from .examples import Example
from .sessions import CoachSession, SessionView
from .work_queue import Step

if TYPE_CHECKING:
    from proskill.scoring import Proxy

# Values of a page overtake each other on their way, and one that equals the last is not shown at
# all: each has a number, higher than those before it even if the server was started anew.
_numbers = itertools.count(time.time_ns() // 1_000_000)


def first_value(examples: Sequence[Example]) -> dict[str, Any]:
    """Return the value of an empty page."""
    return {
        "views": [],
        "busy": None,
        "message": "",
        "answer": "",
        "is_former": False,
        "max_views": MAX_VIEWS,
        "examples": [[each.id, each.label, each.note] for each in examples],
    }


def views_value(session: CoachSession, *, message: str = "") -> dict[str, Any]:
    """Return the views of a page, the progress of work it waits for, and a sentence to show."""
    return {
        "number": next(_numbers),
        "views": [_row(view) for view in session.views.values()],
        "busy": None if session.step is None else step_value(session.step),
        "message": message,
        "answer": "" if session.result is None else session.result.id,
        "is_former": session.is_former,
    }


def step_value(step: Step[Any]) -> dict[str, Any]:
    """Return the progress of a piece of work, as the page shows it."""
    return {
        "place": step.place,
        "what": step.what,
        "share": round(step.share, 3),
        "seconds_left": step.seconds_left,
    }


def _row(view: SessionView) -> dict[str, Any]:
    state = "failed" if view.error else "ready" if view.proxy else "working"
    return {
        "id": view.id,
        "file": view.file,
        "name": view.name,
        "kind": view.kind,
        "origin_seconds": view.origin_seconds,
        "state": state,
        "step": None if view.step is None else step_value(view.step),
        "url": view.url,
        "facts": [] if view.proxy is None else _facts(view.proxy),
        "warnings": [] if view.proxy is None else list(view.proxy.info.warnings),
        "has_sound": view.proxy is not None and view.proxy.audio is not None,
        "error": "" if view.error is None else view.error.reason,
    }


def _facts(proxy: Proxy) -> list[str]:
    """Describe the original, in a few words each."""
    info = proxy.info
    facts = [
        f"{info.duration_seconds:.1f} s",
        f"{info.width} x {info.height}",
        f"{info.frame_rate:.3g} frames/s",
    ]
    if info.rotation_degrees:
        facts.append(f"turned upright by {info.rotation_degrees}°")
    if info.is_mirrored:
        facts.append("mirrored back")
    if info.decoded_ratio < 1:
        facts.append(f"{100 * info.decoded_ratio:.0f} % of its frames are there")
    return facts
