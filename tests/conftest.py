"""What every test gets: its own random numbers, and marks that mean something."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest

# One thread each: two workers with two torch threads each are slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import torch

# Before anything imports torchvision, timm, peft, transformers or lightning.
from proskill.models.torchvision_ops import ensure_torchvision_ops

ensure_torchvision_ops()
torch.set_num_threads(1)

# CI judges a change, so it repeats the same examples; elsewhere every run looks for new ones.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow as well")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    skip_slow = pytest.mark.skip(reason="slow; run with --slow")
    for item in items:
        if "slow" in item.keywords and not config.getoption("--slow"):
            item.add_marker(skip_slow)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if "needs_cuda" in item.keywords and not torch.cuda.is_available():
        if os.environ.get("PROSKILL_REQUIRE_CUDA") == "1":
            pytest.fail("PROSKILL_REQUIRE_CUDA=1, but torch sees no CUDA device")
        pytest.skip("needs a CUDA device")


@pytest.fixture
def write_clip() -> Callable[..., Path]:
    """Write a small mp4 of noise, 10 pictures a second, its index before its pictures."""
    from proskill.simulation.render import write_video

    def write(path: Path, *, seconds: float = 2.0, seed: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (round(10 * seconds), 48, 64, 3)
        frames = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
        write_video(path, frames, frame_rate=10, quality=30)
        return path

    return write


@pytest.fixture(autouse=True)
def _own_random_numbers() -> Iterator[None]:
    """Every test starts from the same seeds and leaves the global generators as they were."""
    python_state, numpy_state, torch_state = (
        random.getstate(),
        np.random.get_state(),
        torch.get_rng_state(),
    )
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    yield
    random.setstate(python_state)
    np.random.set_state(numpy_state)
    torch.set_rng_state(torch_state)
