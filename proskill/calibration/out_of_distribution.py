"""Out-of-distribution detection: distance to the training data with a limit, per kind of view.

The output of a softmax classifier tells how sure the classifier is, not whether the input resembles
its training data; the distance to the training features does (Lee et al. 2018, arXiv 1807.03888).
The covariance is that of probabilistic PCA (Tipping and Bishop 1999): the strongest directions keep
their own variance, all others share one, so that it is invertible with fewer takes than dimensions
and a feature off the training subspace is far away. The limit comes from held-out takes, never from
training takes, which are closer to themselves: three robust standard deviations above the median of
their log distance, as the highest quantiles of a few dozen takes are those of one odd take.

Not here: features of video (`proskill.features`), statistics of pictures (`picture_statistics.py`).

Shapes: M features, D dimensions, P principal directions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

MAX_DIRECTIONS = 32
_RELATIVE_FLOOR = 1e-6
_MIN_HELD_OUT = 10
_DIGITS = 6  # significant digits kept in a checkpoint


_Numbers = Annotated[list[float], msgspec.Meta(min_length=1, max_length=4_000_000)]


@dataclass(frozen=True)
class OutOfDistributionDetector:
    """Mahalanobis distance to the training features of one kind of view.

    Attributes:
        mean: (D,).
        directions: (P, D) orthonormal rows.
        variances: (P,) along the directions.
        rest_variance: of every direction orthogonal to them.
        limit: distance above which a view is out of distribution.

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
        if not (np.isfinite(self.mean).all() and np.isfinite(self.directions).all()):
            raise ValueError("mean and directions must be finite")
        positive = np.array([*self.variances.tolist(), self.rest_variance, self.limit])
        if not (np.isfinite(positive) & (positive > 0)).all():
            raise ValueError("variances, rest_variance and limit must be finite and above 0")

    @property
    def embed_dim(self) -> int:
        """Return D."""
        return len(self.mean)

    def distance(self, features: ArrayLike) -> NDArray[np.float64]:
        """Return the distance (...) of features (..., D) to the training features.

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
        """Return the distance over the limit: above 1 is out of distribution."""
        return np.asarray(self.distance(features) / self.limit)


def fit_detector(
    train: NDArray[np.floating[Any]],
    held_out: NDArray[np.floating[Any]],
    *,
    max_directions: int = MAX_DIRECTIONS,
) -> OutOfDistributionDetector:
    """Fit the distance to training features and its limit to held-out ones.

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
    unlimited = OutOfDistributionDetector(
        mean=_rounded(mean),
        directions=_rounded(rows[:kept]),
        variances=_rounded(np.maximum(variances[:kept], floor)),
        rest_variance=max(rest, floor),
        limit=1.0,
    )
    return replace(unlimited, limit=max(_limit(unlimited.distance(held_out)), 1e-9))


def decode_array(kind: type, values: Any) -> NDArray[np.float64]:
    """Return the non-empty array (N,) or (N, M) that parsed JSON contains, for `from_plain_json`.

    Raises:
        ValueError: other values than numbers, or rows of different lengths.
    """
    is_nested = isinstance(values, list) and bool(values) and isinstance(values[0], list)
    try:
        numbers: list[Any] = msgspec.convert(values, list[_Numbers] if is_nested else _Numbers)
    except msgspec.ValidationError as error:
        raise ValueError(f"expected a non-empty list of numbers, {error}") from error
    if is_nested and len({len(row) for row in numbers}) > 1:
        raise ValueError("rows of different lengths")
    return np.array(numbers)


def _limit(distances: NDArray[np.float64]) -> float:
    """Return the distance that in-distribution views rarely exceed; of a few, the largest."""
    if len(distances) < _MIN_HELD_OUT:
        return float(distances.max())
    logs = np.log(np.maximum(distances, 1e-12))
    centre = np.median(logs)
    spread = 1.4826 * np.median(np.abs(logs - centre))  # a normal distribution's standard deviation
    return float(np.exp(centre + 3 * spread))


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    text = np.vectorize(lambda x: float(f"{x:.{_DIGITS}g}"), otypes=[np.float64])
    return np.asarray(text(values))
