from __future__ import annotations

import json
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from proskill.rating.agreement import Agreement, measure_agreement
from proskill.rating.bradley_terry import BradleyTerryFit
from proskill.rating.comparisons import Comparison, ComparisonTable
from proskill.rating.posterior import Posterior
from proskill.rating.table_builder import comparison_table

CASES = json.loads((Path(__file__).parent / "cases" / "agreement.json").read_text())


def agreement_of(table: ComparisonTable, *, side: tuple[float, ...] = (0.0, 0.0)) -> Agreement:
    """With ratings all 0, which alpha does not depend on."""
    num_annotators = len(table.annotators)
    posterior = Posterior(
        draws=np.zeros((len(side), table.num_items), np.float32),
        item_group=table.item_group,
        scale=np.ones((len(side), len(table.groups))),
        side=np.array(side),
        discrimination=np.ones((len(side), num_annotators)),
    )
    fit = BradleyTerryFit(table, np.zeros(table.num_items), 0.0, -math.inf, np.ones(num_annotators))
    return measure_agreement(table, fit=fit, posterior=posterior)


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_each_case_has_the_agreement_worked_out_by_hand(case: dict[str, Any]) -> None:
    votes = [Comparison(a, b, outcome, annotator=who) for a, b, outcome, who in case["votes"]]
    agreement = agreement_of(comparison_table(votes))
    for name in ("alpha", "pair_agreement", "num_repeated_pairs"):
        expected = math.nan if case[name] is None else case[name]
        assert getattr(agreement, name) == pytest.approx(expected, nan_ok=True), name


def test_neither_names_nor_order_of_items_change_alpha() -> None:
    rng = np.random.default_rng(0)
    turned = {"a": "b", "b": "a", "tie": "tie"}
    rows = [
        (*rng.choice(6, size=2, replace=False), rng.choice(["a", "b", "tie"]), rng.choice(4))
        for _ in range(200)
    ]
    rename = rng.permutation(6)
    plain = [Comparison(f"{a}", f"{b}", o, annotator=f"{who}") for a, b, o, who in rows]
    other = [
        Comparison(f"{rename[b]}", f"{rename[a]}", turned[o], annotator=f"{9 - who}")  # type: ignore[arg-type]
        for a, b, o, who in rows
    ]
    first, second = (agreement_of(comparison_table(votes)) for votes in (plain, other))
    assert first.alpha == pytest.approx(second.alpha, abs=1e-12)
    assert first.pair_agreement == pytest.approx(second.pair_agreement, abs=1e-12)
    assert abs(first.alpha) < 0.15  # votes by chance


def test_the_side_bias_is_that_of_the_posterior_where_sides_are_known() -> None:
    known = comparison_table([Comparison("x", "y", "a", left_item="x")])
    agreement = agreement_of(known, side=(0.5, 0.7, 0.9))
    assert agreement.side_bias == pytest.approx(0.7)
    assert 0.5 <= agreement.side_bias_lower < 0.7 < agreement.side_bias_upper <= 0.9
    unknown = agreement_of(comparison_table([Comparison("x", "y", "a")]), side=(0.5, 0.7, 0.9))
    assert math.isnan(unknown.side_bias)


def test_an_empty_table_has_no_agreement() -> None:
    agreement = agreement_of(comparison_table([]))
    assert math.isnan(agreement.alpha)
    assert agreement.num_repeated_pairs == 0
    assert agreement.annotators == ()


@pytest.mark.slow
def test_two_hundred_thousand_votes_of_a_hundred_annotators_take_seconds() -> None:
    rng = np.random.default_rng(0)
    num_items, num_votes = 20_000, 200_000
    skill = 2 * rng.normal(size=num_items)
    a = rng.integers(num_items, size=num_votes)
    b = (a + rng.integers(1, num_items, size=num_votes)) % num_items
    a_wins = rng.random(num_votes) < 1 / (1 + np.exp(skill[b] - skill[a]))
    table = ComparisonTable(
        items=tuple(f"{index:05}" for index in range(num_items)),
        item_a=a,
        item_b=b,
        outcome=np.where(a_wins, 1, -1),
        annotators=tuple(f"{index:02}" for index in range(100)),
        annotator=rng.integers(100, size=num_votes),
        left=rng.choice([-1, 1], size=num_votes),
        seconds=rng.lognormal(size=num_votes),
    )
    start = time.process_time()
    agreement = agreement_of(table)
    assert time.process_time() - start < 30
    assert len(agreement.annotators) == 100
    assert all(report.accuracy > 0.7 for report in agreement.annotators)
