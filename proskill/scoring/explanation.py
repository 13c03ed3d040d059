"""Why a score came out as it did: plain frozen values, the same behind API, CLI, report and app.

Not here: how the effects are found (`explaining.py`), how they are drawn (`figures.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from proskill.scoring.plain_values import to_plain, to_tuples

SCHEMA = "proskill.explanation/1"
MAX_MOMENTS = 3


@dataclass(frozen=True)
class SegmentEffect:
    """What one stretch of the performance does to the score.

    Attributes:
        start_seconds: on the common clock of the views.
        end_seconds: exclusive.
        effect: signed change of the expected level that the stretch makes: above 0 it raises the
            score, below 0 it lowers it.
        noise: standard deviation of the effect; an effect within two of them may be chance.
        view_effects: view name -> the same change when the stretch is left out of that view alone.

    Raises:
        ValueError: a number that is not finite, a negative noise, or an end before the start.
    """

    start_seconds: float
    end_seconds: float
    effect: float
    noise: float
    view_effects: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_stretch(self)


@dataclass(frozen=True)
class Moment:
    """A stretch whose effect stands out of the noise wherever the grid of segments begins.

    Attributes:
        start_seconds: on the common clock of the views.
        end_seconds: exclusive.
        effect: as in `SegmentEffect`.
        noise: as in `SegmentEffect`.
        view: the view in which it shows most.
        view_effects: as in `SegmentEffect`.
        skill_effects: skill name -> the same change of that skill's expected level, for models of
            several skills.

    Raises:
        ValueError: as `SegmentEffect`, or a view without an effect.
    """

    start_seconds: float
    end_seconds: float
    effect: float
    noise: float
    view: str
    view_effects: Mapping[str, float]
    skill_effects: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_stretch(self)
        if self.view not in self.view_effects:
            raise ValueError(f"view={self.view!r}: has no effect among {list(self.view_effects)}")
        object.__setattr__(self, "skill_effects", MappingProxyType(dict(self.skill_effects)))


@dataclass(frozen=True)
class ViewEffect:
    """What one view does to the score.

    Attributes:
        effect: signed change of the expected level that the view makes.
        share: of the sum of all views' absolute effects, in [0, 1]; they sum to 1, or are all 0
            where no view changes anything.

    Raises:
        ValueError: an effect that is not finite, or a share outside [0, 1].
    """

    effect: float
    share: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.effect) or not 0 <= self.share <= 1:
            raise ValueError(f"effect={self.effect}, share={self.share}: not finite or not a share")


@dataclass(frozen=True)
class Explanation:
    """When and in which view the score came about.

    Attributes:
        segments: of equal length, in time order, without gaps.
        moments: at most three, strongest first; none where nothing stands out.
        views: view name -> what it does, in the order given; the one that matters most is the one
            with the largest share.
        method: how this was made and what it is not, in sentences for people.

    Raises:
        ValueError: no segment, no view, or more than three moments.
    """

    segments: tuple[SegmentEffect, ...]
    moments: tuple[Moment, ...]
    views: Mapping[str, ViewEffect]
    method: str

    def __post_init__(self) -> None:
        if not self.segments or not self.views:
            raise ValueError("an explanation has one segment and one view or more")
        if len(self.moments) > MAX_MOMENTS:
            raise ValueError(f"{len(self.moments)} moments: at most {MAX_MOMENTS} are named")
        object.__setattr__(self, "views", MappingProxyType(dict(self.views)))

    def to_dict(self) -> dict[str, Any]:
        """Nested plain values that JSON keeps, with `schema`; keys in a fixed order."""
        return {"schema": SCHEMA, **to_plain(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Explanation:
        """The inverse of `to_dict`.

        Raises:
            ValueError: another schema, a missing or surplus key, or a value out of range.
        """
        values = {key: to_tuples(value) for key, value in data.items()}
        if (schema := values.pop("schema", None)) != SCHEMA:
            raise ValueError(f"schema={schema!r}: this version reads {SCHEMA!r}")
        try:
            return cls(
                segments=tuple(SegmentEffect(**row) for row in values.pop("segments")),
                moments=tuple(Moment(**row) for row in values.pop("moments")),
                views={name: ViewEffect(**row) for name, row in values.pop("views").items()},
                **values,
            )
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"not an explanation of schema {SCHEMA}: {error}") from error


def _check_stretch(part: SegmentEffect | Moment) -> None:
    numbers = (part.start_seconds, part.end_seconds, part.effect, part.noise)
    if not all(map(math.isfinite, (*numbers, *part.view_effects.values()))) or part.noise < 0:
        raise ValueError(f"{part}: numbers must be finite and the noise 0 or more")
    if part.end_seconds <= part.start_seconds:
        raise ValueError(f"[{part.start_seconds}, {part.end_seconds}): must end after it starts")
    object.__setattr__(part, "view_effects", MappingProxyType(dict(part.view_effects)))
