"""Rank figures against scipy, against counting pairs, and against takes written out."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, spearmanr

from proskill.evaluation import rank_metrics
from proskill.evaluation.intervals import Weights, each_once
from proskill.evaluation.rank_metrics import kendall, pairwise_accuracy, spearman

Pair = tuple[float, float]
TAKES = st.lists(st.tuples(st.integers(0, 3), st.integers(-3, 3)), min_size=1, max_size=25)


def one_group(reference: np.ndarray, score: np.ndarray, weights: Weights) -> np.ndarray:
    return pairwise_accuracy(reference, score, weights, within=["a"] * len(reference))


METRICS = [spearman, kendall, one_group]


@pytest.mark.parametrize("decimals", [0, 1, 6])
def test_correlations_equal_those_of_scipy_with_and_without_ties(decimals: int) -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(4, size=300)
    score = (truth + rng.normal(size=300)).round(decimals)
    once = each_once(300)
    assert spearman(truth, score, once) == pytest.approx(spearmanr(truth, score).statistic)
    assert kendall(truth, score, once) == pytest.approx(kendalltau(truth, score).statistic)


def test_the_table_of_pairs_is_the_same_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    reference, score = rng.normal(size=(2, 50))
    whole = kendall(reference, score, each_once(50))
    monkeypatch.setattr(rank_metrics, "_BLOCK_ROWS", 7)
    np.testing.assert_allclose(kendall(reference, score, each_once(50)), whole)


@given(takes=TAKES, groups=st.data())
def test_pairwise_accuracy_equals_counting_the_pairs_of_each_group(
    takes: list[Pair], groups: st.DataObject
) -> None:
    size = len(takes)
    names = groups.draw(st.lists(st.sampled_from("ab"), min_size=size, max_size=size))
    right = []
    for (first, a), (second, b) in combinations(zip(takes, names, strict=True), 2):
        if a == b and first[0] != second[0]:
            better, worse = max(first, second), min(first, second)
            right.append((better[1] > worse[1]) + 0.5 * (better[1] == worse[1]))
    reference, score = np.array(takes, dtype=float).T
    found = pairwise_accuracy(reference, score, each_once(size), within=names)
    np.testing.assert_allclose(found, np.mean(right) if right else np.nan)


@pytest.mark.parametrize("metric", METRICS)
@given(takes=TAKES, data=st.data())
def test_a_take_of_weight_three_counts_as_three_takes(
    metric: Callable[..., np.ndarray], takes: list[Pair], data: st.DataObject
) -> None:
    reference, score = np.array(takes, dtype=float).T
    counts = data.draw(st.lists(st.integers(0, 3), min_size=len(takes), max_size=len(takes)))
    again = np.repeat(np.arange(len(takes)), counts)
    weighted = metric(reference, score, np.array([counts], dtype=float))
    written_out = metric(reference[again], score[again], each_once(len(again)))
    np.testing.assert_allclose(weighted, written_out, atol=1e-9)


@pytest.mark.parametrize("metric", METRICS)
@given(takes=TAKES)
def test_only_the_order_matters(metric: Callable[..., np.ndarray], takes: list[Pair]) -> None:
    reference, score = np.array(takes, dtype=float).T
    once = each_once(len(takes))
    np.testing.assert_allclose(
        metric(reference, score, once), metric(np.exp(reference), score**3, once), atol=1e-9
    )


@pytest.mark.parametrize("metric", METRICS)
def test_a_perfect_order_is_one_and_fractions_are_weights(
    metric: Callable[..., np.ndarray],
) -> None:
    weights = np.array([[0.5, 0.25, 1.0]])
    assert metric(np.arange(3), np.arange(3.0), weights) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "value",
    [
        spearman([1, 2, 3], [5, 5, 5], each_once(3)),
        spearman([1], [1], each_once(1)),
        spearman([1, 2], [1, 2], np.array([[0.3, 0.0]])),
        kendall([1, 1], [1, 2], each_once(2)),
        kendall([], [], each_once(0)),
        one_group(np.array([1, 1]), np.array([1, 2]), each_once(2)),
    ],
)
def test_an_undefined_correlation_is_nan(value: np.ndarray) -> None:
    assert np.isnan(value).all()


def test_values_of_different_takes_are_refused() -> None:
    with pytest.raises(ValueError, match="one per take"):
        spearman([1, 2], [1, 2, 3], each_once(2))
