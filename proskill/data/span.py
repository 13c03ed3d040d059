"""The stretch of a take that all its views show."""

from __future__ import annotations

from collections.abc import Mapping

from proskill.data.take import View
from proskill.errors import ManifestError


def shared_span(
    take_id: str, views: Mapping[str, View], durations: Mapping[str, float]
) -> tuple[float, float]:
    """[start, end) in seconds on the take's clock that every given view shows.

    Args:
        take_id: for the message.
        views: view name -> View.
        durations: view name -> length of its file in seconds.

    Raises:
        ManifestError: the views have no instant in common.
    """
    start = max(max(view.start_seconds, -view.offset_seconds) for view in views.values())
    end = min(
        min(
            durations[name] - view.offset_seconds,
            view.end_seconds if view.end_seconds is not None else float("inf"),
        )
        for name, view in views.items()
    )
    if end <= start:
        raise ManifestError(
            f"take {take_id!r}: its views {', '.join(views)} share no instant (start {start:.3f} "
            f"s, end {end:.3f} s); check start_seconds, end_seconds and offset_seconds"
        )
    return start, end
