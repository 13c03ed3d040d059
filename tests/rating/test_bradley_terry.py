import json
import math
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import choix
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit

from proskill.errors import ComparisonError, ProskillError
from proskill.rating import BradleyTerry, Comparison, ComparisonTable, comparison_table
from proskill.rating.bradley_terry import fit_bradley_terry
from proskill.rating.log_posterior import (
    DISCRIMINATION_VARIANCE,
    LOG_TIE_VARIANCE,
    SIDE_VARIANCE,
    NegativeLogPosterior,
)
from proskill.rating.vote_cells import count_votes

CASES = json.loads((Path(__file__).parent / "cases" / "bradley_terry.json").read_text())


@pytest.mark.parametrize("name", CASES)
def test_known_cases_come_out_in_the_order_they_must(name: str) -> None:
    table = comparison_table([Comparison(*vote) for vote in CASES[name]["votes"]])
    params = dict(zip(table.items, fit_bradley_terry(table).params, strict=True))
    places = [[params[item] for item in place] for place in CASES[name]["order"]]
    for place in places:
        assert place == pytest.approx([place[0]] * len(place), abs=1e-4)
    for better, worse in pairwise(places):
        assert min(better) > max(worse) + 0.01


def simulated(
    rng: np.random.Generator,
    *,
    num_items: int = 30,
    num_votes: int = 600,
    discrimination: tuple[float, ...] = (1.0,),
    side: float = 0.0,
    nu: float = 0.0,
) -> tuple[np.ndarray, ComparisonTable]:
    """Skills of sd 2, and votes on random pairs as the model of `bradley_terry` makes them."""
    skill = 2 * rng.normal(size=num_items)
    skill -= skill.mean()
    a = rng.integers(0, num_items, num_votes)
    b = (a + rng.integers(1, num_items, num_votes)) % num_items
    annotator = rng.integers(0, len(discrimination), num_votes)
    left = 2 * rng.integers(0, 2, num_votes) - 1
    eta = np.array(discrimination)[annotator] * (skill[a] - skill[b]) + side * left
    weights = np.stack([np.exp(eta / 2), np.exp(-eta / 2), np.full(num_votes, nu)])
    place = rng.random(num_votes) * weights.sum(axis=0)
    outcome = np.where(place < weights[0], 1, np.where(place < weights[:2].sum(axis=0), -1, 0))
    names = tuple(f"annotator {k}" for k in range(len(discrimination)))
    items = tuple(f"item {i}" for i in range(num_items))
    return skill, ComparisonTable(
        items, a, b, outcome, annotators=names, annotator=annotator, left=left
    )


def test_params_equal_those_of_choix_with_the_same_prior() -> None:
    _, table = simulated(np.random.default_rng(0))
    wins = [
        (a, b) if outcome > 0 else (b, a)
        for a, b, outcome in zip(table.item_a, table.item_b, table.outcome, strict=True)
    ]
    theirs = choix.opt_pairwise(table.num_items, wins, alpha=0.2, tol=1e-10)
    ours = fit_bradley_terry(table, alpha=0.2, fit_side=False).params
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_ties_sides_and_annotators_maximise_the_posterior_that_the_docstring_states() -> None:
    _, table = simulated(
        np.random.default_rng(1),
        num_items=5,
        num_votes=150,
        discrimination=(1.5, 0.5),
        side=0.4,
        nu=0.7,
    )
    alpha = 0.1

    def loss(vector: np.ndarray) -> float:
        params, slope, side, log_nu = vector[:5], vector[5], vector[6], vector[7]
        discrimination = np.array([slope, 2 - slope])  # mean 1
        eta = discrimination[table.annotator] * (params[table.item_a] - params[table.item_b])
        eta = eta + side * table.left
        logits = np.stack([-eta / 2, np.full(len(eta), log_nu), eta / 2])  # b, tie, a
        chosen = logits[table.outcome + 1, np.arange(len(eta))]
        value = np.sum(chosen - np.log(np.exp(logits).sum(axis=0))) - alpha * np.sum(params**2)
        value -= np.sum((discrimination - 1) ** 2) / (2 * DISCRIMINATION_VARIANCE)
        return -(value - side**2 / (2 * SIDE_VARIANCE) - log_nu**2 / (2 * LOG_TIE_VARIANCE))

    start = np.concatenate([np.zeros(5), [1.0, 0.0, 0.0]])
    peer = minimize(loss, start, method="BFGS", options={"gtol": 1e-6}).x
    fit = fit_bradley_terry(table, alpha=alpha)
    np.testing.assert_allclose(fit.params, peer[:5], atol=1e-4)
    np.testing.assert_allclose(fit.discrimination, [peer[5], 2 - peer[5]], atol=1e-4)
    assert (fit.side, fit.log_tie) == pytest.approx((peer[6], peer[7]), abs=1e-4)


