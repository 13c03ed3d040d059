from __future__ import annotations

import json
import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proskill.rating.comparisons import Comparison, ComparisonTable
from proskill.rating.health import FLAGS, check_health
from proskill.rating.posterior import Posterior, sample_posterior
from proskill.rating.simulated import simulate_campaign
from proskill.rating.table_builder import comparison_table

CASES = json.loads((Path(__file__).parent / "cases" / "health.json").read_text())


def table_of(case: dict[str, Any]) -> ComparisonTable:
    votes = [
        Comparison(vote[0], vote[1], vote[2], group=vote[3] if len(vote) > 3 else "")
        for vote in case["votes"]
    ]
    return comparison_table(votes, items=case.get("items", ()))


@pytest.mark.parametrize("case", CASES, ids=[case["case"] for case in CASES])
def test_each_case_has_the_parts_flags_and_findings_written_down(case: dict[str, Any]) -> None:
    table = table_of(case)
    health = check_health(table, min_comparisons=case.get("min_comparisons", 8))
    assert dict(zip(table.items, health.component.tolist(), strict=True)) == case["component"]
    found = {item: list(flags) for item, flags in zip(table.items, health.flags, strict=True)}
    assert found == case["flags"]
    assert len(health.findings) == len(case["findings"])
    for finding, expected in zip(health.findings, case["findings"], strict=True):
        assert expected in finding


def test_the_findings_name_three_items_and_count_the_others() -> None:
    votes = [Comparison("best", f"worse {index}", "a") for index in range(10)]
    findings = check_health(comparison_table(votes), min_comparisons=1).findings
    assert findings[0] == (
        "10 of 11 items: lost every comparison, so only the prior limits the rating from below "
        "('worse 0', 'worse 1', 'worse 2' and 7 more)."
    )


votes_of_seven = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 6), st.sampled_from(["a", "b", "tie", "skip"]))
    .filter(lambda vote: vote[0] != vote[1])
    .map(lambda vote: Comparison(f"i{vote[0]}", f"i{vote[1]}", vote[2])),
    min_size=1,
    max_size=25,
)


@given(votes_of_seven, st.randoms())
def test_neither_the_order_of_votes_nor_the_side_of_an_item_matters(
    votes: list[Comparison], random: Any
) -> None:
    table = comparison_table(votes)
    turned = {"a": "b", "b": "a", "tie": "tie", "skip": "skip"}
    other = [Comparison(vote.item_b, vote.item_a, turned[vote.outcome]) for vote in votes]
    random.shuffle(other)
    first = check_health(table, min_comparisons=3)
    second = check_health(comparison_table(other), min_comparisons=3)
    assert first.component.tolist() == second.component.tolist()
    assert first.flags == second.flags
    assert first.findings == second.findings


@given(votes_of_seven)
def test_an_item_is_unflagged_only_when_wins_lead_both_ways_to_most_of_its_group(
    votes: list[Comparison],
) -> None:
    table = comparison_table(votes)
    health = check_health(table, min_comparisons=1)
    reach = np.eye(table.num_items, dtype=bool)
    for row in np.flatnonzero(table.outcome != 2):
        a, b = table.item_a[row], table.item_b[row]
        reach[a, b] |= table.outcome[row] >= 0
        reach[b, a] |= table.outcome[row] <= 0
    for _ in range(3):
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    circle_size = (reach & reach.T).sum(axis=1)
    judged = health.num_comparisons > 0
    for item, flags in enumerate(health.flags):
        if not flags:
            part = (health.component == health.component[item]) & judged
            assert circle_size[item] == circle_size[part].max()
            assert part.sum() > judged.sum() / 2
        assert set(flags) <= set(FLAGS)


def test_a_scale_that_may_be_zero_or_anything_is_not_identified() -> None:
    votes = [
        Comparison(f"{group}{a}", f"{group}{a + 1}", outcome, group=group)
        for group in ("coin", "open", "sure")
        for a in range(2)
        for outcome in ("a", "b")
    ]
    table = comparison_table(votes)
    spread = np.linspace(0.5, 1.5, 100)
    scale = np.stack([0.4 * spread, np.geomspace(0.3, 30, 100), 2 * spread], axis=1)  # (S, G)
    posterior = Posterior(
        draws=np.zeros((100, 9), np.float32),
        item_group=table.item_group,
        scale=scale,
        side=np.zeros(100),
        discrimination=np.ones((100, 1)),
    )
    health = check_health(table, min_comparisons=1, posterior=posterior)
    flagged = {
        item for item, flags in zip(table.items, health.flags, strict=True)
        if "scale_not_identified" in flags
    }  # fmt: skip
    assert flagged == {item for item in table.items if not item.startswith("sure")}
    assert "in 2 of 3 groups ('coin', 'open')" in health.findings[0]


@pytest.mark.parametrize("seed", range(3))
def test_noise_leaves_the_scale_open_and_skill_does_not(seed: int) -> None:
    rng = np.random.default_rng(seed)
    found = []
    for sigma in (0.0, 1.5):
        skill = sigma * rng.normal(size=60)
        table = list(islice(simulate_campaign(rng, skill=skill), 12))[-1].table
        posterior = sample_posterior(table, rng=rng, num_draws=200, num_warmup=100)
        health = check_health(table, posterior=posterior)
        found.append("scale_not_identified" in health.flags[0])
    assert found == [True, False]


def test_at_least_one_comparison_must_be_asked_for() -> None:
    with pytest.raises(ValueError, match="min_comparisons=0: needs to be 1 or more"):
        check_health(comparison_table([]), min_comparisons=0)


def test_two_hundred_thousand_votes_are_checked_in_seconds() -> None:
    rng = np.random.default_rng(0)
    num_items, num_votes = 20_000, 200_000
    a = rng.integers(num_items, size=num_votes)
    table = ComparisonTable(
        items=tuple(f"{index:05}" for index in range(num_items)),
        item_a=a,
        item_b=(a + rng.integers(1, num_items, size=num_votes)) % num_items,
        outcome=rng.integers(-1, 2, size=num_votes),
    )
    start = time.process_time()
    health = check_health(table)
    assert time.process_time() - start < 2
    assert len(health.flags) == num_items
