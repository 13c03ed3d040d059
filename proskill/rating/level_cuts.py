"""From ratings to levels: where to cut, and how probable each level of each item then is.

Three rules: equal shares of each group, cut scores, or items of known standard. A rule gives one
set of cuts for each posterior draw, so that P(level) includes the uncertainty of items and cuts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from proskill.levels import LevelScale, median_level
from proskill.rating.comparisons import FloatArray, IntArray
from proskill.rating.grouping import members_of_groups
from proskill.rating.posterior import Posterior

CutMethod = Literal["quantiles", "scores", "anchors"]


@dataclass(frozen=True, eq=False)
class LevelCuts:
    """Cuts between the levels of one group.

    Attributes:
        scale: the L levels.
        group: index of the group.
        method: the rule that the cuts come from.
        draws: (S, L - 1) ascending cuts in logits for each posterior draw; (1, L - 1) where they
            are known.

    Raises:
        ValueError: the shape is another, or cuts do not ascend.
    """

    scale: LevelScale
    group: int
    method: CutMethod
    draws: FloatArray

    def __post_init__(self) -> None:
        if self.draws.ndim != 2 or self.draws.shape[1] != len(self.scale) - 1:
            raise ValueError(
                f"draws has shape {self.draws.shape}: {len(self.scale)} levels need "
                f"{len(self.scale) - 1} cuts in each draw"
            )
        if not (np.isfinite(self.draws).all() and (np.diff(self.draws, axis=1) >= 0).all()):
            raise ValueError("draws: cuts must be finite and ascend")

    @property
    def cuts(self) -> tuple[float, ...]:
        """L - 1 ascending cuts in logits, mean over the draws; valid as cut scores elsewhere."""
        return tuple(self.draws.mean(axis=0, dtype=np.float64).tolist())


@dataclass(frozen=True, eq=False)
class LevelAssignment:
    """The level of each item.

    Attributes:
        level: (I,) index on the scale by `median_level`; -1 where the group has no cuts.
        probabilities: (I, L) P(level), rows sum to 1; NaN where the group has no cuts.
    """

    level: IntArray
    probabilities: FloatArray


def quantile_cuts(posterior: Posterior, scale: LevelScale) -> tuple[LevelCuts, ...]:
    """Cut each group into equal shares, anew in each draw.

    A level is then the place of an item in its group, not its quality. A group
    with fewer items than levels gets no cuts.
    """
    shares = np.arange(1, len(scale)) / len(scale)
    num_groups = posterior.scale.shape[1]
    items_of = members_of_groups(posterior.item_group, num_groups=num_groups)
    found = []
    for group, items in enumerate(items_of):
        if len(items) >= len(scale):
            draws = np.quantile(posterior.draws[:, items], shares, axis=1).T  # (S, L - 1)
            found.append(LevelCuts(scale, group, "quantiles", draws))
    return tuple(found)


def score_cuts(
    posterior: Posterior, scale: LevelScale, cuts: Sequence[float]
) -> tuple[LevelCuts, ...]:
    """The same known cuts for every group.

    Args:
        posterior: tells how many groups there are.
        scale: the L levels.
        cuts: L - 1 strictly ascending cut scores in logits. Ratings are centred in each group, so
            that one cut means the same in several groups or campaigns only where anchors link them.

    Raises:
        ValueError: another number of cuts, or they do not ascend.
    """
    if len(cuts) != len(scale) - 1:
        raise ValueError(f"cuts={tuple(cuts)}: {len(scale)} levels need {len(scale) - 1} cuts")
    if not np.isfinite(cuts).all() or any(low >= high for low, high in pairwise(cuts)):
        raise ValueError(f"cuts={tuple(cuts)}: must be finite and ascend, lowest level first")
    draws = np.array([cuts], float)  # (1, L - 1)
    num_groups = posterior.scale.shape[1]
    return tuple(LevelCuts(scale, group, "scores", draws) for group in range(num_groups))


def cut_levels(posterior: Posterior, cuts: Sequence[LevelCuts]) -> LevelAssignment:
    """Return P(level) of every item: its share of draws between two cuts.

    Args:
        posterior: the one that the cuts were made from.
        cuts: at least one, at most one for each group, all on one scale.

    Raises:
        ValueError: no cuts, two for one group, or different scales.
    """
    if not cuts or len({cut.scale for cut in cuts}) > 1 or len({c.group for c in cuts}) < len(cuts):
        raise ValueError("cuts: needs one or more, on one scale, each for another group")
    scale = cuts[0].scale
    num_items = len(posterior.item_group)
    probabilities = np.full((num_items, len(scale)), np.nan)
    level = np.full(num_items, -1)
    num_groups = posterior.scale.shape[1]
    items_of = members_of_groups(posterior.item_group, num_groups=num_groups)
    for cut in cuts:
        items = items_of[cut.group]
        draws = posterior.draws[:, items]
        reached = np.ones((len(items), len(scale) + 1))  # P(at level l or above), and beyond
        reached[:, -1] = 0
        for above in range(len(scale) - 1):
            reached[:, above + 1] = (draws >= cut.draws[:, above, None]).mean(axis=0)
        probabilities[items] = reached[:, :-1] - reached[:, 1:]  # (items, L)
        level[items] = median_level(probabilities[items])
    return LevelAssignment(level, probabilities)
