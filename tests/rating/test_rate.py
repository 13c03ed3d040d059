import math
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.special import expit

from proskill.errors import ComparisonError
from proskill.levels import EGOEXO4D_LEVELS, LevelScale
from proskill.rating import Comparison, EarlierRating, LevelRule, RatingRun, comparison_table, rate

PASS_FAIL = LevelScale(("fail", "pass"))


def campaign(
    skill: Sequence[float], *, num_votes: int = 150, group: str = "", seed: int = 0
) -> list[Comparison]:
    """Votes on random pairs of items that are named by their place."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(num_votes):
        i, j = rng.choice(len(skill), 2, replace=False)
        outcome = "a" if rng.random() < expit(skill[i] - skill[j]) else "b"
        rows.append(Comparison(f"{group}{i:02d}", f"{group}{j:02d}", outcome, group=group))
    return rows


def run(rows: list[Comparison], **options: object) -> RatingRun:
    options = {"num_draws": 300} | options
    return rate(comparison_table(rows), rng=np.random.default_rng(1), **options)


def test_the_best_come_first_in_each_group_with_interval_and_level() -> None:
    rows = campaign(np.linspace(-4, 4, 8), group="jump") + campaign([3, 0, -3, 1, 2], group="dive")
    result = run(rows, level_rule=LevelRule(EGOEXO4D_LEVELS)).ratings
    assert result.groups == ("dive",) * 5 + ("jump",) * 8
    assert result.items[0] == "dive00"
    assert result.items[5:7] == ("jump07", "jump06")
    assert (result.lower < result.rating).all()
    assert (result.rating < result.upper).all()
    assert result.level[5] == "Late Expert"
    assert result.level[-1] == "Novice"
    np.testing.assert_allclose(result.level_probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(result.elo, 1500 + result.rating * 400 / math.log(10))


def test_without_a_level_rule_there_are_no_levels() -> None:
    result = run(campaign([1, 0])).ratings
    assert result.scale is None
    assert result.level == ("", "")


def test_flags_travel_with_their_items() -> None:
    rows = [*campaign([0, 0, 0], num_votes=60), Comparison("99", "00", "a")]
    result = run(rows).ratings
    assert result.items[0] == "99"
    assert {"never_lost", "few_comparisons"} <= set(result.flags[0])
    assert result.num_comparisons[0] == 1
    width = result.upper - result.lower
    assert width[0] > 1.5 * width[1:].max()


def test_a_group_smaller_than_the_scale_keeps_its_ratings_and_gets_no_level() -> None:
    rows = campaign(range(6), group="big") + campaign([0, 1], group="small")
    result = run(rows, level_rule=LevelRule(EGOEXO4D_LEVELS)).ratings
    assert "" not in result.level[:6]
    assert result.level[6:] == ("", "")
    assert np.isnan(result.level_probabilities[6:]).all()


def test_cut_scores_and_known_items_cut_where_they_say() -> None:
    rows = campaign(np.linspace(-3, 3, 12), num_votes=600)
    at_score = run(rows, level_rule=LevelRule(PASS_FAIL, "scores", cuts=(1.6,)))
    passed = [
        item
        for item, level in zip(at_score.ratings.items, at_score.ratings.level, strict=True)
        if level == "pass"
    ]
    assert {"11", "10"} <= set(passed) <= {"11", "10", "09", "08"}
    known = {"00": "fail", "02": "fail", "05": "pass", "11": "pass", "not rated": "pass"}
    by_anchors = run(rows, level_rule=LevelRule(PASS_FAIL, "anchors", anchors=known))
    (cut,) = by_anchors.levels[0].cuts
    rating = dict(zip(by_anchors.ratings.items, by_anchors.ratings.rating, strict=True))
    assert rating["02"] < cut < rating["05"]


def test_items_of_an_earlier_session_put_this_one_on_its_scale() -> None:
    skill = 7 + np.linspace(-2, 2, 10)
    known = {f"{i:02d}": EarlierRating(float(skill[i]), 0.3) for i in range(4)}
    linked = run(campaign(skill, num_votes=400), earlier=known)
    assert linked.linked_items == 4
    rating = dict(zip(linked.ratings.items, linked.ratings.rating, strict=True))
    assert rating["09"] == pytest.approx(9, abs=1)
    with pytest.raises(ComparisonError, match="none of the 1 earlier ratings"):
        run(campaign(skill), earlier={"elsewhere": EarlierRating(0.0, 1.0)})


def test_next_pairs_begin_where_votes_are_missing() -> None:
    rows = campaign(5 * np.linspace(-1, 1, 6), num_votes=800, group="done")
    rows += campaign([0, 1, 2, 3], num_votes=8, group="open")
    result = run(rows)
    assert [group.is_enough for group in result.reliability] == [True, False]
    first = result.table.item_group[result.next_round.left]
    assert first.tolist() == [1, 1, 0, 0, 0]


def test_elo_is_computed_on_request_only() -> None:
    rows = campaign([2, 0, -2])
    assert run(rows).elo is None
    elo = run(rows, elo_orders=10).elo
    assert elo is not None
    assert elo.num_orders == 10


def test_the_same_seed_gives_the_same_ratings_whatever_the_order_of_names() -> None:
    rows = campaign([2, 0, -2])
    np.testing.assert_array_equal(run(rows).ratings.rating, run(rows).ratings.rating)


@pytest.mark.parametrize("rows", [[], [Comparison("x", "y", "skip")]])
def test_votes_that_judge_nothing_are_refused(rows: list[Comparison]) -> None:
    with pytest.raises(ComparisonError, match="is a judgement"):
        run(rows)


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({"method": "scores"}, "go with the method 'scores'"),
        ({"cuts": (1.0,)}, "go with the method 'scores'"),
        ({"method": "anchors"}, "anchors go with"),
        ({"method": "anchors", "anchors": {"x": "expert"}}, "level='expert' is not on the scale"),
    ],
)
def test_a_level_rule_needs_what_its_method_uses(rule: dict, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        LevelRule(PASS_FAIL, **rule)


def test_stages_are_told_in_their_order() -> None:
    stages: list[str] = []
    run(campaign([1, 0]), on_stage=stages.append, elo_orders=2)
    assert stages[:2] == ["fit", "posterior"]
    assert stages[-1] == "elo"
