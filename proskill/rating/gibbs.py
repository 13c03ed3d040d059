"""The sampler behind `posterior`: one sweep over the conditionals of the model of `bradley_terry`.

With the Pólya-Gamma augmentation of Polson, Scott and Windle (2013), one omega for each cell of
votes makes the logistic likelihood Gaussian, so that the ratings of all items are drawn at once.
The spread of skills in a group and that of the annotators' slopes have half-Cauchy priors (Gelman
2006), drawn through the auxiliary variable of Wand et al. (2011).

A tie counts as half a win for either side, the convention of chess: the logistic function of a gap
is then the expected score, and intervals are a little wide, because ties vary less than wins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sparse
from polyagamma import random_polyagamma
from scipy.linalg import solve_triangular
from scipy.sparse.linalg import LinearOperator, cg
from scipy.special import gammainc, gammaincinv

from proskill.rating.bradley_terry import fit_bradley_terry
from proskill.rating.comparisons import ComparisonTable, FloatArray, IntArray
from proskill.rating.log_posterior import DISCRIMINATION_VARIANCE, SIDE_VARIANCE
from proskill.rating.vote_cells import VoteCells, count_votes

SCALE_PRIOR_MEDIAN = 2.0  # logits; of a half-Cauchy, so that 0.1 and 10 remain possible
# Beyond it two people would agree on more than .94 of random pairs. Without a limit, the Cauchy
# tail would give an item that won its only vote a rating of any size.
SCALE_LIMIT = 10.0
DISCRIMINATION_SPREAD_MEDIAN = 0.25  # of a half-Cauchy, for how much annotators differ

_DENSE_ITEMS = 400  # up to here one dense Cholesky factor is cheaper than conjugate gradients
_CG_TOLERANCE = 1e-4
_LOCATION_VARIANCE = 100.0
_LEAST_VARIANCE = 1e-4


@dataclass(frozen=True, eq=False)
class AnchorPrior:
    """Items whose rating is known from an earlier session; they carry its scale into this one.

    Attributes:
        mean: (I,) earlier rating in logits, NaN for an item without one.
        sd: (I,) its posterior standard deviation, > 0; NaN for an item without one.

    Raises:
        ValueError: the two do not know the same items, or an sd is not positive.
    """

    mean: FloatArray
    sd: FloatArray

    def __post_init__(self) -> None:
        known = np.isfinite(self.mean)
        if self.mean.shape != self.sd.shape or not (known == np.isfinite(self.sd)).all():
            raise ValueError("mean and sd must be known for the same items")
        if not (self.sd[known] > 0).all():
            raise ValueError("sd must be > 0; a rating is never known exactly")


class GibbsChain:
    """The state of the sampler, and one sweep over its conditionals."""

    def __init__(
        self, table: ComparisonTable, rng: np.random.Generator, anchors: AnchorPrior | None
    ) -> None:
        self.rng, self.item_group = rng, table.item_group
        self.num_groups, self.num_items = len(table.groups), table.num_items
        self.group_size = np.bincount(table.item_group, minlength=self.num_groups)
        self.with_annotators = len(table.annotators) > 1
        self.with_side = bool(table.left.any())
        self.cells = count_votes(table, by_annotator=self.with_annotators, by_side=self.with_side)
        self.votes = self.cells.num_votes
        self.surplus = (self.cells.first_wins - self.cells.second_wins) / 2  # kappa of the paper
        self.cell_group = table.item_group[self.cells.first]
        is_known = (
            np.zeros(self.num_items, np.bool_) if anchors is None else np.isfinite(anchors.mean)
        )
        self.is_anchor, self.anchors = is_known, anchors
        self.has_anchor = np.bincount(table.item_group[is_known], minlength=self.num_groups) > 0
        fit = fit_bradley_terry(table, tol=1e-4)
        self.params, self.side = fit.params.copy(), fit.side
        self.discrimination = fit.discrimination.copy()
        self.discrimination_variance = DISCRIMINATION_VARIANCE  # where it starts
        self.scale = np.full(self.num_groups, 2.0)
        self.location = np.zeros(self.num_groups)  # of the group's skills, where anchors fix it
        self.contrast = _contrasts(self.cells, self.num_items)
        self.contrast_transposed = self.contrast.T.tocsr()

    def sweep(self) -> None:
        gap = self._gap()
        eta = self.discrimination[self.cells.annotator] * gap + self.side * self.cells.left
        omega = random_polyagamma(self.votes, eta, random_state=self.rng, disable_checks=True)
        self._draw_params(omega)
        gap = self._gap()
        if self.with_annotators:
            self._draw_discrimination(omega, gap)
        if self.with_side:
            self._draw_side(omega, gap)
        self._draw_scale()
        self._stretch()

    def normalised(self) -> tuple[FloatArray, FloatArray, float, FloatArray]:
        """Params, scales, side and discriminations with the conventions of `Posterior`."""
        if self.anchors is not None:
            params = (
                self.params - np.where(self.has_anchor, 0.0, self._group_means())[self.item_group]
            )
            return params, self.scale, self.side, self.discrimination
        # The likelihood knows only the product of discrimination and params.
        unit = self.discrimination.mean()
        params = (self.params - self._group_means()[self.item_group]) * unit
        return params, self.scale * abs(unit), self.side, self.discrimination / unit

    def _gap(self) -> FloatArray:
        return self.params[self.cells.first] - self.params[self.cells.second]

    def _group_means(self) -> FloatArray:
        sums = np.bincount(self.item_group, self.params, self.num_groups)
        return sums / np.maximum(self.group_size, 1)

    def _prior(self) -> tuple[FloatArray, FloatArray]:
        """(I,) mean and (I,) precision of every item's Gaussian prior."""
        mean = self.location[self.item_group]
        precision = (1 / self.scale**2)[self.item_group]
        if self.anchors is not None:
            mean = np.where(self.is_anchor, self.anchors.mean, mean)
            precision = np.where(self.is_anchor, 1 / self.anchors.sd**2, precision)
        return mean, precision

    def _draw_params(self, omega: FloatArray) -> None:
        """From N(Q^-1 b, Q^-1), Q the weighted graph Laplacian plus the prior's precision.

        By a Cholesky factor, or by perturbing b and solving (Papandreou and Yuille 2010).
        """
        slope = self.discrimination[self.cells.annotator]
        mean, precision = self._prior()
        weight = omega * slope**2
        linear = slope * (self.surplus - omega * self.side * self.cells.left)
        target = self.contrast_transposed @ linear + precision * mean
        if self.num_items <= _DENSE_ITEMS:
            noise = self.rng.normal(size=self.num_items)
            factor = np.linalg.cholesky(self._dense_precision(weight, precision))
            half = solve_triangular(factor, target, lower=True) + noise
            self.params = solve_triangular(factor, half, lower=True, trans="T")
            return
        target += self.contrast_transposed @ (np.sqrt(weight) * self.rng.normal(size=len(weight)))
        target += np.sqrt(precision) * self.rng.normal(size=self.num_items)
        diagonal = abs(self.contrast_transposed) @ weight + precision
        self.params = self._solve(weight, precision, target, diagonal)

    def _dense_precision(self, weight: FloatArray, precision: FloatArray) -> FloatArray:
        place = self.cells.first * self.num_items + self.cells.second
        linked: FloatArray = np.bincount(place, weight, self.num_items**2).astype(float)
        linked = linked.reshape(self.num_items, self.num_items)
        dense: FloatArray = -(linked + linked.T)
        dense[np.diag_indices_from(dense)] = precision - dense.sum(axis=0)
        return dense

    def _solve(
        self, weight: FloatArray, precision: FloatArray, target: FloatArray, diagonal: FloatArray
    ) -> FloatArray:
        def times(vector: FloatArray) -> FloatArray:
            spread = self.contrast_transposed @ (weight * (self.contrast @ vector))
            return np.asarray(spread + precision * vector)

        shape = (self.num_items, self.num_items)
        solution, _ = cg(
            LinearOperator(shape, matvec=times, dtype=float),
            target,
            x0=self.params,
            rtol=_CG_TOLERANCE,
            maxiter=1000,
            M=LinearOperator(shape, matvec=lambda r: r / diagonal, dtype=float),
        )
        return np.asarray(solution)

    def _draw_discrimination(self, omega: FloatArray, gap: FloatArray) -> None:
        """Each is the slope of a Gaussian regression on the gaps, with a prior around 1.

        How much annotators differ is learned, too: alike ones are then nearly not told apart, and
        coin flippers are found all the same.
        """
        size, cell = len(self.discrimination), self.cells.annotator
        linear = gap * (self.surplus - omega * self.side * self.cells.left)
        prior = 1 / self.discrimination_variance
        precision = np.bincount(cell, omega * gap**2, size) + prior
        mean = (np.bincount(cell, linear, size) + prior) / precision
        self.discrimination = mean + self.rng.normal(size=size) / np.sqrt(precision)
        squares = float(np.sum((self.discrimination - 1) ** 2))
        rate = prior + 1 / DISCRIMINATION_SPREAD_MEDIAN**2
        auxiliary = rate / self.rng.gamma(1.0)
        variance = (squares / 2 + 1 / auxiliary) / self.rng.gamma((size + 1) / 2)
        self.discrimination_variance = max(variance, _LEAST_VARIANCE)

    def _draw_side(self, omega: FloatArray, gap: FloatArray) -> None:
        left = self.cells.left
        rest = self.surplus - omega * self.discrimination[self.cells.annotator] * gap
        precision = float(np.sum(omega * left**2)) + 1 / SIDE_VARIANCE
        self.side = float(np.sum(left * rest)) / precision + self.rng.normal() / math.sqrt(
            precision
        )

    def _draw_scale(self) -> None:
        """Half-Cauchy as a mixture of inverse gammas (Wand et al. 2011, result 5)."""
        free = ~self.is_anchor
        num_free = np.bincount(self.item_group, free, self.num_groups)
        if self.has_anchor.any():
            self._draw_location(num_free)
        deviation = (self.params - self.location[self.item_group]) ** 2 * free
        squares = np.bincount(self.item_group, deviation, self.num_groups)
        rate = 1 / self.scale**2 + 1 / SCALE_PRIOR_MEDIAN**2
        auxiliary = rate / self.rng.gamma(1.0, size=self.num_groups)
        rate = squares / 2 + 1 / auxiliary
        # The precision is a gamma variate above the one of the limit, drawn by its inverse cdf.
        shape, lowest = (num_free + 1) / 2, rate / SCALE_LIMIT**2
        below = gammainc(shape, lowest)
        precision = gammaincinv(shape, below + (1 - below) * self.rng.random(self.num_groups))
        precision = np.where(np.isfinite(precision), np.maximum(precision, lowest), lowest)
        self.scale = np.sqrt(rate / precision)

    def _draw_location(self, num_free: IntArray) -> None:
        free_sum = np.bincount(self.item_group, self.params * ~self.is_anchor, self.num_groups)
        precision = num_free / self.scale**2 + 1 / _LOCATION_VARIANCE
        mean = free_sum / self.scale**2 / precision
        draw = mean + self.rng.normal(size=self.num_groups) / np.sqrt(precision)
        self.location = np.where(self.has_anchor, draw, 0.0)

    def _stretch(self) -> None:
        """Metropolis moves that stretch a group's ratings together with their scale.

        Without them the scale creeps, since a thousand ratings hold it where it is. A stretch by c
        leaves the ratings' prior as it is; its density changes by c for the scale's volume.
        """
        eta = self.discrimination[self.cells.annotator] * self._gap()
        offset = self.side * self.cells.left
        for spread in (1.0, 4.0):
            log_factor = (
                spread * self.rng.normal(size=self.num_groups) / np.sqrt(self.group_size + 1)
            )
            factor = np.exp(log_factor)
            gain = self._log_likelihood(factor[self.cell_group] * eta + offset)
            gain -= self._log_likelihood(eta + offset)
            old, new = self.scale**2, (factor * self.scale) ** 2
            log_prior = np.log(old + SCALE_PRIOR_MEDIAN**2) - np.log(new + SCALE_PRIOR_MEDIAN**2)
            log_ratio = np.bincount(self.cell_group, gain, self.num_groups) + log_prior + log_factor
            accepted = np.log(self.rng.random(self.num_groups)) < log_ratio
            accepted &= factor * self.scale <= SCALE_LIMIT
            factor = np.where(accepted & ~self.has_anchor, factor, 1.0)
            self.scale = self.scale * factor
            self.params = self.params * factor[self.item_group]
            eta = eta * factor[self.cell_group]

    def _log_likelihood(self, eta: FloatArray) -> FloatArray:
        return self.surplus * eta - self.votes * np.logaddexp(eta / 2, -eta / 2)


def _contrasts(cells: VoteCells, num_items: int) -> sparse.csr_array:
    """(C, I) with 1 at the first and -1 at the second item of each cell."""
    num_cells = len(cells.first)
    columns = np.stack([cells.first, cells.second], axis=1).ravel()
    values = np.tile([1.0, -1.0], num_cells)
    return sparse.csr_array(
        (values, columns, 2 * np.arange(num_cells + 1)), shape=(num_cells, num_items)
    )
