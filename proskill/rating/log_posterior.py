"""The Bradley-Terry fit's negative log-posterior, with first and second derivatives.

The model is in `bradley_terry`; this is its arithmetic.
"""

from __future__ import annotations

import math

import numpy as np
import scipy.sparse as sparse

from proskill.rating.comparisons import FloatArray
from proskill.rating.vote_cells import VoteCells

# Gaussian priors of what is no item: variances of a discrimination around 1, of the side term and
# of log nu around 0.
DISCRIMINATION_VARIANCE = 0.25
SIDE_VARIANCE = 1.0
LOG_TIE_VARIANCE = 4.0


def log_total(eta: FloatArray, log_tie: float) -> FloatArray:
    """Log of exp(eta / 2) + exp(-eta / 2) + nu, which divides the weights of all outcomes."""
    decided: FloatArray = np.logaddexp(eta / 2, -eta / 2)
    return decided if log_tie == -math.inf else np.logaddexp(decided, log_tie)


class NegativeLogPosterior:
    """The log-posterior's negative with its derivatives, as a function of one vector.

    The vector has the items' params, the annotators' deviations from discrimination 1, the side
    term and log nu; the last three only where they are fitted. Deviations are centred on the way
    in, which fixes the discriminations' mean, and measured in units that make their curvature that
    of an item, so that conjugate gradients need no preconditioner.
    """

    def __init__(
        self,
        cells: VoteCells,
        *,
        num_items: int,
        num_annotators: int,
        fit_side: bool,
        alpha: float,
    ) -> None:
        self.cells, self.num_votes = cells, cells.num_votes
        self.num_items, self.num_annotators = num_items, num_annotators
        self.fit_side, self.fit_tie = fit_side, bool(cells.ties.any())
        # Shared parameters gather the curvature of many votes, an item that of a few.
        share = math.sqrt(max(num_items, 1) / max(num_annotators, 1))
        self.annotator_unit, self.shared_unit = (
            1 / max(share, 1.0),
            1 / math.sqrt(max(num_items, 1)),
        )
        self.prior = np.concatenate(
            [
                np.full(num_items, 2 * alpha),
                np.full(num_annotators, self.annotator_unit**2 / DISCRIMINATION_VARIANCE),
                np.full(int(fit_side), self.shared_unit**2 / SIDE_VARIANCE),
                np.full(int(self.fit_tie), self.shared_unit**2 / LOG_TIE_VARIANCE),
            ]
        )
        self._at: FloatArray | None = None

    def pack(self, params: FloatArray | None) -> FloatArray:
        vector = np.zeros(len(self.prior))
        if params is not None:
            vector[: self.num_items] = params
        return vector

    def unpack(self, vector: FloatArray) -> tuple[FloatArray, FloatArray, float, float]:
        """Params, discriminations (none when they are not fitted), side and log nu."""
        deviation = vector[self.num_items : self.num_items + self.num_annotators]
        if self.num_annotators:
            deviation = deviation - deviation.mean()
        shared = self.shared_unit * vector[self.num_items + self.num_annotators :]
        side = float(shared[0]) if self.fit_side else 0.0
        log_tie = float(shared[-1]) if self.fit_tie else -math.inf
        return vector[: self.num_items], 1 + self.annotator_unit * deviation, side, log_tie

    def loss(self, vector: FloatArray) -> float:
        self._move_to(vector)
        cells = self.cells
        value = np.sum((cells.first_wins - cells.second_wins) * self._eta / 2)
        value -= np.sum(self.num_votes * self._log_total)
        if self.fit_tie:
            value += np.sum(cells.ties) * self._log_tie
        return float(self._penalty(vector) - value)

    def gradient(self, vector: FloatArray) -> FloatArray:
        self._move_to(vector)
        gradient = -(self._transposed @ self._residual)
        if self.fit_tie:
            ties = self.cells.ties - self.num_votes * self._p_tie
            gradient[-1] -= self.shared_unit * np.sum(ties)
        return self._centred(gradient) + self._prior_times(vector)

    def curvature_times(self, vector: FloatArray, direction: FloatArray) -> FloatArray:
        """The Hessian at `vector` times `direction`, exactly."""
        self._move_to(vector)
        votes, items = self.num_votes, slice(0, self.num_items)
        centred = self._centred(direction.copy())
        slope = self._jacobian @ centred  # (C,) change of eta
        on_eta = self._eta_curvature * slope
        product = np.zeros(len(vector))
        if self.fit_tie:
            # d2/(d eta d log nu) and d2/(d log nu)2 of log_total.
            change = self.shared_unit * centred[-1]
            mixed = -votes * self._p_tie * (self._p_first - self._p_second) / 2
            on_eta = on_eta + mixed * change
            spread = votes * self._p_tie * (1 - self._p_tie)
            product[-1] = self.shared_unit * np.sum(mixed * slope + spread * change)
        product += self._transposed @ on_eta
        if self.num_annotators:
            # eta is a product of params and discrimination, hence the second derivative of eta.
            annotators = slice(self.num_items, self.num_items + self.num_annotators)
            gap = centred[items][self.cells.first] - centred[items][self.cells.second]
            turn = centred[annotators][self.cells.annotator] * self.annotator_unit
            weight = self._residual * turn
            product[items] -= np.bincount(self.cells.first, weight, self.num_items)
            product[items] += np.bincount(self.cells.second, weight, self.num_items)
            product[annotators] -= self.annotator_unit * np.bincount(
                self.cells.annotator, self._residual * gap, self.num_annotators
            )
        return self._centred(product) + self._prior_times(direction)

    def _move_to(self, vector: FloatArray) -> None:
        """Compute what value and derivatives share; the optimiser asks for them one by one."""
        if self._at is not None and np.array_equal(self._at, vector):
            return
        first_time, self._at = self._at is None, vector.copy()
        cells, votes = self.cells, self.num_votes
        params, discrimination, side, self._log_tie = self.unpack(vector)
        gap = params[cells.first] - params[cells.second]
        factor = discrimination[cells.annotator] if self.num_annotators else np.ones(len(gap))
        self._eta = factor * gap + side * cells.left
        self._log_total = log_total(self._eta, self._log_tie)
        self._p_first = np.exp(self._eta / 2 - self._log_total)
        self._p_second = np.exp(-self._eta / 2 - self._log_total)
        self._p_tie = np.exp(self._log_tie - self._log_total)
        lead = self._p_first - self._p_second
        self._residual = (cells.first_wins - cells.second_wins - votes * lead) / 2
        self._eta_curvature = votes * (self._p_first + self._p_second - lead**2) / 4
        if self.num_annotators or first_time:  # constant without annotators
            self._jacobian = self._eta_by_vector(factor, gap)
            self._transposed = self._jacobian.T.tocsr()

    def _eta_by_vector(self, factor: FloatArray, gap: FloatArray) -> sparse.csr_array:
        """(C, P) derivative of eta; log nu has none."""
        cells = self.cells
        entries = [(cells.first, factor), (cells.second, -factor)]
        if self.num_annotators:
            entries.append((self.num_items + cells.annotator, self.annotator_unit * gap))
        if self.fit_side:
            column = np.full(len(gap), self.num_items + self.num_annotators)
            entries.append((column, self.shared_unit * cells.left))
        columns = np.stack([column for column, _ in entries], axis=1).ravel()
        values = np.stack([value for _, value in entries], axis=1).ravel()
        starts = np.arange(len(gap) + 1) * len(entries)
        return sparse.csr_array((values, columns, starts), shape=(len(gap), len(self.prior)))

    def _centred(self, vector: FloatArray) -> FloatArray:
        if self.num_annotators:
            annotators = vector[self.num_items : self.num_items + self.num_annotators]
            annotators -= annotators.mean()
        return vector

    def _prior_times(self, vector: FloatArray) -> FloatArray:
        return self._centred(self.prior * self._centred(vector.copy()))

    def _penalty(self, vector: FloatArray) -> float:
        return float(self._centred(vector.copy()) @ self._prior_times(vector)) / 2
