"""How far a view's feature is from what the model learned from: a distance with a limit, per kind.

The feature of a softmax classifier says how sure the classifier is, not whether it should be asked
at all; the distance to the training features says the latter (Lee et al. 2018, arXiv 1807.03888).
The covariance is that of probabilistic PCA (Tipping and Bishop 1999): the strongest directions keep
their own variance, all others share one, so that it is invertible with fewer takes than dimensions
and a feature off the training subspace is far away. The limit comes from held-out takes, never from
training takes, which are closer to themselves: three robust standard deviations above the median of
their log distance, as the highest quantiles of a few dozen takes are those of one odd take.

Pure numpy. Not here: features of video (`scorer.py`), the file (`calibration.py`).

Shapes: M features, D dimensions, P principal directions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from proskill.calibration.json_values import finite_array, positive_number, require_keys
from proskill.errors import CheckpointError

MAX_DIRECTIONS = 32
_RELATIVE_FLOOR = 1e-6
_MIN_HELD_OUT = 10
_DIGITS = 6  # significant digits kept in a checkpoint


@dataclass(frozen=True)
class Familiarity:
    """Mahalanobis distance to the training features of one kind of view.

    Attributes:
        mean: (D,).
        directions: (P, D) orthonormal rows.
        variances: (P,) along the directions.
        rest_variance: of every direction orthogonal to them.
        limit: distance above which a view is unfamiliar.

    Raises:
        ValueError: shapes that do not fit, or values that are not finite and positive.
    """

    mean: NDArray[np.float64]
    directions: NDArray[np.float64]
    variances: NDArray[np.float64]
    rest_variance: float
    limit: float

    def __post_init__(self) -> None:
        if self.mean.ndim != 1 or self.directions.shape != (len(self.variances), len(self.mean)):
            raise ValueError(
                f"directions of shape {self.directions.shape}: expected (P, D) = "
                f"({len(self.variances)}, {len(self.mean)})"
            )
        positive = (*self.variances.tolist(), self.rest_variance, self.limit)
        if not all(np.isfinite(x) and x > 0 for x in positive):
            raise ValueError("variances, rest_variance and limit must be finite and above 0")

    @property
    def embed_dim(self) -> int:
        """D."""
        return len(self.mean)

    def distance(self, features: ArrayLike) -> NDArray[np.float64]:
        """Distance of features (..., D) to the training features, (...).

        Raises:
            ValueError: features of another width.
        """
        values = np.asarray(features, dtype=np.float64)
        if values.shape[-1] != self.embed_dim:
            raise ValueError(f"features of width {values.shape[-1]}: expected D = {self.embed_dim}")
        centred = values - self.mean
        along = centred @ self.directions.T  # (..., P)
        inside = (along**2 / self.variances).sum(axis=-1)
        rest = np.maximum((centred**2).sum(axis=-1) - (along**2).sum(axis=-1), 0.0)
        return np.asarray(np.sqrt(inside + rest / self.rest_variance))

    def relative_distance(self, features: ArrayLike) -> NDArray[np.float64]:
        """Distance over the limit: above 1 is unfamiliar."""
        return np.asarray(self.distance(features) / self.limit)

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, rounded to what matters."""
        return {
            "mean": _rounded(self.mean),
            "directions": _rounded(self.directions),
            "variances": _rounded(self.variances),
            "rest_variance": float(self.rest_variance),
            "limit": float(self.limit),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, where: str) -> Familiarity:
        """Read what `to_dict` wrote, trusting nothing.

        Raises:
            CheckpointError: a missing or surplus key, or a value of the wrong type, shape or range.
        """
        names = ("mean", "directions", "variances", "rest_variance", "limit")
        require_keys(data, names, where=where)
        try:
            return cls(
                mean=finite_array(data["mean"], ndim=1, where=f"{where}.mean"),
                directions=finite_array(data["directions"], ndim=2, where=f"{where}.directions"),
                variances=finite_array(data["variances"], ndim=1, where=f"{where}.variances"),
                rest_variance=positive_number(
                    data["rest_variance"], where=f"{where}.rest_variance"
                ),
                limit=positive_number(data["limit"], where=f"{where}.limit"),
            )
        except ValueError as error:
            raise CheckpointError(f"{where}: {error}") from error


def fit_familiarity(
    train: NDArray[np.floating[Any]],
    held_out: NDArray[np.floating[Any]],
    *,
    max_directions: int = MAX_DIRECTIONS,
) -> Familiarity:
    """Learn the distance from training features and its limit from held-out ones.

    Args:
        train: (M, D) features of the takes that the model learned from.
        held_out: (M', D) features of takes that it did not.
        max_directions: P at most; fewer when there are few features.

    Raises:
        ValueError: fewer than four training features, no held-out one, different widths, or
            features that are not finite.
    """
    train = np.asarray(train, dtype=np.float64)
    held_out = np.asarray(held_out, dtype=np.float64)
    if train.ndim != 2 or held_out.ndim != 2 or train.shape[1] != held_out.shape[1]:
        raise ValueError(
            f"features of shapes {train.shape} and {held_out.shape}: expected (M, D) and (M', D)"
        )
    num_features, embed_dim = train.shape
    if num_features < 4 or len(held_out) < 1:
        raise ValueError(
            f"{num_features} training and {len(held_out)} held-out features: needs 4 and 1 or more"
        )
    if not (np.isfinite(train).all() and np.isfinite(held_out).all()):
        raise ValueError("features must be finite")
    mean = train.mean(axis=0)
    _, singular, rows = np.linalg.svd(train - mean, full_matrices=False)
    variances = singular**2 / (num_features - 1)
    # Directions that never varied keep a little variance, measured by the features' own size.
    floor = (
        _RELATIVE_FLOOR * (float(variances.sum()) / embed_dim + 1e-6 * float(mean @ mean)) + 1e-18
    )
    # A third of the features at most, so that the weakest kept direction is still measured.
    kept = max(1, min(max_directions, num_features // 3, embed_dim - 1, len(variances)))
    rest = float(variances[kept:].sum()) / max(1, embed_dim - kept)
    unlimited = Familiarity(
        mean=mean,
        directions=rows[:kept],
        variances=np.maximum(variances[:kept], floor),
        rest_variance=max(rest, floor),
        limit=1.0,
    )
    limit = max(_limit(unlimited.distance(held_out)), 1e-9)
    return Familiarity(
        unlimited.mean, unlimited.directions, unlimited.variances, unlimited.rest_variance, limit
    )


def _limit(distances: NDArray[np.float64]) -> float:
    """Distance that hardly any familiar view exceeds; the largest where there are too few."""
    if len(distances) < _MIN_HELD_OUT:
        return float(distances.max())
    logs = np.log(np.maximum(distances, 1e-12))
    centre = np.median(logs)
    spread = 1.4826 * np.median(np.abs(logs - centre))  # a normal distribution's standard deviation
    return float(np.exp(centre + 3 * spread))


def _rounded(values: NDArray[np.float64]) -> Any:
    text = np.vectorize(lambda x: float(f"{x:.{_DIGITS}g}"), otypes=[np.float64])
    return text(values).tolist() if values.size else values.tolist()
