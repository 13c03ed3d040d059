"""Takes that people compared and nobody rated: from votes to ratings, a model and its report."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import spearmanr

from proskill.data.take import Take, View
from proskill.errors import ComparisonError, ConfigError, ManifestError
from proskill.models import load_checkpoint
from proskill.rating import SimulatedAnnotator, simulate_votes
from proskill.training.compared_takes import rate_compared_takes
from proskill.training.data_module import TakeDataModule
from proskill.training.module import SkillModule
from proskill.training.run import fit_model

Vote = tuple[str, str, str]


def take(name: str, rating: float | None = None) -> Take:
    return Take(name, f"p-{name}", "throw", {"ego": View(Path("a.mp4"), "ego")}, rating=rating)


def chain(names: Sequence[str], *, times: int = 3) -> list[Vote]:
    """Votes in which every item beats those before it."""
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    return [(a, b, "b") for a, b in pairs] * times


def simulated(skills: dict[str, float], *, rng: np.random.Generator, times: int) -> list[Vote]:
    names = list(skills)
    pairs = np.array([(i, j) for i, j in product(range(len(names)), repeat=2) if i < j] * times)
    outcome = simulate_votes(
        rng,
        skill=np.array(list(skills.values())),
        left=pairs[:, 0],
        right=pairs[:, 1],
        annotator=np.zeros(len(pairs), int),
        annotators=[SimulatedAnnotator()],
    )
    words = {1: "a", 0: "tie", -1: "b"}
    return [
        (names[i], names[j], words[code])
        for (i, j), code in zip(pairs.tolist(), outcome.tolist(), strict=True)
    ]


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., str]:
    def write_votes(votes: Sequence[Vote], *, groups: Sequence[str] = ()) -> str:
        path = tmp_path / "votes.csv"
        with path.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["item_a", "item_b", "outcome", *(["group"] if groups else [])])
            for number, vote in enumerate(votes):
                rows.writerow([*vote, groups[number]] if groups else vote)
        return str(path)

    return write_votes


def rated(path: str, parts: dict[str, list[Take]]) -> tuple[dict[str, float | None], str]:
    found = rate_compared_takes([path], parts, source="takes.csv", seed=0)
    assert {name: [t.take_id for t in takes] for name, takes in found.parts.items()} == {
        name: [t.take_id for t in takes] for name, takes in parts.items()
    }
    return {t.take_id: t.rating for takes in found.parts.values() for t in takes}, found.use


def test_votes_between_splits_change_no_rating(write: Callable[..., str]) -> None:
    parts = {"train": [take("a"), take("b"), take("c")], "val": [take("x"), take("y")]}
    within = [*chain("abc"), *chain("xy")]
    alone, use = rated(write(within), parts)
    assert "left out" not in use
    between = [("a", "x", "a"), ("c", "y", "b"), ("c", "stranger", "b")] * 5
    both, use = rated(write([*within, *between]), parts)
    assert both == alone
    assert alone["a"] < alone["b"] < alone["c"]
    assert alone["x"] < alone["y"]
    assert "3 takes of train by 9, 2 takes of val by 3" in use
    assert "left out: 10 between splits, 5 on 1 items that are no take here" in use


def test_takes_that_no_vote_links_to_the_others_stay_unrated(write: Callable[..., str]) -> None:
    parts = {"train": [take(name) for name in "abcdef"]}
    ratings, use = rated(write([*chain("abc"), *chain("de")]), parts)
    assert {name for name, rating in ratings.items() if rating is None} == set("def")
    assert "left out: 3 on takes that no vote links" in use


def test_votes_come_in_the_unit_of_ratings_that_are_there(write: Callable[..., str]) -> None:
    own = {"a": 1000.0, "c": 1200.0, "e": 1400.0}
    parts = {"train": [take(name, own.get(name)) for name in "abcde"], "val": [take("x", 3.0)]}
    ratings, use = rated(write(chain("abcde")), parts)
    assert ratings.items() >= own.items()
    assert 1000 < ratings["b"] < 1200 < ratings["d"] < 1400
    assert ratings["x"] == 3
    assert "2 takes of train" in use


@pytest.mark.parametrize("own", [{"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 2.0, "c": 1.0}])
def test_ratings_that_are_too_few_or_say_the_opposite_are_refused(
    own: dict[str, float], write: Callable[..., str]
) -> None:
    parts = {"train": [take(name, own.get(name)) for name in "abcd"]}
    with pytest.raises(ManifestError, match=r"split 'train' .*3 or more takes with both"):
        rated(write(chain("abcd")), parts)


def test_votes_on_other_items_are_an_error_with_examples(write: Callable[..., str]) -> None:
    with pytest.raises(ManifestError, match=r"votes\.csv: no vote is about .* such as a.*name x"):
        rated(write(chain("xy")), {"train": [take("a"), take("b")]})
    with pytest.raises(ComparisonError, match="no such file"):
        rated("nowhere.csv", {"train": [take("a")]})


def test_several_scales_are_refused_unless_one_of_them_is_chosen(
    write: Callable[..., str],
) -> None:
    votes = [*chain("ab"), *chain("cd")]
    path = write(votes, groups=["throw"] * 3 + ["juggle"] * 3)
    with pytest.raises(ManifestError, match=r"2 groups \(juggle, throw\).*data\.select\.scenarios"):
        rated(path, {"train": [take(name) for name in "abcd"]})
    ratings, _ = rated(path, {"train": [take("a"), take("b")]})
    assert None not in ratings.values()


def test_a_model_learns_from_votes_alone_and_its_report_says_so(
    run_stage: Callable[..., None],
    make_module: Callable[..., SkillModule],
    make_data: Callable[..., TakeDataModule],
    tiny_takes: list[Take],
    write: Callable[..., str],
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(0)
    skills: dict[str, dict[str, float]] = {"train": {}, "val": {}, "test": {}}
    for item in tiny_takes:
        assert item.rating is not None
        skills[str(item.split)][item.take_id] = 1.5 * item.rating
    votes = [vote for split in skills.values() for vote in simulated(split, rng=rng, times=4)]
    first, other = next(iter(skills["train"])), next(iter(skills["val"]))
    path = write([*votes, (first, other, "a")])
    takes = [replace(item, level=None, rating=None) for item in tiny_takes]

    def data() -> TakeDataModule:
        return make_data(takes=takes, comparisons=path)

    trained = data()
    options: dict[str, Any] = {"max_epochs": 30, "patience": None, "progress": False}
    directory = fit_model(
        make_module(head={"kind": "regression"}),
        trained,
        run_dir=tmp_path,
        monitor="val/spearman",
        **options,
    )
    assert load_checkpoint(directory).config.metrics["val/spearman"] > 0.7
    truth = [skills["train"][item.take_id] for item in trained.train_takes]
    assert spearmanr(trained.train_ratings, truth).statistic > 0.9
    judge = make_module(head={"kind": "regression"}, data_description="simulated squares")
    judge.load(directory)
    run_stage("test", judge, data(), tmp_path)
    summary = json.loads((tmp_path / "test" / "metrics.json").read_text())
    assert summary["ranks_against"] == "rating"
    assert summary["data"].startswith(f"simulated squares; votes of {path} rate ")
    assert "left out: 1 between splits" in summary["data"]


def test_people_held_out_of_training_are_rated_by_their_own_votes(
    make_module: Callable[..., SkillModule],
    make_data: Callable[..., TakeDataModule],
    tiny_takes: list[Take],
    write: Callable[..., str],
    tmp_path: Path,
) -> None:
    takes = [replace(item, level=None, rating=None) for item in tiny_takes]
    names = [item.take_id for item in takes if item.split == "train"]
    data = make_data(takes=takes, comparisons=write(chain(names)), splits={"test": "val"})
    module = make_module(head={"kind": "regression"})
    fit_model(module, data, run_dir=tmp_path, max_epochs=1, patience=None, progress=False)
    parts = {"train": data.takes_of("train"), "held out of train": data.takes_of("validate")}
    for name, part in parts.items():
        ratings = [item.rating for item in part]
        assert np.mean(ratings) == pytest.approx(0, abs=1e-6)  # a scale of its own
        num_votes = 3 * len(part) * (len(part) - 1) // 2
        assert f"{len(part)} takes of {name} by {num_votes}" in data.described("squares")


def test_a_model_that_learns_no_ratings_refuses_votes(
    make_module: Callable[..., SkillModule],
    make_data: Callable[..., TakeDataModule],
    write: Callable[..., str],
    tmp_path: Path,
) -> None:
    data = make_data(comparisons=[write(chain("ab"))])
    with pytest.raises(ConfigError, match=r"data\.comparisons .* model\.loss\.ranking_weight"):
        fit_model(make_module(), data, run_dir=tmp_path, max_epochs=1, progress=False)
