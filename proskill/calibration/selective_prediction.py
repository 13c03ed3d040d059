"""How sure an answer must be to be given, and to be given without doubt: limits from validation.

An answer is as sure as the model expects it to be wrong: the expected distance, in levels, of the
truth to the level that is said. Takes are sorted by it, the surest first; the curve of mean error
against the share that is answered (El-Yaniv and Wiener 2010; Geifman and El-Yaniv 2017, arXiv
1705.08500) then shows where to stop:

- *ok* needs to be shown: of the takes at least as sure, the mean error is at most a target, with
  one-sided 90 % confidence by participant;
- *abstained* are the takes beyond the limit with the smallest total cost, where an answer costs its
  error and a withheld one as much as always saying the same level (Chow 1970): answers worse than
  not looking are not given.

The limits are chosen on the takes that show the error, so the error beyond them is an estimate and
no guarantee.

Pure numpy. Not here: what else makes an answer doubtful (`verdict.py`).

Shapes: N takes, K levels.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proskill.calibration.json_values import finite_number, require_keys
from proskill.errors import CheckpointError
from proskill.levels import median_level

MIN_PARTICIPANTS = 10
"""With fewer, neither limit is chosen: chance would choose it."""

OK_ERROR = 0.5
"""In levels: an answer without doubt is right more often than it is one level off."""

_MAX_POINTS = 50
_ONE_SIDED_90 = 1.2816  # standard deviations above which a normal variable has 10 %

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class CurvePoint:
    """What happens on validation if only takes up to a limit are answered.

    Attributes:
        limit: largest expected error that is answered, in levels.
        share: of the takes that are answered, each participant counting as one.
        error: mean distance of answer and truth among them, in levels.
        upper: end of the error's one-sided 90 % interval by participant.
    """

    limit: float
    share: float
    error: float
    upper: float


@dataclass(frozen=True)
class StatusLimits:
    """Limits on the expected error of an answer, in levels, and the curve they were chosen on.

    Attributes:
        ok: up to here an answer is given without doubt; 0 if nowhere.
        abstain: beyond here none is given; the length of the scale if there is no such place.
        ok_error: target for the mean error of answers without doubt.
        blind_error: mean error of always saying the validation takes' median level.
        curve: by increasing limit, from `MIN_PARTICIPANTS` participants on.

    Raises:
        ValueError: a negative or infinite value, or limits in the wrong order.
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
            raise ValueError("limits, errors and shares must be finite and 0 or more")
        if self.ok > self.abstain:
            raise ValueError(f"ok={self.ok} is above abstain={self.abstain}")

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers."""
        return {**vars(self), "curve": [asdict(point) for point in self.curve]}

    @classmethod
    def from_dict(cls, data: Any, *, where: str) -> StatusLimits:
        """Read what `to_dict` wrote, trusting nothing.

        Raises:
            CheckpointError: a missing or surplus key, or a value of the wrong type or range.
        """
        numbers = ("ok", "abstain", "ok_error", "blind_error")
        require_keys(data, (*numbers, "curve"), where=where)
        if not isinstance(data["curve"], list):
            raise CheckpointError(f"{where}.curve: expected a list of points")
        try:
            return cls(
                **{name: finite_number(data[name], where=f"{where}.{name}") for name in numbers},
                curve=tuple(
                    _point(point, where=f"{where}.curve[{index}]")
                    for index, point in enumerate(data["curve"])
                ),
            )
        except ValueError as error:
            raise CheckpointError(f"{where}: {error}") from error


def expected_level_error(probabilities: Floats) -> NDArray[np.float64]:
    """Expected distance of the truth to the median level, in levels, (...) of (..., K).

    No other level has a smaller one; it is 0 for a certain answer and at most (K - 1) / 2.
    """
    given = np.asarray(probabilities, dtype=np.float64)
    said = np.asarray(median_level(given))[..., None]
    return np.asarray((given * np.abs(np.arange(given.shape[-1]) - said)).sum(axis=-1))


def fit_status_limits(
    probabilities: Floats,
    levels: NDArray[np.integer[Any]],
    participants: Sequence[Hashable],
    *,
    ok_error: float = OK_ERROR,
) -> StatusLimits | None:
    """Choose the limits on takes that the model was not trained on.

    Args:
        probabilities: (N, K), calibrated.
        levels: (N,) true level indices.
        participants: (N,) who performs; takes of one participant count together as one.
        ok_error: see `StatusLimits`.

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
    return StatusLimits(min(ok, abstain), abstain, ok_error, blind, tuple(curve))


def _cuts(unsure: Floats) -> list[int]:
    """How many of the surest takes to answer: 0, all, and up to `_MAX_POINTS` numbers between."""
    wanted = np.linspace(0, len(unsure), min(_MAX_POINTS, len(unsure)) + 1).round().astype(int)
    ends = np.searchsorted(unsure, unsure[np.maximum(wanted - 1, 0)], side="right")  # keep ties
    return [0, *sorted(set(ends[1:].tolist()))]


def _mean_error(errors: Floats, weights: Floats, person: NDArray[Any]) -> tuple[float, float]:
    """Weighted mean and its upper end; a ratio's variance with participants as the units."""
    mean = float(np.average(errors, weights=weights))
    apart = np.bincount(person, weights=weights * (errors - mean))
    num_people = len(set(person.tolist()))
    spread = math.sqrt(float(apart @ apart) * num_people / max(1, num_people - 1))
    return mean, mean + _ONE_SIDED_90 * spread / float(weights.sum())


def _point(data: Mapping[str, Any], *, where: str) -> CurvePoint:
    names = ("limit", "share", "error", "upper")
    require_keys(data, names, where=where)
    return CurvePoint(*(finite_number(data[name], where=f"{where}.{name}") for name in names))
