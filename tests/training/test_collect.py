"""Bringing together what batches and processes have computed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from proskill.data.take import Take
from proskill.training.collect import EncodedTakes, align_views, gather_takes
from proskill.training.lightning_cli import main
from proskill.training.module import SkillModule


def encoded(positions: list[int], num_views: int) -> EncodedTakes:
    """Features that tell take and view apart; take k has 1 + k % num_views views."""
    place = np.array(positions, dtype=np.int64)
    mask = np.arange(num_views) <= (place[:, None] % 3)
    features = (10.0 * place[:, None] + np.arange(num_views))[..., None] * mask[..., None]
    kind = np.arange(num_views) * mask
    return EncodedTakes(features.astype(np.float32), mask, kind, place)


@given(num_takes=st.integers(1, 12), num_processes=st.integers(1, 4), size=st.integers(1, 5))
def test_any_way_to_share_takes_out_gives_the_same_table(
    num_takes: int, num_processes: int, size: int
) -> None:
    parts = []
    for process in range(num_processes):
        mine = list(range(process, num_takes, num_processes))
        for start in range(0, len(mine), size):
            batch = mine[start : start + size]
            parts.append(encoded(batch, 1 + max(k % 3 for k in batch)))
    together = gather_takes(parts)
    for found, expected in zip(together, encoded(list(range(num_takes)), 3), strict=True):
        width = together.view_mask.shape[1]
        np.testing.assert_array_equal(found, expected if expected.ndim < 2 else expected[:, :width])


def test_a_take_that_two_processes_have_counts_once() -> None:
    together = gather_takes([encoded([0, 2], 3), encoded([1, 2], 3)])
    assert together.position.tolist() == [0, 1, 2]


def test_columns_are_views_by_name_whatever_the_order_in_a_take(tiny_takes: list[Take]) -> None:
    both = next(take for take in tiny_takes if len(take.views) == 2)
    alone = next(take for take in tiny_takes if len(take.views) == 1)
    part = EncodedTakes(
        features=np.array([[[1.0], [0.0]], [[2.0], [3.0]]], dtype=np.float32),
        view_mask=np.array([[True, False], [True, True]]),
        view_kind=np.array([[0, 0], [0, 1]]),
        position=np.arange(2),
    )
    names, aligned = align_views(part, [alone, both])
    assert names == ("ego", "exo1")
    assert aligned.view_mask.tolist() == [[True, False], [True, True]]
    assert aligned.features[..., 0].tolist() == [[1, 0], [2, 3]]


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
