"""Samples and batches: padding, windows, and choices that depend on seed and epoch only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from proskill.data.take import Take, View
from proskill.data.take_dataset import (
    EpochSampler,
    StoredLoader,
    TakeDataset,
    collate_takes,
    mean_over_windows,
)
from proskill.data.targets import Targets
from proskill.levels import EGOEXO4D_LEVELS

TARGETS = Targets(EGOEXO4D_LEVELS, uses_ratings=True)


def make_take(take_id: str, *, views: tuple[str, ...], level: str | None = "Novice") -> Take:
    return Take(
        take_id=take_id,
        participant_id=take_id,
        scenario="throw",
        views={name: View(Path("a.mp4"), "ego" if name == "ego" else "exo") for name in views},
        level=level,
        rating=None if level is None else 1.5,
    )


@pytest.fixture
def dataset() -> TakeDataset:
    takes = [
        make_take("a", views=("ego", "exo1", "exo2")),
        make_take("b", views=("exo1",), level="Late Expert"),
        make_take("c", views=("ego",), level=None),
    ]
    arrays = {
        "a": np.arange(3 * 4 * 2, dtype=np.float32).reshape(3, 4, 2),
        "b": np.ones((1, 2, 2), dtype=np.float16),
        "c": np.ones((1, 1, 2), dtype=np.float32),
    }
    loader = StoredLoader(arrays, train_windows=2)
    return TakeDataset(takes, load=loader, targets=TARGETS, seed=3)


def test_ragged_takes_are_padded_and_masked(dataset: TakeDataset) -> None:
    batch = collate_takes([dataset[0], dataset[1], dataset[2]])
    assert batch.inputs.shape == (3, 3, 4, 2)
    assert batch.view_mask.tolist() == [[True] * 3, [True, False, False], [True, False, False]]
    assert batch.view_kind.tolist() == [[0, 1, 1], [1, 0, 0], [0, 0, 0]]
    assert batch.window_mask.sum(dim=1).tolist() == [4, 2, 1]
    assert batch.levels.tolist() == [[0], [3], [-1]]
    assert torch.isnan(batch.rating).tolist() == [False, False, True]
    assert batch.inputs[1, 1:].abs().sum() == 0


def test_the_mean_over_windows_leaves_padding_out(dataset: TakeDataset) -> None:
    batch = collate_takes([dataset[0], dataset[1]])
    features = mean_over_windows(batch.inputs, batch.window_mask)
    assert torch.equal(features[1, 0], torch.ones(2))
    assert torch.allclose(features[0], dataset[0].inputs.mean(dim=1))


def test_evaluation_uses_all_windows_and_training_a_subset_that_depends_on_the_epoch(
    dataset: TakeDataset,
) -> None:
    assert torch.equal(dataset[0].inputs, dataset[0].inputs)
    assert dataset[0].inputs.shape == (3, 4, 2)
    draws = [dataset[(epoch, 0)].inputs for epoch in range(8)]
    assert all(draw.shape == (3, 2, 2) for draw in draws)
    assert torch.equal(draws[3], dataset[(3, 0)].inputs)
    assert len({draw.numpy().tobytes() for draw in draws}) > 1


def test_all_views_of_a_take_get_the_same_windows(dataset: TakeDataset) -> None:
    inputs = dataset[(0, 0)].inputs
    assert torch.equal(inputs[1] - inputs[0], torch.full((2, 2), 8.0))


def test_the_order_of_an_epoch_is_a_function_of_seed_and_epoch() -> None:
    sampler = EpochSampler(20, seed=1)
    sampler.set_epoch(4)
    first = list(sampler)
    again = EpochSampler(20, seed=1)
    again.set_epoch(4)
    assert first == list(again)
    assert sorted(index for _, index in first) == list(range(20))
    again.set_epoch(5)
    assert first != list(again)
    assert {epoch for epoch, _ in again} == {5}


def test_processes_share_an_epoch_in_equal_parts() -> None:
    parts = [list(EpochSampler(7, seed=0, rank=rank, num_replicas=2)) for rank in range(2)]
    assert [len(part) for part in parts] == [4, 4]
    assert {index for part in parts for _, index in part} == set(range(7))
