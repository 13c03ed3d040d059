"""What validation takes teach about a trained model: how sure, how wrong, and when not to ask.

Three parts: a temperature for the probabilities (Guo et al. 2017, arXiv 1706.04599), the half width
of the score's interval (split-conformal, by participant) and the distance to what was learned from,
in features and in pictures (`familiarity.py`). Written as `calibration.json` of a checkpoint.

Pure numpy. Not here: running the model, choosing a status (`scorer.py`).

Shapes: N validation takes, K levels, V views, D embedding.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proskill.errors import CheckpointError
from proskill.scoring.familiarity import MAX_DIRECTIONS, Familiarity, fit_familiarity
from proskill.scoring.json_values import finite_number, positive_number, require_keys

SCHEMA = "proskill.calibration/1"
VIEW_KINDS = ("ego", "exo")  # position = the number in `view_kind` arrays
_TEMPERATURE_RANGE = (0.05, 20.0)

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class ViewFeatures:
    """Features of views of takes, averaged over windows.

    Attributes:
        features: (N, V, D).
        view_kind: (N, V) 0 ego, 1 exo.
        view_mask: (N, V) True where the view exists; None if all do.
        pictures: (N', V, P) of `read_takes_statistics`, for the first N' takes or for all; None if
            pictures shall not be compared.

    Raises:
        ValueError: shapes that do not fit.
    """

    features: Floats
    view_kind: NDArray[np.integer[Any]]
    view_mask: NDArray[np.bool_] | None = None
    pictures: Floats | None = None

    def __post_init__(self) -> None:
        views = self.features.shape[:2]
        mask_shape = views if self.view_mask is None else self.view_mask.shape
        if self.features.ndim != 3 or self.view_kind.shape != views or mask_shape != views:
            raise ValueError(
                f"features {self.features.shape}, view_kind {self.view_kind.shape}, view_mask "
                f"{mask_shape}: expected (N, V, D), (N, V) and (N, V)"
            )
        if self.pictures is not None and (
            self.pictures.ndim != 3
            or self.pictures.shape[1] != views[1]
            or len(self.pictures) > views[0]
        ):
            raise ValueError(f"pictures {self.pictures.shape}: expected (N', V, P) with N' <= N")

    def of_kind(self, kind: int) -> Floats:
        """Features of the existing views of one kind, (M, D)."""
        return self._of_kind(self.features, kind)

    def pictures_of_kind(self, kind: int) -> Floats:
        """Picture statistics of the existing views of one kind, (M, P); (0, 1) if not given."""
        return np.empty((0, 1)) if self.pictures is None else self._of_kind(self.pictures, kind)

    def _of_kind(self, values: Floats, kind: int) -> Floats:
        rows = self.view_kind == kind
        if self.view_mask is not None:
            rows = rows & self.view_mask
        chosen: Floats = values[rows[: len(values)]]
        return chosen


@dataclass(frozen=True)
class Calibration:
    """Applied to a model's output by the scorer.

    Attributes:
        num_levels: K.
        temperature: logits are divided by it.
        half_width: half of the score's interval, in levels.
        coverage: share of new participants' takes whose true score the interval holds.
        num_takes: validation takes behind these numbers.
        num_participants: validation participants behind them.
        familiarity: kind of view -> distance in features; kinds without enough training views are
            absent.
        pictures: likewise in picture statistics (`pictures.py`); empty if they were not compared.

    Raises:
        ValueError: a value out of range.
    """

    num_levels: int
    temperature: float
    half_width: float
    coverage: float
    num_takes: int
    num_participants: int
    familiarity: Mapping[str, Familiarity] = field(default_factory=dict)
    pictures: Mapping[str, Familiarity] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (math.isfinite(self.temperature) and self.temperature > 0):
            raise ValueError(f"temperature={self.temperature}: must be finite and above 0")
        if not (math.isfinite(self.half_width) and self.half_width >= 0):
            raise ValueError(f"half_width={self.half_width}: must be finite and 0 or more")
        if not 0 < self.coverage < 1:
            raise ValueError(f"coverage={self.coverage}: must be between 0 and 1")
        for name in ("familiarity", "pictures"):
            parts = getattr(self, name)
            if unknown := set(parts) - set(VIEW_KINDS):
                raise ValueError(f"{name} of {unknown}: allowed kinds are {', '.join(VIEW_KINDS)}")
            object.__setattr__(self, name, MappingProxyType(dict(parts)))

    def probabilities(self, logits: Floats) -> NDArray[np.float64]:
        """Calibrated probabilities of logits (..., K)."""
        return softmax(np.asarray(logits, dtype=np.float64) / self.temperature)

    def interval(self, score: float) -> tuple[float, float]:
        """Ends of the interval around a score, within the scale."""
        top = float(self.num_levels - 1)
        return max(0.0, score - self.half_width), min(top, score + self.half_width)

    def to_dict(self) -> dict[str, Any]:
        """The content of `calibration.json`."""
        return {
            "schema": SCHEMA,
            "num_levels": self.num_levels,
            "temperature": self.temperature,
            "half_width": self.half_width,
            "coverage": self.coverage,
            "num_takes": self.num_takes,
            "num_participants": self.num_participants,
            "familiarity": {kind: part.to_dict() for kind, part in self.familiarity.items()},
            "pictures": {kind: part.to_dict() for kind, part in self.pictures.items()},
        }

    @classmethod
    def from_dict(cls, data: Any, *, where: str = "calibration.json") -> Calibration:
        """Read what `to_dict` wrote, trusting nothing.

        Args:
            data: parsed JSON.
            where: the file, for messages.

        Raises:
            CheckpointError: another schema, a missing or surplus key, or a value of the wrong type,
                shape or range.
        """
        names = (
            "schema", "num_levels", "temperature", "half_width", "coverage", "num_takes",
            "num_participants", "familiarity", "pictures",
        )  # fmt: skip
        require_keys(data, names, where=where)
        if data["schema"] != SCHEMA:
            raise CheckpointError(
                f"{where}: schema {data['schema']!r}; this version reads {SCHEMA!r}, so fit the "
                "calibration again"
            )
        try:
            return cls(
                num_levels=_count(data["num_levels"], where=f"{where}: num_levels"),
                temperature=positive_number(data["temperature"], where=f"{where}: temperature"),
                half_width=finite_number(data["half_width"], where=f"{where}: half_width"),
                coverage=finite_number(data["coverage"], where=f"{where}: coverage"),
                num_takes=_count(data["num_takes"], where=f"{where}: num_takes"),
                num_participants=_count(
                    data["num_participants"], where=f"{where}: num_participants"
                ),
                familiarity=_parts(data["familiarity"], where=f"{where}: familiarity"),
                pictures=_parts(data["pictures"], where=f"{where}: pictures"),
            )
        except ValueError as error:
            raise CheckpointError(f"{where}: {error}") from error


def fit_calibration(
    *,
    logits: Floats,
    levels: NDArray[np.integer[Any]],
    participants: Sequence[Hashable],
    train: ViewFeatures,
    validation: ViewFeatures,
    true_scores: Floats | None = None,
    coverage: float = 0.8,
    max_directions: int = MAX_DIRECTIONS,
) -> Calibration:
    """Learn a calibration from takes that the model was not trained on.

    Args:
        logits: (N, K) of the validation takes, all views.
        levels: (N,) their true level indices.
        participants: (N,) who performs; takes of one participant count together as one.
        train: features of the training takes.
        validation: features of the validation takes.
        true_scores: (N,) truth on the score's axis [0, K - 1] where it is known more finely than by
            level; None takes the level index.
        coverage: share of truths that the interval shall hold.
        max_directions: see `fit_familiarity`.

    Raises:
        ValueError: shapes that do not fit, no take, a level outside the scale, or values that are
            not finite.
    """
    logits = np.asarray(logits, dtype=np.float64)
    levels = np.asarray(levels)
    if logits.ndim != 2 or levels.shape != logits.shape[:1] or len(participants) != len(levels):
        raise ValueError(
            f"logits {logits.shape}, levels {levels.shape}, {len(participants)} participants: "
            "expected (N, K), (N,) and N"
        )
    num_takes, num_levels = logits.shape
    if num_takes == 0 or not np.isfinite(logits).all():
        raise ValueError(f"{num_takes} takes: needs one or more, with finite logits")
    if levels.min() < 0 or levels.max() >= num_levels:
        raise ValueError(
            f"levels from {levels.min()} to {levels.max()}: must be in 0..{num_levels - 1}"
        )
    temperature = fit_temperature(logits, levels)
    scores = softmax(logits / temperature) @ np.arange(num_levels)  # (N,)
    truth = levels if true_scores is None else np.asarray(true_scores, dtype=np.float64)
    half_width = conformal_half_width(np.abs(truth - scores), participants, coverage=coverage)
    familiarity: dict[str, Familiarity] = {}
    pictures: dict[str, Familiarity] = {}
    for number, kind in enumerate(VIEW_KINDS):
        for found, learned, held_out in (
            (familiarity, train.of_kind(number), validation.of_kind(number)),
            (pictures, train.pictures_of_kind(number), validation.pictures_of_kind(number)),
        ):
            if len(learned) >= 4 and len(held_out) >= 1:
                found[kind] = fit_familiarity(learned, held_out, max_directions=max_directions)
    return Calibration(
        num_levels=num_levels,
        temperature=temperature,
        half_width=min(half_width, float(num_levels - 1)),
        coverage=coverage,
        num_takes=num_takes,
        num_participants=len(set(participants)),
        familiarity=familiarity,
        pictures=pictures,
    )


def fit_temperature(logits: Floats, levels: NDArray[np.integer[Any]]) -> float:
    """The temperature with the smallest negative log-likelihood, by golden-section search.

    The likelihood is convex in 1 / temperature, so there is one minimum; a model without a single
    error gets the lower end of the search range instead of zero.
    """
    rows = np.arange(len(levels))

    def loss(log_temperature: float) -> float:
        scaled = logits / math.exp(log_temperature)
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        return float(np.mean(np.log(np.exp(scaled).sum(axis=1)) - scaled[rows, levels]))

    low, high = (math.log(end) for end in _TEMPERATURE_RANGE)
    ratio = (math.sqrt(5) - 1) / 2
    for _ in range(60):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(left) <= loss(right):
            high = right
        else:
            low = left
    return math.exp((low + high) / 2)


def conformal_half_width(
    residuals: Floats, participants: Sequence[Hashable], *, coverage: float
) -> float:
    """Half width whose interval holds the truth of a new participant's take.

    Takes of one participant resemble each other, so each participant has the weight of one, shared
    by their takes, and the unseen participant has the weight of one at infinity (conformal
    prediction by pooled distributions, Dunn, Wasserman and Ramdas 2022, arXiv 1809.07441).

    Returns:
        Half width; infinite where there are too few participants for the coverage.

    Raises:
        ValueError: a coverage outside (0, 1), or residuals that are not finite.
    """
    if not 0 < coverage < 1:
        raise ValueError(f"coverage={coverage}: must be between 0 and 1")
    residuals = np.asarray(residuals, dtype=np.float64)
    if not np.isfinite(residuals).all():
        raise ValueError("residuals must be finite")
    takes_of = Counter(participants)
    weights = np.array([1.0 / takes_of[who] for who in participants]) / (len(takes_of) + 1)
    order = np.argsort(residuals, kind="stable")
    covered = np.cumsum(weights[order])
    position = int(np.searchsorted(covered, coverage - 1e-12))
    return float(residuals[order][position]) if position < len(order) else math.inf


def softmax(logits: Floats) -> NDArray[np.float64]:
    """Probabilities (..., K) of logits (..., K)."""
    values = np.asarray(logits, dtype=np.float64)
    exponentials = np.exp(values - values.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))


def _parts(data: Any, *, where: str) -> dict[str, Familiarity]:
    require_keys(data, tuple(data) if isinstance(data, Mapping) else (), where=where)
    return {
        kind: Familiarity.from_dict(part, where=f"{where}.{kind}") for kind, part in data.items()
    }


def _count(value: Any, *, where: str) -> int:
    number = positive_number(value, where=where)
    if number != int(number):
        raise CheckpointError(f"{where}: {number} must be a whole number")
    return int(number)
