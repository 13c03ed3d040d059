"""Explanation of a score: plain frozen values, the same behind API, CLI, report and app.

Not here: how the effects are found (`explaining.py`), how they are drawn (`figures.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from proskill.plain_json import from_plain_json, plain_json

SCHEMA = "proskill.explanation/2"
MAX_MOMENTS = 3
MAX_SKILLS = 3  # that are named with a moment
CHANCE_NOISES = 2.0  # times its noise that an effect must exceed to be more than chance
_SAME = 0.005  # levels: what rounds to 0.00 is no difference


@dataclass(frozen=True)
class SegmentEffect:
    """Effect of one segment of the performance, relative to its average segment.

    Attributes:
        start_seconds: on the common clock of the views.
        end_seconds: exclusive.
        effect: in levels, the score of the segment judged by itself less `Explanation.baseline`:
            above 0 it looks more skilled than the average segment, below 0 less.
        noise: in levels, standard error of the effect; within two of them it may be chance.
        view_effects: view name -> the same, judged from that view alone and compared with what
            that view alone makes of the average segment.

    Raises:
        ValueError: a number that is not finite, a negative noise, or an end before the start.
    """

    start_seconds: float
    end_seconds: float
    effect: float
    noise: float
    view_effects: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_segment(self)

    @property
    def may_be_chance(self) -> bool:
        """Compare the effect with its noise; bars of effects within it are drawn pale."""
        return abs(self.effect) <= CHANCE_NOISES * self.noise


@dataclass(frozen=True)
class Moment:
    """A segment whose effect exceeds its noise wherever the grid of segments begins.

    Attributes:
        start_seconds: on the common clock of the views.
        end_seconds: exclusive.
        effect: as in `SegmentEffect`.
        noise: as in `SegmentEffect`.
        view: the view in which it shows most.
        view_effects: as in `SegmentEffect`.
        skill_effects: skill name -> the same in levels of that skill, for models of several skills.

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
        _check_segment(self)
        if self.view not in self.view_effects:
            raise ValueError(f"view={self.view!r}: has no effect among {list(self.view_effects)}")
        object.__setattr__(self, "skill_effects", MappingProxyType(dict(self.skill_effects)))

    @property
    def skills_most(self) -> tuple[tuple[str, float], ...]:
        """Return the skills with the strongest effects, at most three, strongest first."""
        sign = 1 if self.effect > 0 else -1
        ranked = sorted(self.skill_effects.items(), key=lambda pair: -sign * pair[1])
        return tuple(ranked[:MAX_SKILLS])


@dataclass(frozen=True)
class ViewEffect:
    """Effect of one view, by two measures that need not agree.

    Attributes:
        effect: in levels, the score of the average segment in all views less that without the
            view: above 0 the view raises it. 0 where it is the only view.
        share: how much the judgement from the view alone changes along the performance, as a share
            of all views, in [0, 1]; they sum to 1, or are all 0 where nothing changes in any view.

    Raises:
        ValueError: an effect that is not finite, or a share outside [0, 1].
    """

    effect: float
    share: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.effect) or not 0 <= self.share <= 1:
            raise ValueError(f"effect={self.effect}, share={self.share}: not finite or not a share")

    @property
    def without_it(self) -> str:
        """Return the change of the average segment's score without the view, in words."""
        if abs(self.effect) < _SAME:
            return "the same"
        return f"{abs(self.effect):.2f} {'lower' if self.effect > 0 else 'higher'}"


@dataclass(frozen=True)
class Explanation:
    """Contributions of segments and views to a score.

    Attributes:
        segments: of equal length, in time order, without gaps.
        baseline: expected level, in [0, K - 1] for K levels, that all effects are relative to: the
            score of the average segment of this performance. It is not the score of the answer,
            which comes from another look at it.
        moments: at most three, strongest first; none where nothing stands out.
        views: view name -> what it does, in the order given.
        method: how this was made and what it is not, in sentences for people.

    Raises:
        ValueError: no segment, no view, more than three moments, or a baseline that is no score.
    """

    segments: tuple[SegmentEffect, ...]
    baseline: float
    moments: tuple[Moment, ...]
    views: Mapping[str, ViewEffect]
    method: str

    def __post_init__(self) -> None:
        if not self.segments or not self.views:
            raise ValueError("an explanation has one segment and one view or more")
        if len(self.moments) > MAX_MOMENTS:
            raise ValueError(f"{len(self.moments)} moments: at most {MAX_MOMENTS} are named")
        if not (math.isfinite(self.baseline) and self.baseline >= 0):
            raise ValueError(f"baseline={self.baseline}: must be a score, finite and 0 or more")
        object.__setattr__(self, "views", MappingProxyType(dict(self.views)))

    @property
    def views_by_share(self) -> tuple[tuple[str, ViewEffect], ...]:
        """Return names and views, the one with the largest share first."""
        return tuple(sorted(self.views.items(), key=lambda pair: -pair[1].share))

    def to_dict(self) -> dict[str, Any]:
        """Return nested plain values for JSON, with `schema`; keys in a fixed order."""
        return {"schema": SCHEMA, **plain_json(self)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Explanation:
        """Read what `to_dict` wrote.

        Raises:
            ValueError: another schema, a missing or surplus key, or a value of the wrong type or
                range.
        """
        try:
            return from_plain_json(cls, data, schemas=(SCHEMA,))
        except ValueError as error:
            raise ValueError(f"not an explanation: {error}") from error


def _check_segment(part: SegmentEffect | Moment) -> None:
    numbers = (part.start_seconds, part.end_seconds, part.effect, part.noise)
    if not all(map(math.isfinite, (*numbers, *part.view_effects.values()))) or part.noise < 0:
        raise ValueError(f"{part}: numbers must be finite and the noise 0 or more")
    if part.end_seconds <= part.start_seconds:
        raise ValueError(f"[{part.start_seconds}, {part.end_seconds}): must end after it starts")
    object.__setattr__(part, "view_effects", MappingProxyType(dict(part.view_effects)))
