"""Splits: nobody in two of them, levels spread evenly, and the same people whatever the order."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from proskill.data.splits import split_takes, without_crossing_people
from proskill.data.take import Split, Take, View
from proskill.errors import ManifestError
from proskill.levels import EGOEXO4D_LEVELS


def make_take(person: int, *, repeat: int = 0, split: Split | None = None) -> Take:
    return Take(
        take_id=f"t{person}_{repeat}",
        participant_id=f"p{person}",
        scenario="throw",
        views={"ego": View(Path("a.mp4"), "ego")},
        split=split,
        level=EGOEXO4D_LEVELS.names[person % 4],
    )


def people_in(takes: list[Take]) -> set[str]:
    return {take.participant_id for take in takes}


def test_missing_splits_are_drawn_from_whole_participants_evenly_over_levels() -> None:
    takes = [make_take(person, repeat=repeat) for person in range(80) for repeat in range(2)]
    splits = split_takes(takes, scale=EGOEXO4D_LEVELS, val_fraction=0.25, test_fraction=0.25)
    assert {name: len(people_in(part)) for name, part in splits.items()} == {
        "train": 45,
        "val": 15,
        "test": 20,
    }
    assert sum(len(part) for part in splits.values()) == len(takes)
    assert not people_in(splits["train"]) & people_in(splits["test"])
    for level in EGOEXO4D_LEVELS.names:
        assert sum(take.level == level for take in splits["test"]) == 10
    assert all(take.split == name for name, part in splits.items() for take in part)


def test_order_of_takes_does_not_change_who_is_where_but_the_seed_does() -> None:
    takes = [make_take(person) for person in range(40)]
    first = split_takes(takes, scale=EGOEXO4D_LEVELS)
    turned = split_takes(takes[::-1], scale=EGOEXO4D_LEVELS)
    other = split_takes(takes, scale=EGOEXO4D_LEVELS, seed=1)
    assert people_in(first["test"]) == people_in(turned["test"])
    assert people_in(first["test"]) != people_in(other["test"])


def test_given_splits_are_kept_and_only_validation_is_carved_out_of_training() -> None:
    takes = [make_take(p, split="train" if p < 30 else "test") for p in range(40)]
    splits = split_takes(takes, scale=EGOEXO4D_LEVELS)
    assert people_in(splits["test"]) == {f"p{p}" for p in range(30, 40)}
    assert splits["val"]
    assert people_in(splits["val"]) <= {f"p{p}" for p in range(30)}


def test_takes_marked_for_training_never_become_a_test_set() -> None:
    takes = [make_take(p, split="train") for p in range(10)]
    assert split_takes(takes, scale=EGOEXO4D_LEVELS)["test"] == []


def test_a_participant_in_two_splits_is_refused() -> None:
    takes = [make_take(0, split="train"), make_take(0, repeat=1, split="test")]
    with pytest.raises(ManifestError, match="p0"):
        split_takes(takes, scale=EGOEXO4D_LEVELS)


def test_splits_on_some_takes_only_are_refused() -> None:
    with pytest.raises(ManifestError, match="every take a split, or none"):
        split_takes([make_take(0, split="train"), make_take(1)], scale=EGOEXO4D_LEVELS)


def test_one_participant_cannot_be_split() -> None:
    with pytest.raises(ManifestError, match="add people"):
        split_takes([replace(make_take(0), level=None)], scale=EGOEXO4D_LEVELS)


@pytest.mark.parametrize("fraction", [0.0, 1.0])
def test_fractions_outside_zero_to_one_are_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="val_fraction"):
        split_takes([make_take(0)], scale=EGOEXO4D_LEVELS, val_fraction=fraction)


def test_of_a_published_split_the_training_side_gives_way(
    caplog: pytest.LogCaptureFixture,
) -> None:
    takes = [
        make_take(0, split="train"),
        make_take(0, repeat=1, split="val"),
        make_take(1, split="train"),
        make_take(1, repeat=1, split="test"),
        make_take(2, split="val"),
        make_take(2, repeat=1, split="test"),
        make_take(3, split="train"),
        make_take(4),
    ]
    with caplog.at_level(logging.WARNING):
        kept = without_crossing_people(takes, source=Path("data"))
    assert [take.take_id for take in kept] == ["t0_1", "t1_1", "t2_1", "t3_0", "t4_0"]
    assert "data: left out: 3 takes for training or validation" in caplog.text
    caplog.clear()
    assert without_crossing_people(kept, source=Path("data")) == kept
    assert not caplog.text
