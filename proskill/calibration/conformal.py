"""Split conformal prediction: thresholds with a coverage that holds for new participants' takes.

Levels are ordered, so a prediction set is a run of neighbouring levels. It grows from the median
level towards the more probable neighbour (ordinal adaptive prediction sets, Lu, Angelopoulos and
Pomerantz 2022, arXiv 2207.02238, which grow from the most probable level instead).

Takes of one participant resemble each other and are not exchangeable one by one; participants are.
Each participant has the weight of one, shared by their takes, and the unseen participant has the
weight of one at infinity (hierarchical conformal prediction, Lee, Barber and Willett 2023, arXiv
2306.06342). Subsampling one take per participant would be valid, too, but wastes takes and makes
the threshold depend on chance; counting takes alone covers new participants too seldom where few
people gave many takes.

Shapes: N takes, K levels.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proskill.levels import median_level

Floats = NDArray[np.floating[Any]]

_ROUNDING = 1e-9  # sums of probabilities are not exact


def conformal_threshold(
    scores: Floats, participants: Sequence[Hashable], *, coverage: float
) -> float:
    """Return the threshold of conformity scores for a coverage of new participants' takes.

    Of the takes of new participants, one drawn at random from each, a share of at least `coverage`
    scores at most this, whatever the distribution; on average over calibration sets.

    Args:
        scores: (N,) distance of each take's truth to its prediction, larger is worse.
        participants: (N,) performers.
        coverage: in (0, 1).

    Returns:
        One of the scores; infinite where there are too few participants for the coverage.

    Raises:
        ValueError: a coverage outside (0, 1), or scores that are not finite.
    """
    if not 0 < coverage < 1:
        raise ValueError(f"coverage={coverage}: must be between 0 and 1")
    scores = np.asarray(scores, dtype=np.float64)
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
    takes_of = Counter(participants)
    weights = np.array([1.0 / takes_of[who] for who in participants]) / (len(takes_of) + 1)
    order = np.argsort(scores, kind="stable")
    covered = np.cumsum(weights[order])
    position = int(np.searchsorted(covered, coverage - 1e-12))
    return float(scores[order][position]) if position < len(order) else math.inf


def mass_before(probabilities: Floats) -> NDArray[np.float64]:
    """Return the probability (N, K) of the levels that join the set before each level.

    The median level joins first, so its value is 0; then, one after the other, the more probable of
    the two neighbours of the set, the lower one where both are equal.
    """
    given = np.asarray(probabilities, dtype=np.float64)
    num_takes, num_levels = given.shape
    rows = np.arange(num_takes)
    padded = np.pad(given, ((0, 0), (1, 1)), constant_values=-1.0)  # no level beyond the ends
    lowest = np.asarray(median_level(given), dtype=np.int64)
    highest = lowest.copy()
    before = np.zeros_like(given)
    mass = given[rows, lowest]
    for _ in range(num_levels - 1):
        goes_down = padded[rows, lowest] >= padded[rows, highest + 2]
        lowest, highest = lowest - goes_down, highest + ~goes_down
        joined = np.where(goes_down, lowest, highest)
        before[rows, joined] = mass
        mass = mass + given[rows, joined]
    return before


def prediction_sets(probabilities: Floats, *, threshold: float) -> NDArray[np.int64]:
    """Return first and last level (N, 2) of each take's set; the median level is always in it.

    Args:
        probabilities: (N, K), rows sum to 1.
        threshold: on `mass_before`; 1 or more takes in every level.
    """
    inside = mass_before(probabilities) <= threshold + _ROUNDING
    last = inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
    return np.stack([inside.argmax(axis=1), last], axis=1)
