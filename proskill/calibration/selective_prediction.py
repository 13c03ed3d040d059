"""Selective prediction: thresholds for `ok` and abstention, chosen on validation takes.

The uncertainty of a prediction is the expected distance, in levels, of the truth to the predicted
level, by the model's own probabilities. Takes are sorted by it; the risk-coverage curve of mean
error against the share of takes with a prediction (El-Yaniv and Wiener 2010; Geifman and El-Yaniv
2017, arXiv 1705.08500) then gives two thresholds:

- *ok* needs evidence: of the takes up to the threshold, the mean error is at most a target, with
  one-sided 90 % confidence by participant;
- *abstained* are the takes beyond the threshold with the smallest total cost, where a prediction
  costs its error and an abstention as much as always predicting the same level (Chow 1970).

The thresholds are chosen on the takes that show the error, so the error beyond them is an estimate
and no guarantee.

Not here: other reasons for doubt (`proskill.scoring.verdict`).

Shapes: N takes, K levels.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proskill.levels import median_level

MIN_PARTICIPANTS = 10
"""With fewer, no threshold is chosen: chance would choose it."""

OK_ERROR = 0.5
"""In levels: a prediction with the status `ok` is right more often than one level off."""

_MAX_POINTS = 50
_ONE_SIDED_90 = 1.2816  # standard deviations above which a normal variable has 10 %

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class CurvePoint:
    """A point of the risk-coverage curve: predictions for the takes up to a threshold only.

    Attributes:
        limit: largest expected error with a prediction, in levels.
        share: of the takes with a prediction, each participant counting as one.
        error: mean distance of prediction and truth among them, in levels.
        upper: end of the error's one-sided 90 % interval by participant.
    """

    limit: float
    share: float
    error: float
    upper: float


@dataclass(frozen=True)
class SelectionThresholds:
    """Thresholds on the expected error of a prediction, in levels, and their risk-coverage curve.

    Attributes:
        ok: largest expected error of a prediction with the status `ok`; 0 if none gets it.
        abstain: beyond it the model abstains; the length of the scale if it never does.
        ok_error: target for the mean error of predictions with the status `ok`.
        blind_error: mean error of always predicting the validation takes' median level.
        curve: by increasing limit, from `MIN_PARTICIPANTS` participants on.

    Raises:
        ValueError: a negative or infinite value, or thresholds in the wrong order.
    """

    ok: float
    abstain: float
    ok_error: float
    blind_error: float
    curve: tuple[CurvePoint, ...]

    def __post_init__(self) -> None:
        numbers = [self.ok, self.abstain, self.ok_error, self.blind_error]
        numbers += [value for point in self.curve for value in asdict(point).values()]
        if not all(math.isfinite(value) and value >= 0 for value in numbers):
            raise ValueError("thresholds, errors and shares must be finite and 0 or more")
        if self.ok > self.abstain:
            raise ValueError(f"ok={self.ok} is above abstain={self.abstain}")


def expected_level_error(probabilities: Floats) -> NDArray[np.float64]:
    """Return the expected distance (...) of the truth to the median level of (..., K), in levels.

    No other level has a smaller one; it is 0 for a certain prediction and at most (K - 1) / 2.
    """
    given = np.asarray(probabilities, dtype=np.float64)
    said = np.asarray(median_level(given))[..., None]
    return np.asarray((given * np.abs(np.arange(given.shape[-1]) - said)).sum(axis=-1))


def fit_selection_thresholds(
    probabilities: Floats,
    levels: NDArray[np.integer[Any]],
    participants: Sequence[Hashable],
    *,
    ok_error: float = OK_ERROR,
) -> SelectionThresholds | None:
    """Choose the thresholds on takes that the model was not trained on.

    Args:
        probabilities: (N, K), calibrated.
        levels: (N,) true level indices.
        participants: (N,) performers; takes of one participant count together as one.
        ok_error: see `SelectionThresholds`.

    Returns:
        None with fewer than `MIN_PARTICIPANTS` participants.

    Raises:
        ValueError: an `ok_error` that is not above 0.
    """
    if not (math.isfinite(ok_error) and ok_error > 0):
        raise ValueError(f"ok_error={ok_error}: must be finite and above 0, in levels")
    names = list(dict.fromkeys(participants))
    if len(names) < MIN_PARTICIPANTS:
        return None
    number = {who: index for index, who in enumerate(names)}
    person = np.array([number[who] for who in participants])
    takes_of = np.bincount(person)
    num_levels = probabilities.shape[1]
    unsure = expected_level_error(probabilities)
    order = np.argsort(unsure, kind="stable")
    unsure, person = unsure[order], person[order]
    weights = 1.0 / takes_of[person]
    errors = np.abs(np.asarray(median_level(probabilities)) - levels)[order].astype(np.float64)
    truth = np.asarray(levels)[order]
    blind = min(
        float(np.average(np.abs(truth - level), weights=weights)) for level in range(num_levels)
    )
    ok, abstain, most_saved, curve = 0.0, float(num_levels - 1), 0.0, []
    for cut in _cuts(unsure):
        surer, rest = slice(None, cut), slice(cut, None)
        limit = float(unsure[cut - 1]) if cut else 0.0
        saved = float(weights[rest] @ (errors[rest] - blind))
        if saved > most_saved + 1e-9 and len(set(person[rest])) >= MIN_PARTICIPANTS:
            abstain, most_saved = limit, saved
        if len(set(person[surer])) < MIN_PARTICIPANTS:
            continue
        error, upper = _mean_error(errors[surer], weights[surer], person[surer])
        curve.append(CurvePoint(limit, float(weights[surer].sum() / len(names)), error, upper))
        if upper <= ok_error:
            ok = limit
    return SelectionThresholds(min(ok, abstain), abstain, ok_error, blind, tuple(curve))


def _cuts(unsure: Floats) -> list[int]:
    """Return numbers of surest takes to predict: 0, all, and up to `_MAX_POINTS` between."""
    wanted = np.linspace(0, len(unsure), min(_MAX_POINTS, len(unsure)) + 1).round().astype(int)
    ends = np.searchsorted(unsure, unsure[np.maximum(wanted - 1, 0)], side="right")  # keep ties
    return [0, *sorted(set(ends[1:].tolist()))]


def _mean_error(errors: Floats, weights: Floats, person: NDArray[Any]) -> tuple[float, float]:
    """Return the weighted mean and its upper end, from a ratio's variance over participants."""
    mean = float(np.average(errors, weights=weights))
    apart = np.bincount(person, weights=weights * (errors - mean))
    num_people = len(set(person.tolist()))
    spread = math.sqrt(float(apart @ apart) * num_people / max(1, num_people - 1))
    return mean, mean + _ONE_SIDED_90 * spread / float(weights.sum())
