from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier

from proskill.data.baselines import accuracy_interval, majority_baselines, skill_baselines
from proskill.data.file_facts import FileFacts
from proskill.data.stats import dataset_stats, distribution_of
from proskill.data.take import Take, View
from proskill.levels import EGOEXO4D_LEVELS

LEVELS = EGOEXO4D_LEVELS.names


def _take(number: int, **values: object) -> Take:
    view = View(Path(f"/videos/{number}.mp4"), "ego")
    given = {"participant_id": f"p{number // 2}", "scenario": "dance", "views": {"ego": view}}
    return Take(take_id=f"t{number}", **{**given, **values})  # type: ignore[arg-type]


def _facts(takes: list[Take], seconds: float = 10.0) -> dict[Path, FileFacts]:
    return {
        view.path: FileFacts(view.path, "", duration_seconds=seconds)
        for take in takes
        for view in take.views.values()
    }


def test_takes_are_counted_by_split_scenario_level_person_and_view() -> None:
    both = {"ego": View(Path("/a.mp4"), "ego"), "cam": View(Path("/b.mp4"), "exo", 0, 4)}
    takes = [
        _take(0, split="train", level="Novice"),
        _take(1, split="train", level="Late Expert", scenario="chess"),
        _take(2, split="test", level="Novice", views=both),
        _take(3, split="test"),
    ]
    stats = dataset_stats(takes, _facts(takes), levels=LEVELS)
    assert list(stats.splits) == ["train", "test"]
    assert stats.splits["train"].levels == dict(zip(LEVELS, (1, 0, 0, 1), strict=True))
    assert stats.splits["test"].num_labelled == 1
    assert {name: group.num_takes for name, group in stats.scenarios.items()} == {
        "dance": 3,
        "chess": 1,
    }
    assert stats.whole.num_participants == 2
    assert stats.whole.hours == pytest.approx((10 + 10 + 4 + 10) / 3600)
    assert stats.views["cam"].kinds == {"exo": 1}
    assert stats.view_sets == {"ego": 3, "cam + ego": 1}
    assert stats.takes_per_participant.counts == (2,)
    assert (stats.ratings, stats.skills, stats.num_unreadable) == (None, {}, 0)


def test_an_unreadable_view_is_counted_and_the_others_give_the_length() -> None:
    views = {"a": View(Path("/a.mp4"), "exo"), "b": View(Path("/b.mp4"), "exo")}
    takes = [_take(0, views=views), _take(1)]
    facts = _facts(takes)
    for name in ("/a.mp4", "/videos/1.mp4"):
        facts[Path(name)] = FileFacts(Path(name), "", fault="missing")
    stats = dataset_stats(takes, facts, levels=LEVELS)
    assert stats.num_unreadable == 2
    assert stats.seconds is not None
    assert (stats.seconds.num, stats.seconds.total) == (1, 10)


def test_a_level_that_is_not_on_the_scale_is_refused() -> None:
    takes = [_take(0, level="Poor")]
    with pytest.raises(ValueError, match="level='Poor': allowed are 'Novice'"):
        dataset_stats(takes, _facts(takes), levels=LEVELS)


_labelled = st.tuples(
    st.sampled_from(["train", "val", "test"]), st.sampled_from(["a", "b"]), st.sampled_from(LEVELS)
)


@settings(max_examples=50, deadline=None)
@given(st.lists(_labelled, min_size=1, max_size=40))
def test_guessing_scores_what_scikit_learns_dummy_scores(rows: list[tuple[str, str, str]]) -> None:
    rows = [("train", "a", "Novice"), *rows]
    takes = [
        _take(k, split=split, scenario=scenario, level=level)
        for k, (split, scenario, level) in enumerate(rows)
    ]
    index = {level: k for k, level in enumerate(LEVELS)}

    def fit(some: list[tuple[str, str, str]]) -> DummyClassifier:
        truth = [index[level] for _, _, level in some]
        return DummyClassifier(strategy="most_frequent").fit(np.zeros((len(some), 1)), truth)

    train = [row for row in rows if row[0] == "train"]
    overall = fit(train)
    for split, base in majority_baselines(takes, levels=LEVELS).items():
        judged = [row for row in rows if row[0] == split]
        truth = [index[level] for _, _, level in judged]
        assert base.majority.value == pytest.approx(
            overall.score(np.zeros((len(judged), 1)), truth)
        )
        hits = 0
        for scenario, count in Counter(row[1] for row in judged).items():
            known = [row for row in train if row[1] == scenario]
            model = fit(known) if known else overall
            of_it = [index[level] for _, name, level in judged if name == scenario]
            hits += round(count * model.score(np.zeros((count, 1)), of_it))
        assert base.scenario_majority.value == pytest.approx(hits / len(judged))
        assert base.learned_from == "train"


def test_without_splits_all_takes_are_judged_by_their_own_counts() -> None:
    takes = [_take(k, level="Novice" if k % 3 else "Late Expert") for k in range(12)]
    [(name, base)] = majority_baselines(takes, levels=LEVELS).items()
    assert (name, base.learned_from, base.level) == ("all takes", "all takes", "Novice")
    assert base.majority.value == pytest.approx(8 / 12)
    assert majority_baselines([_take(0)], levels=LEVELS) == {}


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """People are right in all of their takes or in none: 40 people are 40 facts, not 200."""
    rng = np.random.default_rng(0)
    participants = [f"p{k}" for k in range(40) for _ in range(5)]
    covered = 0
    for repeat in range(200):
        is_right = np.repeat(rng.random(40) < 0.6, 5)
        found = accuracy_interval(is_right.tolist(), participants, seed=repeat)
        covered += found.lower <= 0.6 <= found.upper
    assert 0.90 <= covered / 200 <= 0.98


def test_one_person_has_no_interval() -> None:
    found = accuracy_interval([True, False], ["p", "p"])
    assert found.value == 0.5
    assert np.isnan([found.lower, found.upper]).all()


def test_each_skill_is_guessed_by_its_commonest_training_value() -> None:
    takes = [
        _take(0, split="train", skills={"steals": 4.0}),
        _take(1, split="train", skills={"steals": 4.0}),
        _take(2, split="train", skills={"steals": 1.0, "fouls": 0.0}),
        _take(3, split="test", skills={"steals": 4.0}),
        _take(4, split="test", skills={"steals": 1.0}),
    ]
    baselines = skill_baselines(takes)
    assert set(baselines) == {"steals"}  # no test take has the other
    assert (baselines["steals"].judged_on, baselines["steals"].num_takes) == ("test", 2)
    assert baselines["steals"].majority.value == 0.5
    unsplit = [replace(take, split=None) for take in takes]
    assert skill_baselines(unsplit)["steals"].majority.value == 0.6


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_every_number_is_in_one_bar_of_the_histogram(values: list[float]) -> None:
    found = distribution_of(values)
    assert found is not None
    assert sum(found.counts) == found.num == len(values)
    assert len(found.edges) == len(found.counts) + 1
    assert found.minimum <= found.median <= found.maximum


def test_few_whole_numbers_get_a_bar_each() -> None:
    found = distribution_of([0, 4, 4, 2])
    assert found is not None
    assert found.counts == (1, 0, 1, 0, 2)
    assert found.edges == (-0.5, 0.5, 1.5, 2.5, 3.5, 4.5)
    assert distribution_of([]) is None
