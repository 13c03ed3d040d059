"""Hidden skill of simulated performers: four partly independent components, and levels.

Not here: how a component shows in the motion (`motion`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from proskill.levels import EGOEXO4D_LEVELS

COMPONENTS = ("dexterity", "frontal_control", "sagittal_control", "timing")
"""Fine control of the hands; balance from side to side; balance fore and aft; evenness of pace."""

COMPONENT_CORRELATION = 0.3
"""Correlation between two components over participants: people who are good at one thing tend to be
good at the others, but a camera that shows one component does not show the rest."""

PARTICIPANT_SHARE, TASK_SHARE, TAKE_SHARE = 0.86, 0.07, 0.07
"""Shares of a component's variance that belong to the person, the person's task, and the single
take."""


@dataclass(frozen=True)
class Skill:
    """Standard-normal value of each component for one take, in the order of `COMPONENTS`.

    Raises:
        ValueError: a wrong number of components or a value that is not finite.
    """

    components: tuple[float, float, float, float]

    def __post_init__(self) -> None:
        if len(self.components) != len(COMPONENTS) or not np.all(np.isfinite(self.components)):
            raise ValueError(f"components={self.components}: needs {len(COMPONENTS)} finite values")

    @property
    def rating(self) -> float:
        """Overall skill: the rubric sum of the components, standardised to N(0, 1) over the
        population."""
        num = len(COMPONENTS)
        variance = (1 + (num - 1) * COMPONENT_CORRELATION) / num
        return float(np.mean(self.components) / np.sqrt(variance))

    @property
    def level(self) -> str:
        """Level of the rating: the population's quartiles under Ego-Exo4D's names."""
        num = len(EGOEXO4D_LEVELS)
        cuts = ndtri(np.arange(1, num) / num)
        return EGOEXO4D_LEVELS.names[int(np.searchsorted(cuts, self.rating))]

    @property
    def mastery(self) -> np.ndarray:
        """Each component's population quantile, in (0, 1)."""
        return np.asarray(ndtr(np.asarray(self.components)))


def _correlated(rng: np.random.Generator) -> np.ndarray:
    common, own = rng.standard_normal(), rng.standard_normal(len(COMPONENTS))
    r = COMPONENT_CORRELATION
    return np.sqrt(r) * common + np.sqrt(1 - r) * own


def draw_take_skill(
    participant_rng: np.random.Generator,
    task_rng: np.random.Generator,
    take_rng: np.random.Generator,
) -> Skill:
    """Draw the skill of a take: mostly the participant's, with small variation per task and take.

    Each generator must be freshly seeded for its participant, participant x task, and take, so that
    the same participant gets the same share in every take.
    """
    parts = (
        np.sqrt(PARTICIPANT_SHARE) * _correlated(participant_rng)
        + np.sqrt(TASK_SHARE) * _correlated(task_rng)
        + np.sqrt(TAKE_SHARE) * _correlated(take_rng)
    )
    a, b, c, d = (float(x) for x in parts)
    return Skill((a, b, c, d))
