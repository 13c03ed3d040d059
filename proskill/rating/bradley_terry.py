"""Bradley-Terry with ties, one side term and a signed discrimination per annotator, by MAP.

The model of a vote by annotator k on items i and j, i having been on the left (l = 1), on the right
(l = -1) or in an unknown place (l = 0):

    eta = d_k (x_i - x_j) + l s
    P(i) : P(j) : P(tie) = exp(eta / 2) : exp(-eta / 2) : nu

Without ties this is Bradley and Terry (1952); the tie is Davidson's (1970), the side the order
effect of Davidson and Beaver (1977). The discrimination plays the part of the annotator's quality
in Crowd-BT (Chen et al. 2013); as a slope with a sign it also undoes a reversed annotator.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from proskill.errors import ComparisonError, ProskillError
from proskill.rating.comparisons import ComparisonTable, FloatArray
from proskill.rating.elo import LOGITS_PER_POINT
from proskill.rating.log_posterior import NegativeLogPosterior
from proskill.rating.table_builder import Judgements, comparison_table
from proskill.rating.vote_cells import count_votes

if TYPE_CHECKING:
    import pandas

_MAX_ITERATIONS = 300
_ROUNDING_SLOPE = 1e-6


@dataclass(frozen=True, eq=False)
class BradleyTerryFit:
    """A fitted model.

    Attributes:
        table: the votes.
        params: (I,) log-strengths in logits, mean 0 in each group; 0 for an item without votes.
        side: advantage in logits of being on the left; 0.0 when not fitted.
        log_tie: log nu; -inf when there is no tie.
        discrimination: (A,) mean 1. 1 follows the model, 0 is a coin, below 0 is reversed.
    """

    table: ComparisonTable
    params: FloatArray
    side: float
    log_tie: float
    discrimination: FloatArray

    def to_frame(self) -> pandas.DataFrame:
        """Return a pandas table with a row per item, best first within its group.

        Its columns are item, group, rating (logits), elo and num_comparisons.

        Raises:
            ProskillError: pandas is not installed.
        """
        try:
            import pandas
        except ModuleNotFoundError:
            raise ProskillError("to_frame needs pandas; pip install pandas") from None
        table = self.table
        frame = pandas.DataFrame(
            {
                "item": table.items,
                "group": [table.groups[group] for group in table.item_group.tolist()],
                "rating": self.params,
                "elo": 1500 + self.params / LOGITS_PER_POINT,
                "num_comparisons": table.num_comparisons(),
            }
        )
        order = ["group", "rating", "item"]
        return frame.sort_values(order, ascending=[True, False, True], ignore_index=True)


@dataclass(frozen=True, kw_only=True)
class BradleyTerry:
    """The Bradley-Terry model, fitted by `fit_bradley_terry` with these options.

    >>> fit = BradleyTerry().fit([("anna", "ben"), ("ben", "cleo")])
    >>> fit.to_frame()[["item", "rating"]].round(2)
       item  rating
    0  anna    1.56
    1   ben    0.00
    2  cleo   -1.56
    """

    alpha: float = 1 / 18
    fit_side: bool = True
    fit_annotators: bool = True
    tol: float = 2e-7

    def fit(self, comparisons: Judgements) -> BradleyTerryFit:
        """Return the most probable ratings.

        Args:
            comparisons: (winner, loser) pairs, `Comparison` objects, or a `ComparisonTable`.

        Raises:
            ComparisonError: an item is compared with itself, or a row is no comparison.
        """
        return fit_bradley_terry(comparison_table(comparisons), **asdict(self))


def fit_bradley_terry(
    table: ComparisonTable,
    *,
    alpha: float = 1 / 18,
    fit_side: bool = True,
    fit_annotators: bool = True,
    start: FloatArray | None = None,
    tol: float = 2e-7,
) -> BradleyTerryFit:
    """Return the most probable parameters given every vote, by Newton's method in a trust region.

    All groups are fitted at once; nothing but side, tie and annotators is shared between them.

    Args:
        table: the votes. Skips enter no likelihood.
        alpha: penalty `alpha * sum(params**2)`, > 0, as in choix: a Gaussian prior of variance
            1 / (2 alpha). The default's standard deviation of 3 logits suits annotators who agree
            on .83 of random pairs; ranks hardly depend on it.
        fit_side: fit the side term, where sides are known.
        fit_annotators: fit discriminations, where there are two annotators or more.
        start: (I,) params to start from, such as those of the previous round.
        tol: the fit ends when the gradient of the log-posterior, root mean square over the items,
            is below it, > 0.

    Raises:
        ValueError: an argument out of range.
        ComparisonError: no convergence, which a valid table is not known to cause.
    """
    if not (alpha > 0 and math.isfinite(alpha)):
        raise ValueError(f"alpha={alpha}: must be > 0; without a prior an unbeaten item diverges")
    if not tol > 0:
        raise ValueError(f"tol={tol}: must be > 0")
    if start is not None and (start.shape != (table.num_items,) or not np.isfinite(start).all()):
        raise ValueError(f"start: needs {table.num_items} finite values, one for each item")
    fit_annotators = fit_annotators and len(table.annotators) > 1
    fit_side = fit_side and bool(table.left.any())
    cells = count_votes(table, by_annotator=fit_annotators, by_side=fit_side)
    posterior = NegativeLogPosterior(
        cells,
        num_items=table.num_items,
        num_annotators=len(table.annotators) if fit_annotators else 0,
        fit_side=fit_side,
        alpha=alpha,
    )
    root = math.sqrt(table.num_items + 1)
    solution = minimize(
        posterior.loss,
        posterior.pack(start),
        jac=posterior.gradient,
        hessp=posterior.curvature_times,
        method="trust-ncg",
        # A first step of about one logit for each item; scipy's default is one for all of them.
        options={
            "gtol": tol * root,
            "maxiter": _MAX_ITERATIONS,
            "initial_trust_radius": root,
            "max_trust_radius": 100 * root,
        },
    )
    slope = float(np.linalg.norm(posterior.gradient(solution.x))) / root
    # The search may stop a little early, where rounding hides what it would still gain.
    if not slope <= max(10 * tol, _ROUNDING_SLOPE):
        raise ComparisonError(
            f"the fit did not converge in {solution.nit} steps (a gradient of {slope:.1g} is left, "
            f"{tol:.1g} is allowed); look at the votes' health, or fit without annotators"
        )
    params, discrimination, side, log_tie = posterior.unpack(solution.x)
    if not fit_annotators:
        discrimination = np.ones(len(table.annotators))
    return BradleyTerryFit(table, params, side, log_tie, discrimination)
