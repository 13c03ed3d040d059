"""Targets of training: levels of one or several skills, ratings, or both.

A take may lack any of them; it is of use if it has one. Not here: batches (`take_dataset`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from proskill.data.take import Take
from proskill.errors import ManifestError
from proskill.levels import UNLABELLED, LevelScale

_NUM_NAMED = 10


@dataclass(frozen=True)
class Targets:
    """Labels that a model learns from.

    Attributes:
        scale: of the levels.
        skills: names of the skills whose levels are learned; none means that the level of the
            whole performance is the only one.
        uses_levels: false for a model that learns from ratings alone.
        uses_ratings: whether a take with a rating only is of use, too.

    Raises:
        ValueError: nothing is used, or a skill stands twice.
    """

    scale: LevelScale
    skills: tuple[str, ...] = ()
    uses_levels: bool = True
    uses_ratings: bool = False

    def __post_init__(self) -> None:
        if not (self.uses_levels or self.uses_ratings):
            raise ValueError("uses_levels and uses_ratings are both false: nothing can be learned")
        if len(set(self.skills)) != len(self.skills) or not all(self.skills):
            raise ValueError(f"skills={list(self.skills)}: names must be distinct and not empty")

    @property
    def described(self) -> str:
        """Description for messages."""
        names = []
        if self.uses_levels:
            names.append(f"one of the skills {', '.join(self.skills)}" if self.skills else "level")
        if self.uses_ratings:
            names.append("rating")
        return " or ".join(names)

    def levels_of(self, take: Take) -> tuple[int, ...]:
        """Return the level index of every skill, -1 where the take has no label for it.

        Raises:
            ManifestError: a skill's value is not the index of a level.
            ValueError: an unknown level.
        """
        if not self.uses_levels:
            return (UNLABELLED,) * max(1, len(self.skills))
        if not self.skills:
            return (UNLABELLED if take.level is None else self.scale.index(take.level),)
        num_levels = len(self.scale)
        return tuple(skill_level(take, name, num_levels=num_levels) for name in self.skills)

    def rating_of(self, take: Take) -> float:
        """Return the rating, NaN without one or where ratings do not count."""
        return take.rating if self.uses_ratings and take.rating is not None else math.nan

    def has_any(self, take: Take) -> bool:
        """Return True if the take has a label that counts."""
        is_rated = not math.isnan(self.rating_of(take))
        return is_rated or any(level != UNLABELLED for level in self.levels_of(take))


def skill_level(take: Take, name: str, *, num_levels: int) -> int:
    """Return the level index of a skill, -1 where the take has no label for it.

    Raises:
        ManifestError: the value is not the index of a level.
    """
    value = take.skills.get(name)
    if value is None:
        return UNLABELLED
    if not float(value).is_integer() or not 0 <= value < num_levels:
        raise ManifestError(
            f"take {take.take_id!r}: skill {name!r} is {value:g}; allowed are the levels 0 to "
            f"{num_levels - 1}"
        )
    return int(value)


def named(names: Sequence[str]) -> str:
    """Return the first of many names, and the number of the others."""
    more = len(names) - _NUM_NAMED
    return ", ".join(names[:_NUM_NAMED]) + (f" and {more} more" if more > 0 else "")
