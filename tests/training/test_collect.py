"""Bringing together what batches and processes have computed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from proskill.data.take import Take, View
from proskill.data.take_dataset import TakeBatch
from proskill.training.collect import gather_features, readable_features
from proskill.training.lightning_cli import main
from proskill.training.module import SkillModule


def take(number: int) -> Take:
    """A take with 1 + number % 3 views."""
    views = {f"exo{at}": View(Path("a.mp4"), "exo") for at in range(1 + number % 3)}
    return Take(str(number), str(number), "throw", views)


def batch_of(positions: list[int]) -> tuple[Tensor, TakeBatch]:
    """Features that tell take and view apart, zero where padded, and their batch."""
    place = torch.tensor(positions)
    num_views = 1 + max(number % 3 for number in positions)
    mask = torch.arange(num_views) <= (place[:, None] % 3)
    features = (10.0 * place[:, None] + torch.arange(num_views)) * mask
    batch = TakeBatch(
        inputs=torch.zeros(0),
        view_mask=mask,
        view_kind=mask.long(),
        window_mask=torch.zeros(0),
        levels=torch.zeros(0),
        rating=torch.zeros(0),
        position=place,
        broken=("",) * len(positions),
    )
    return features[..., None], batch


@given(num_takes=st.integers(1, 12), num_processes=st.integers(1, 4), size=st.integers(1, 5))
def test_any_way_to_share_takes_out_gives_the_same_table(
    num_takes: int, num_processes: int, size: int
) -> None:
    found: dict[int, np.ndarray] = {}
    for process in range(num_processes):
        mine = list(range(process, num_takes, num_processes))
        for start in range(0, len(mine), size):
            found |= readable_features(*batch_of(mine[start : start + size]))
    dataset = [take(number) for number in range(num_takes)]
    together = gather_features(found, dataset)
    features, batch = batch_of(list(range(num_takes)))
    assert together.takes == dataset
    np.testing.assert_array_equal(together.features, features)
    np.testing.assert_array_equal(together.view_mask, batch.view_mask)
    np.testing.assert_array_equal(together.view_kind, batch.view_kind)


def test_a_take_that_two_processes_have_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def share(shares: list[Any], mine: Any) -> None:
        shares[:] = [mine, readable_features(*batch_of([1, 2]))]

    monkeypatch.setattr(torch.distributed, "all_gather_object", share)
    dataset = [take(number) for number in range(3)]
    together = gather_features(readable_features(*batch_of([0, 2])), dataset, world_size=2)
    assert together.takes == dataset


def test_columns_are_views_by_name_whatever_the_order_in_a_take(tiny_takes: list[Take]) -> None:
    both = next(take for take in tiny_takes if len(take.views) == 2)
    alone = next(take for take in tiny_takes if len(take.views) == 1)
    found = {0: np.array([[1.0]]), 1: np.array([[2.0], [3.0]]), 2: np.array([[5.0], [4.0]])}
    turned = replace(both, views=dict(reversed(both.views.items())))
    table = gather_features(found, [alone, both, turned])
    assert table.view_names == ("ego", "exo1")
    assert table.view_mask.tolist() == [[True, False], [True, True], [True, True]]
    assert table.features[..., 0].tolist() == [[1, 0], [2, 3], [4, 5]]


@pytest.mark.slow  # two processes of their own
def test_two_processes_write_the_files_that_one_writes(
    tiny_manifest: Path,
    cache_dir: Path,
    tiny_arguments: dict[str, Any],
    make_module: Callable[..., SkillModule],
    tmp_path: Path,
) -> None:
    make_module().save(tmp_path / "checkpoint")
    commands = {}
    for name, devices in (("one", 1), ("two", 2)):
        content = {
            "trainer": {
                "default_root_dir": str(tmp_path / name),
                "accelerator": "cpu",
                "strategy": "auto" if devices == 1 else "ddp",
                "devices": devices,
                "enable_progress_bar": False,
                "enable_model_summary": False,
            },
            "checkpoint": str(tmp_path / "checkpoint"),
            "model": tiny_arguments,
            "data": {
                "source": str(tiny_manifest),
                "loader": {
                    "num_workers": 0,
                    "batch_size": 3,  # the shares end in batches of other sizes
                    "cache_dir": str(cache_dir),
                },
            },
        }
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(content))
        commands[name] = ["test", "--config", str(path)]
    main("test", commands["one"][1:])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = subprocess.run(
        [sys.executable, "-m", "proskill.training.lightning_cli", *commands["two"]],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "MEMBER: 2/2" in done.stderr
    assert "sync_dist" not in done.stderr
    for file in ("predictions.csv", "metrics.json"):
        one, two = ((tmp_path / name / "test" / file).read_bytes() for name in ("one", "two"))
        assert one == two, file
