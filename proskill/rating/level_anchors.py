"""Level cuts from items of known standard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import ndtr

from proskill.errors import ComparisonError
from proskill.levels import LevelScale
from proskill.rating.comparisons import FloatArray, IntArray
from proskill.rating.level_cuts import LevelCuts
from proskill.rating.posterior import Posterior

_GRID_CELLS = 500  # over the range of the anchors; a cell is far below an anchor's uncertainty
_WARMUP_SWEEPS = 50


def anchor_cuts(
    posterior: Posterior,
    scale: LevelScale,
    anchors: Mapping[int, int],
    *,
    groups: Sequence[str],
    rng: np.random.Generator,
) -> tuple[LevelCuts, ...]:
    """Cut between items whose level is known, in every group that has such items.

    The level of an anchor is certain, its skill is known as well as the posterior says, N(m, v).
    The cuts c then have the likelihood of an ordered probit (McKelvey and Zavoina 1975),

        product over anchors of Phi((c_l - m) / sqrt v) - Phi((c_{l-1} - m) / sqrt v),

    and a flat prior. They are drawn from that posterior, once for each draw of the ratings.

    Args:
        posterior: of I items.
        scale: the L levels.
        anchors: item index -> level index. Two or more at each level.
        groups: names of the posterior's groups, for messages.
        rng: random numbers.

    Raises:
        ComparisonError: no anchors at all, or a group that has some has fewer than two of a level.
        ValueError: an item or level index out of range.
    """
    items = np.array(list(anchors), np.int64)
    levels = np.array([anchors[item] for item in items.tolist()], np.int64)
    for name, index, length in (
        ("an item", items, len(posterior.item_group)),
        ("a level", levels, len(scale)),
    ):
        if len(index) and not (index.min() >= 0 and index.max() < length):
            raise ValueError(f"anchors: {name} index is outside of 0..{length - 1}")
    if not len(items):
        raise ComparisonError("no item of known level takes part; level cuts need two of each")
    anchor_group = posterior.item_group[items]
    found = []
    for group in np.unique(anchor_group).tolist():
        here = anchor_group == group
        _check_anchors(levels[here], scale, groups[group])
        draws = np.asarray(posterior.draws[:, items[here]], float)  # (S, anchors of the group)
        cuts = _draw_cuts(
            draws.mean(axis=0),
            np.maximum(draws.std(axis=0), 1e-6),
            levels[here],
            scale,
            num_draws=len(draws),
            rng=rng,
        )
        found.append(LevelCuts(scale, group, "anchors", cuts))
    return tuple(found)


def _check_anchors(levels: IntArray, scale: LevelScale, group: str) -> None:
    num = np.bincount(levels, minlength=len(scale))
    if num.min() < 2:
        short = ", ".join(
            f"{name} has {count}" for name, count in zip(scale.names, num, strict=True) if count < 2
        )
        where = f" in group {group!r}" if group else ""
        raise ComparisonError(
            f"level cuts need two or more items of known standard at each level{where}: {short}; "
            "name more of them, use a scale with fewer levels, or cut by quantiles or scores"
        )


def _draw_cuts(
    mean: FloatArray,
    sd: FloatArray,
    levels: IntArray,
    scale: LevelScale,
    *,
    num_draws: int,
    rng: np.random.Generator,
) -> FloatArray:
    """(num_draws, L - 1) Gibbs draws of the cuts given (M,) anchors, one cut at a time on a grid.

    The likelihood of an anchor of level l is Phi((c_l - mean) / sd) - Phi((c_{l-1} - mean) / sd).
    """
    num_cuts = len(scale) - 1
    edges = np.linspace((mean - 4 * sd).min(), (mean + 4 * sd).max(), _GRID_CELLS + 1)
    middle = (edges[1:] + edges[:-1]) / 2
    below = np.zeros((_GRID_CELLS + 2, len(mean)))  # P(anchor below a cut), from -inf to inf
    below[1:-1] = ndtr((middle[:, None] - mean) / sd)
    below[-1] = 1
    at = _first_places(mean, levels, num_cuts, middle)
    draws = np.empty((num_draws, num_cuts))
    for sweep in range(-_WARMUP_SWEEPS, num_draws):
        for cut in range(num_cuts):
            low, high = at[cut], at[cut + 2]
            places = below[low : high + 1]
            lower = places[:, levels == cut] - below[low, levels == cut]
            upper = below[high, levels == cut + 1] - places[:, levels == cut + 1]
            log_density = np.log(np.maximum(np.hstack([lower, upper]), 1e-300)).sum(axis=1)
            if low == 0:
                log_density[0] = -np.inf  # the outermost places stand for infinity
            if high == _GRID_CELLS + 1:
                log_density[-1] = -np.inf
            mass = np.cumsum(np.exp(log_density - log_density.max()))
            at[cut + 1] = low + np.searchsorted(mass, rng.random() * mass[-1], side="right")
        if sweep >= 0:
            draws[sweep] = middle[at[1:-1] - 1]
    jitter = (rng.random(draws.shape) - 0.5) * (edges[1] - edges[0])  # over the grid's cells
    return np.sort(draws + jitter, axis=1)


def _first_places(
    mean: FloatArray, levels: IntArray, num_cuts: int, middle: FloatArray
) -> IntArray:
    """(L + 1,) grid places to start from: midway between the levels' means, in order."""
    means = np.array([mean[levels == level].mean() for level in range(num_cuts + 1)])
    cuts = np.sort((means[1:] + means[:-1]) / 2)
    places = np.clip(np.searchsorted(middle, cuts) + 1, 1, len(middle))
    return np.concatenate([[0], places, [len(middle) + 1]])