@pytest.mark.parametrize(("num_annotators", "fit_side"), [(0, False), (0, True), (3, True)])
def test_derivatives_are_those_of_the_loss(num_annotators: int, fit_side: bool) -> None:
    rng = np.random.default_rng(2)
    _, table = simulated(rng, num_items=7, num_votes=80, discrimination=(1.0, 1.0, 1.0), nu=0.5)
    posterior = NegativeLogPosterior(
        count_votes(table, by_annotator=num_annotators > 0, by_side=fit_side),
        num_items=7,
        num_annotators=num_annotators,
        fit_side=fit_side,
        alpha=0.1,
    )
    at = rng.normal(size=7 + num_annotators + fit_side + 1)
    step = 1e-5 * np.eye(len(at))
    slope = [(posterior.loss(at + e) - posterior.loss(at - e)) / 2e-5 for e in step]
    np.testing.assert_allclose(posterior.gradient(at), slope, atol=1e-6)
    bend = [(posterior.gradient(at + e) - posterior.gradient(at - e)) / 2e-5 for e in step]
    exact = [posterior.curvature_times(at, e) for e in np.eye(len(at))]
    np.testing.assert_allclose(exact, bend, atol=1e-6)


def test_what_made_the_votes_is_found_again() -> None:
    skill, table = simulated(
        np.random.default_rng(3),
        num_votes=20_000,
        discrimination=(1.6, 1.4, 0.0),
        side=0.8,
        nu=0.6,
    )
    fit = fit_bradley_terry(table)
    assert np.corrcoef(skill, fit.params)[0, 1] > 0.99
    assert fit.discrimination == pytest.approx([1.6, 1.4, 0.0], abs=0.08)
    assert fit.side == pytest.approx(0.8, abs=0.08)
    assert fit.log_tie == pytest.approx(math.log(0.6), abs=0.1)


def test_a_reversed_annotator_is_turned_round() -> None:
    skill, table = simulated(
        np.random.default_rng(4), num_votes=1500, discrimination=(1.0,) * 9 + (-1.0,)
    )
    told_apart = fit_bradley_terry(table)
    all_alike = fit_bradley_terry(table, fit_annotators=False)
    assert told_apart.discrimination[-1] < -0.5
    assert all_alike.discrimination.tolist() == [1.0] * 10
    error = [
        abs(np.argsort(np.argsort(fit.params)) - np.argsort(np.argsort(skill))).mean()
        for fit in (told_apart, all_alike)
    ]
    assert error[0] < error[1]


def test_groups_do_not_touch_each_other() -> None:
    rng = np.random.default_rng(5)
    _, one = simulated(rng, num_items=8, num_votes=60)
    _, two = simulated(rng, num_items=6, num_votes=50)
    both = ComparisonTable(
        items=tuple(f"{i}" for i in range(14)),
        item_a=np.concatenate([one.item_a, 8 + two.item_a]),
        item_b=np.concatenate([one.item_b, 8 + two.item_b]),
        outcome=np.concatenate([one.outcome, two.outcome]),
        groups=("g", "h"),
        item_group=np.repeat([0, 1], [8, 6]),
    )
    apart = [fit_bradley_terry(table, fit_side=False).params for table in (one, two)]
    np.testing.assert_allclose(fit_bradley_terry(both).params, np.concatenate(apart), atol=1e-5)


def test_starting_elsewhere_ends_at_the_same_ratings() -> None:
    rng = np.random.default_rng(6)
    _, table = simulated(rng)
    far = fit_bradley_terry(table, start=10 * rng.normal(size=table.num_items))
    np.testing.assert_allclose(far.params, fit_bradley_terry(table).params, atol=1e-5)


def test_an_item_without_votes_and_an_empty_table_get_zeros() -> None:
    table = comparison_table([Comparison("x", "y", "a")], items=["z"])
    assert fit_bradley_terry(table).params[2] == 0
    assert fit_bradley_terry(comparison_table([])).params.shape == (0,)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({"alpha": 0.0}, "alpha=0.0"),
        ({"alpha": math.inf}, "alpha=inf"),
        ({"tol": 0.0}, "tol=0.0"),
        ({"start": np.zeros(3)}, "start: needs 2"),
        ({"start": np.array([0.0, math.nan])}, "start: needs 2 finite"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        fit_bradley_terry(comparison_table([Comparison("x", "y", "a")]), **arguments)


votes = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.integers(1, 5),
        st.sampled_from([1, 0, -1]),
        st.integers(0, 2),
        st.sampled_from([-1, 1]),
    ),
    min_size=1,
    max_size=40,
)


