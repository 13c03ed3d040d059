"""Predictions about made-up takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from proskill.data.take import Take, View
from proskill.levels import EGOEXO4D_LEVELS
from proskill.training.predictions import Predictions

MakeRun = Callable[..., Predictions]


def _levels(centre: np.ndarray) -> np.ndarray:
    logits = -((np.arange(4) - centre[..., None]) ** 2)
    return np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)


@pytest.fixture
def make_run() -> MakeRun:
    """A run on the same 80 takes of 40 participants; `noise` is that of its answers."""

    def make(*, noise: float = 0.5, seed: int = 0, num_exo: int = 1) -> Predictions:
        names = ("ego", *(f"exo{k + 1}" for k in range(num_exo)))
        views = {n: View(Path(f"{n}.mp4"), "ego" if n == "ego" else "exo") for n in names}
        truth = np.array([i // 2 % 4 for i in range(80)])
        takes = tuple(
            Take(
                f"t{i}",
                f"p{i // 2}",
                ("throw", "juggle")[i // 8 % 2],
                views,
                split="test",
                level=EGOEXO4D_LEVELS.names[truth[i]],
            )
            for i in range(80)
        )
        rng = np.random.default_rng(seed)
        whole = _levels(truth + rng.normal(scale=noise, size=80))
        alone = _levels(truth[:, None] + rng.normal(scale=3 * noise, size=(80, len(names))))
        kinds = np.stack([alone[:, 0], alone[:, 1:].mean(axis=1)], axis=1)
        grid = np.arange(4)
        arrays = {
            "logits": np.log(whole),
            "probabilities": whole,
            "score": whole @ grid,
            "view_probabilities": alone,
            "view_score": alone @ grid,
            "kind_probabilities": kinds,
            "kind_score": kinds @ grid,
        }
        return Predictions(
            takes=takes,
            scale=EGOEXO4D_LEVELS,
            view_names=names,
            view_mask=np.ones((80, len(names)), dtype=bool),
            **{name: values.astype(np.float32) for name, values in arrays.items()},
        )

    return make
