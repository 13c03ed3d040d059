"""A take: one performance, seen by one or several synchronised cameras."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from proskill.errors import ManifestError
from proskill.view_names import VIEW_KINDS, ViewKind

Split = Literal["train", "val", "test"]


@dataclass(frozen=True)
class View:
    """One camera's file of a take.

    Attributes:
        path: the video file.
        kind: "ego" (worn by the performer) or "exo" (watching them).
        start_seconds: where the performance begins on the take's clock.
        end_seconds: where it ends (exclusive), or None for the end of the file.
        offset_seconds: added to the take's clock to give this file's clock
            (timestamp t of the take is shown at `t + offset_seconds` of the file).

    Raises:
        ValueError: an unknown kind, a non-finite time, or an end that is not after the start.
    """

    path: Path
    kind: ViewKind
    start_seconds: float = 0.0
    end_seconds: float | None = None
    offset_seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in VIEW_KINDS:
            raise ValueError(f"kind={self.kind!r}: allowed are {', '.join(VIEW_KINDS)}")
        for name in ("start_seconds", "end_seconds", "offset_seconds"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise ValueError(f"{name}={value}: must be a finite number of seconds")
        if self.start_seconds < 0:
            raise ValueError(f"start_seconds={self.start_seconds}: must be 0 or more")
        if self.end_seconds is not None and self.end_seconds <= self.start_seconds:
            raise ValueError(
                f"end_seconds={self.end_seconds}: must be after start_seconds={self.start_seconds}"
            )


@dataclass(frozen=True)
class Take:
    """One performance. Views are synchronised: one list of timestamps serves all of them.

    Attributes:
        take_id: unique within a dataset.
        participant_id: the performer; participants never cross splits. None where unknown, as
            of files outside a data set.
        scenario: the activity; empty where unknown.
        views: view name -> View, one or more, in a stable order.
        split: "train", "val", "test", or None where not assigned.
        level: a name of the dataset's LevelScale, or None where unlabelled.
        rating: a continuous label (higher is more skilled), or None.
        skills: skill name -> value, for datasets with several skills.

    Raises:
        ValueError: an empty id, no view, an unknown split, or a non-finite rating.
    """

    take_id: str
    participant_id: str | None
    scenario: str
    views: Mapping[str, View]
    split: Split | None = None
    level: str | None = None
    rating: float | None = None
    skills: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.take_id or self.participant_id == "":
            raise ValueError(
                f"take_id={self.take_id!r}, participant_id={self.participant_id!r}: "
                "must not be empty"
            )
        if not self.views:
            raise ValueError(f"take {self.take_id!r} has no view; a take needs one or more")
        if self.split is not None and self.split not in get_args(Split):
            raise ValueError(
                f"take {self.take_id!r}: split={self.split!r}; "
                f"allowed are {', '.join(get_args(Split))}"
            )
        if self.rating is not None and not math.isfinite(self.rating):
            raise ValueError(f"take {self.take_id!r}: rating={self.rating}; must be finite")
        object.__setattr__(self, "views", MappingProxyType(dict(self.views)))
        object.__setattr__(self, "skills", MappingProxyType(dict(self.skills)))

    @property
    def participant(self) -> str:
        """The participant_id of a take of a data set.

        Raises:
            ManifestError: it is unknown.
        """
        if self.participant_id is None:
            raise ManifestError(
                f"take {self.take_id!r}: participant_id is unknown; splits and intervals need "
                "it, so name the performer"
            )
        return self.participant_id

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        # MappingProxyType does not pickle; worker processes get plain dicts and freeze them again.
        return Take, (
            self.take_id, self.participant_id, self.scenario, dict(self.views),
            self.split, self.level, self.rating, dict(self.skills),
        )  # fmt: skip


def shared_span(take: Take, durations: Mapping[str, float]) -> tuple[float, float]:
    """Return the range [start, end) in seconds on the take's clock that views have in common.

    Args:
        take: one performance.
        durations: view name -> length of its file in seconds; only these views count.

    Raises:
        ManifestError: the views have no timestamp in common.
    """
    views = {name: take.views[name] for name in durations}
    start = max(max(view.start_seconds, -view.offset_seconds) for view in views.values())
    end = min(
        min(
            durations[name] - view.offset_seconds,
            view.end_seconds if view.end_seconds is not None else math.inf,
        )
        for name, view in views.items()
    )
    if end <= start:
        raise ManifestError(
            f"take {take.take_id!r}: views {', '.join(views)} have no timestamp in common (the "
            f"last begins at {start:.2f} s and the first ends at {end:.2f} s); check their "
            "offsets, start_seconds and end_seconds"
        )
    return start, end
