"""A small data set of real mp4 files whose levels are in the motion, and a tiny model for it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from lightning.pytorch import Trainer

from proskill.data.manifest import write_manifest
from proskill.data.splits import split_takes
from proskill.data.take import Take, View
from proskill.levels import EGOEXO4D_LEVELS
from proskill.training.data_module import TakeDataModule
from proskill.training.module import SkillModule
from proskill.training.predictions import Predictions
from proskill.training.run import quiet_lightning

FRAME_RATE = 10
NUM_FRAMES = 12
SIDE = 48


def _write_clip(path: Path, *, speed: int, seed: int) -> None:
    """A bright square that moves `speed` pixels per frame over a dark picture."""
    rng = np.random.default_rng(seed)
    top, left = rng.integers(SIDE - 12, size=2)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=FRAME_RATE)
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for index in range(NUM_FRAMES):
            picture = np.full((SIDE, SIDE, 3), 30, dtype=np.uint8)
            x = (left + speed * index) % (SIDE - 12)
            picture[top : top + 12, x : x + 12] = 220
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


@pytest.fixture(scope="session")
def tiny_takes(tmp_path_factory: pytest.TempPathFactory) -> list[Take]:
    """32 takes of 16 participants, split; every fourth participant has no exo view."""
    folder = tmp_path_factory.mktemp("takes")
    takes = []
    for person in range(16):
        level = person % 4
        for repeat in range(2):
            views = {}
            for name in ("ego",) if person % 4 == 3 else ("ego", "exo1"):
                path = folder / f"p{person:02}_{repeat}_{name}.mp4"
                _write_clip(path, speed=1 + 2 * level, seed=person * 10 + repeat)
                views[name] = View(path, "ego" if name == "ego" else "exo")
            takes.append(
                Take(
                    take_id=f"p{person:02}_{repeat}",
                    participant_id=f"p{person:02}",
                    scenario=("throw", "juggle")[repeat],
                    views=views,
                    level=EGOEXO4D_LEVELS.names[level],
                    rating=level + person / 100,
                )
            )
    splits = split_takes(takes, scale=EGOEXO4D_LEVELS, val_fraction=1 / 3, test_fraction=0.25)
    return [take for part in splits.values() for take in part]


@pytest.fixture(scope="session")
def tiny_manifest(tiny_takes: list[Take]) -> Path:
    path = tiny_takes[0].views["ego"].path.parent / "manifest.csv"
    write_manifest(path, tiny_takes)
    return path


@pytest.fixture(scope="session")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One feature cache for all tests: they share videos and backbone."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def tiny_arguments() -> dict[str, Any]:
    """Arguments of a SkillModule that trains in no time."""
    return {
        "backbone_config": {
            "img_size": 32,
            "patch_size": 8,
            "num_frames": 4,
            "embed_dim": 32,
            "depth": 2,
            "num_heads": 2,
            "input_mode": "motion",
        },
        "num_frames": 4,
        "frame_interval_seconds": 0.1,
        "img_size": (32, 32),
        "hidden_dim": 32,
        "num_heads": 2,
        "residual": True,
        "encode_precision": "fp32",
        "lr": 5e-3,
    }


@pytest.fixture
def make_module(tiny_arguments: dict[str, Any]) -> Callable[..., SkillModule]:
    def make(**changes: Any) -> SkillModule:
        return SkillModule(**{**tiny_arguments, **changes})

    return make


@pytest.fixture
def make_data(tiny_takes: list[Take], cache_dir: Path) -> Callable[..., TakeDataModule]:
    def make(**changes: Any) -> TakeDataModule:
        settings = {"batch_size": 8, "num_workers": 0, "cache_dir": str(cache_dir), **changes}
        if "source" not in settings:
            settings.setdefault("takes", tiny_takes)
        return TakeDataModule(**settings)

    return make


@pytest.fixture
def run_stage() -> Callable[..., None]:
    """Validate, test or predict with a module, as the command line does."""

    def run(stage: str, module: SkillModule, data: TakeDataModule, run_dir: Path) -> None:
        with quiet_lightning():
            trainer = Trainer(
                default_root_dir=run_dir,
                logger=False,
                enable_progress_bar=False,
                enable_model_summary=False,
                enable_checkpointing=False,
            )
            getattr(trainer, stage)(module, datamodule=data)

    return run


@pytest.fixture
def judged_takes() -> list[Take]:
    """40 takes of 20 participants in two scenarios; the files do not exist."""
    views = {"ego": View(Path("a.mp4"), "ego"), "exo1": View(Path("b.mp4"), "exo")}
    return [
        Take(
            f"t{i}",
            f"p{i // 2}",
            ("throw", "juggle")[i // 2 % 2],
            views,
            split="test",
            level=EGOEXO4D_LEVELS.names[i // 2 % 4],
        )
        for i in range(40)
    ]


@pytest.fixture
def predictions(judged_takes: list[Take]) -> Predictions:
    """All views are right up to noise; each single view is noisier."""
    rng = np.random.default_rng(0)
    truth = np.array([i // 2 % 4 for i in range(40)])

    def softmax(noise: float) -> np.ndarray:
        centre = truth + rng.normal(scale=noise, size=40)
        logits = -((np.arange(4)[None] - centre[:, None]) ** 2)
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    probabilities = softmax(0.3)
    alone = np.stack([softmax(1.5), softmax(1.5)], axis=1)
    grid = np.arange(4)
    return Predictions(
        takes=tuple(judged_takes),
        scale=EGOEXO4D_LEVELS,
        view_names=("ego", "exo1"),
        view_mask=np.ones((40, 2), dtype=bool),
        logits=np.log(probabilities).astype(np.float32),
        probabilities=probabilities.astype(np.float32),
        score=(probabilities @ grid).astype(np.float32),
        view_probabilities=alone.astype(np.float32),
        view_score=(alone @ grid).astype(np.float32),
        kind_probabilities=alone.astype(np.float32),
        kind_score=(alone @ grid).astype(np.float32),
    )


@pytest.fixture(autouse=True)
def _lightning_warnings() -> Any:
    """Warnings of Lightning against this torch, which proskill's own entry points hide as well."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*LeafSpec.* is deprecated.*")
        yield
