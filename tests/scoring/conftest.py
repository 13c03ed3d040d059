"""Small real videos, and small real checkpoints with random weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from proskill.levels import EGOEXO4D_LEVELS
from proskill.models import (
    CheckpointConfig,
    InputSpec,
    ModelConfig,
    build_model,
    save_checkpoint,
)
from proskill.scoring import ViewFeatures, fit_calibration

EMBED_DIM = 24
SPEC = InputSpec(num_frames=4, frame_interval_seconds=0.1, img_size=(64, 64))
MODEL = ModelConfig(
    backbone={
        "img_size": [64, 64],
        "num_frames": 4,
        "embed_dim": EMBED_DIM,
        "depth": 1,
        "num_heads": 2,
        "patch_size": 16,
    },
    fusion={"hidden_dim": 16, "num_heads": 2, "use_view_kind": True},
    head={"kind": "ordinal", "num_levels": 4},
)

MakeVideo = Callable[..., Path]
MakeCheckpoint = Callable[..., Path]


@pytest.fixture
def make_video(tmp_path: Path) -> MakeVideo:
    """Write an mp4: a bright square that circles over a gradient, or what `picture` says."""

    def make(
        name: str = "a.mp4",
        *,
        seconds: float = 1.6,
        frames_per_second: int = 20,
        size: tuple[int, int] = (96, 80),
        picture: str = "moving",
        seed: int = 0,
    ) -> Path:
        path = tmp_path / name
        width, height = size
        rows, columns = np.mgrid[:height, :width]
        rng = np.random.default_rng(seed)
        phase = rng.uniform(0, 2 * np.pi)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=frames_per_second)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.options = {"preset": "ultrafast"}
            for index in range(max(1, round(seconds * frames_per_second))):
                image = np.zeros((height, width, 3), np.uint8)
                if picture != "black":
                    image[...] = (60 + 100 * columns / width)[..., None]
                if picture == "moving":
                    angle = phase + 5 * index / frames_per_second
                    y = height * (0.5 + 0.3 * np.sin(angle))
                    x = width * (0.5 + 0.3 * np.cos(angle))
                    inside = (abs(rows - y) < height / 8) & (abs(columns - x) < width / 8)
                    image[inside] = (240, 230, 90)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode())
        return path

    return make


@pytest.fixture
def make_checkpoint(tmp_path: Path) -> MakeCheckpoint:
    """Write a checkpoint directory; `familiar` features are what it claims to have learned from."""

    def make(
        name: str = "tiny",
        *,
        calibration: dict[str, Any] | str | None = "wide",
        data: str = "simulated motion",
    ) -> Path:
        torch.manual_seed(1)
        model = build_model(MODEL)
        # Random fusion and head say nearly the same of everything; louder weights do not.
        with torch.no_grad():
            model.head.fc.weight.mul_(8)
        content = _calibration(calibration) if isinstance(calibration, str) else calibration
        config = CheckpointConfig(
            model=MODEL,
            input=SPEC,
            levels=EGOEXO4D_LEVELS.names,
            licence="Apache-2.0",
            source="random weights of a test",
            data=data,
        )
        save_checkpoint(tmp_path / name, model, config, calibration=content)
        return tmp_path / name

    return make


def _calibration(familiar: str) -> dict[str, Any]:
    """ "wide" has seen features of every direction, "elsewhere" only ones far from any clip's."""
    rng = np.random.default_rng(0)
    centre, spread = {"wide": (0.0, 3.0), "elsewhere": (1000.0, 1.0)}[familiar]
    kinds = np.tile([0, 1], (60, 1))

    def features() -> ViewFeatures:
        return ViewFeatures(rng.normal(centre, spread, (60, 2, EMBED_DIM)), kinds)

    levels = np.arange(60) % 4
    logits = 3 * np.eye(4)[levels] + rng.normal(0, 1, (60, 4))
    participants = [f"p{i // 2}" for i in range(60)]
    return fit_calibration(
        logits=logits,
        levels=levels,
        participants=participants,
        train=features(),
        validation=features(),
    ).to_dict()
