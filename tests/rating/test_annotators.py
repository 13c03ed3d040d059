from __future__ import annotations

import math
from itertools import islice

import numpy as np
import pytest

from proskill.rating.annotators import ANNOTATOR_FLAGS, AnnotatorReport, report_annotators
from proskill.rating.bradley_terry import fit_bradley_terry
from proskill.rating.comparisons import Comparison, ComparisonTable
from proskill.rating.posterior import sample_posterior
from proskill.rating.simulated import SimulatedAnnotator, simulate_campaign, simulate_votes
from proskill.rating.table_builder import comparison_table


def reports_of(table: ComparisonTable) -> tuple[AnnotatorReport, ...]:
    posterior = sample_posterior(table, rng=np.random.default_rng(0), num_draws=200, num_warmup=100)
    return report_annotators(table, fit=fit_bradley_terry(table), posterior=posterior)


def campaign(annotators: list[SimulatedAnnotator], *, seed: int) -> ComparisonTable:
    rng = np.random.default_rng(seed)
    skill = 2.5 * rng.normal(size=120)
    rounds = simulate_campaign(rng, skill=skill, annotators=annotators)
    return list(islice(rounds, 14))[-1].table


def test_a_coin_a_reversed_and_a_one_sided_annotator_are_named_and_good_ones_are_not() -> None:
    people = [
        *[SimulatedAnnotator()] * 5,
        SimulatedAnnotator(discrimination=0.0),
        SimulatedAnnotator(discrimination=-1.0),
        SimulatedAnnotator(side_bias=3.0),
    ]
    reports = reports_of(campaign(people, seed=1))
    assert [report.annotator for report in reports] == list("01234567")
    assert [report.flags for report in reports[:5]] == [()] * 5
    assert reports[5].flags == ("coin",)
    assert reports[6].flags == ("reversed",)
    assert "one_sided" in reports[7].flags
    assert reports[7].left_share > 0.75
    good = reports[0]
    assert good.discrimination_lower < good.discrimination < good.discrimination_upper
    assert reports[5].accuracy < reports[5].expected_accuracy - 0.05
    assert reports[6].accuracy < 0.5
    assert all(set(report.flags) <= set(ANNOTATOR_FLAGS) for report in reports)


def test_good_annotators_reach_what_is_expected_of_them() -> None:
    reports = reports_of(campaign([SimulatedAnnotator()] * 8, seed=2))
    differences = [report.accuracy - report.expected_accuracy for report in reports]
    assert np.mean(differences) == pytest.approx(0, abs=0.01)
    assert max(map(abs, differences)) < 0.15
    assert all(report.flags == () for report in reports)


def test_accuracy_takes_the_closeness_of_the_pairs_into_account() -> None:
    # Three annotators of one quality: after random pairs, one sees neighbours, one clear pairs.
    rng = np.random.default_rng(3)
    skill = 2 * rng.normal(size=60)
    everyone = (SimulatedAnnotator(),)
    first, second = np.stack([rng.choice(60, size=2, replace=False) for _ in range(900)], axis=1)
    order = np.arange(60)
    votes: list[Comparison] = []
    for name, gaps in (("any", None), ("near", (1, 4)), ("far", (20, 50))):
        if gaps is not None:
            gap = rng.integers(*gaps, size=300)
            place = rng.integers(60 - gap)
            first, second = order[place], order[place + gap]
        outcome = simulate_votes(
            rng, skill=skill, left=first, right=second,
            annotator=np.zeros(len(first), int), annotators=everyone,
        )  # fmt: skip
        votes += [
            Comparison(f"{a:02}", f"{b:02}", "a" if code > 0 else "b", annotator=name)
            for a, b, code in zip(first, second, outcome, strict=True)
        ]
        if gaps is None:
            order = np.argsort(fit_bradley_terry(comparison_table(votes)).params)
    _, far, near = reports_of(comparison_table(votes))
    assert far.accuracy > near.accuracy + 0.25
    assert far.expected_accuracy > near.expected_accuracy + 0.2
    assert (far.flags, near.flags) == ((), ())


def test_fast_answers_skips_and_ties_are_counted() -> None:
    votes = [
        Comparison(
            f"{index % 7}", f"{(index + 1 + index // 7) % 9}x", "tie" if index % 2 else "a",
            annotator=name, seconds=0.5 if name == "fast" else 10.0,
        )
        for name in ("fast", "slow")
        for index in range(20)
    ]  # fmt: skip
    votes += [Comparison("0", "1", "skip", annotator="fast", seconds=9.0)] * 3
    votes += [Comparison("0", "1", "a", annotator="slow", seconds=10.0)] * 10
    fast, slow = reports_of(comparison_table(votes))
    assert (fast.num_votes, fast.num_skips, fast.tie_share) == (20, 3, 0.5)
    assert (fast.median_seconds, fast.too_fast_share) == (0.5, 1.0)
    assert "too_fast" in fast.flags
    assert "too_fast" not in slow.flags
    assert (slow.num_repeats, slow.self_agreement) == (9, 1.0)
    assert math.isnan(slow.swapped_agreement)


def test_a_single_annotator_has_nobody_to_be_compared_with_and_no_name_no_report() -> None:
    named = [Comparison("x", "y", "a", annotator="ann"), Comparison("y", "z", "a", annotator="ann")]
    (report,) = reports_of(comparison_table(named))
    assert math.isnan(report.accuracy)
    assert math.isnan(report.expected_accuracy)
    assert report.flags == ()
    nameless = [Comparison("x", "y", "a"), *named]
    assert [report.annotator for report in reports_of(comparison_table(nameless))] == ["ann"]