def as_table(rows: list) -> ComparisonTable:
    a, step, outcome, annotator, left = (np.array(column) for column in zip(*rows, strict=True))
    return ComparisonTable(
        items=tuple("uvwxyz"),
        item_a=a,
        item_b=(a + step) % 6,
        outcome=outcome,
        annotators=("p", "q", "r"),
        annotator=annotator,
        left=left,
    )


@given(votes, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_the_names_of_items_and_annotators_change_nothing(
    rows: list, random: object
) -> None:
    table = as_table(rows)
    order = np.array(random.sample(range(len(rows)), len(rows)))  # type: ignore[attr-defined]
    item = np.array(random.sample(range(6), 6))  # type: ignore[attr-defined]
    who = np.array(random.sample(range(3), 3))  # type: ignore[attr-defined]
    renamed = ComparisonTable(
        items=table.items,
        item_a=item[table.item_a[order]],
        item_b=item[table.item_b[order]],
        outcome=table.outcome[order],
        annotators=table.annotators,
        annotator=who[table.annotator[order]],
        left=table.left[order],
    )
    before, after = fit_bradley_terry(table), fit_bradley_terry(renamed)
    np.testing.assert_allclose(after.params[item], before.params, atol=1e-4)
    np.testing.assert_allclose(after.discrimination[who], before.discrimination, atol=1e-4)


@given(votes)
def test_naming_the_pair_the_other_way_round_changes_nothing(rows: list) -> None:
    table = as_table(rows)
    swapped = ComparisonTable(
        items=table.items,
        item_a=table.item_b,
        item_b=table.item_a,
        outcome=-table.outcome,
        annotators=table.annotators,
        annotator=table.annotator,
        left=-table.left,
    )
    before, after = fit_bradley_terry(table), fit_bradley_terry(swapped)
    np.testing.assert_allclose(after.params, before.params, atol=1e-6)


@given(votes, st.integers(0, 5), st.integers(1, 5))
def test_one_more_win_never_lowers_the_winner(rows: list, winner: int, step: int) -> None:
    before = fit_bradley_terry(as_table(rows), fit_annotators=False, fit_side=False).params
    more = as_table([*rows, (winner, step, 1, 0, 1)])
    after = fit_bradley_terry(more, fit_annotators=False, fit_side=False).params
    assert after[winner] >= before[winner] - 1e-6
    assert after[(winner + step) % 6] <= before[(winner + step) % 6] + 1e-6


def test_twice_the_votes_pull_ratings_apart_from_the_prior() -> None:
    votes = [Comparison("x", "y", "a")] * 3 + [Comparison("x", "y", "b")]
    gaps = []
    for times in (1, 10, 1000):
        x, y = fit_bradley_terry(comparison_table(votes * times)).params
        gaps.append(float(x - y))
    assert gaps[0] < gaps[1] < gaps[2]
    assert expit(gaps[2]) == pytest.approx(0.75, abs=1e-3)


def test_pairs_comparisons_and_a_table_give_the_same_frame() -> None:
    pairs = [("anna", "ben"), ("ben", "cleo")]
    rows = [Comparison(winner, loser, "a") for winner, loser in pairs]
    frames = [
        BradleyTerry().fit(given).to_frame() for given in (pairs, rows, comparison_table(rows))
    ]
    assert frames[0]["item"].tolist() == ["anna", "ben", "cleo"]
    assert frames[0]["num_comparisons"].tolist() == [1, 2, 1]
    assert frames[0]["rating"].is_monotonic_decreasing
    assert all(frame.equals(frames[0]) for frame in frames)


@pytest.mark.parametrize("row", ["ab", ("a", "b", "c")])
def test_a_row_that_is_no_pair_is_refused(row: Any) -> None:
    with pytest.raises(ComparisonError, match=r"row 2: .*a \(winner, loser\) pair is expected"):
        BradleyTerry().fit([("a", "b"), row])


def test_a_frame_without_pandas_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = BradleyTerry().fit([("a", "b")])
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ProskillError, match="pip install pandas"):
        fit.to_frame()
