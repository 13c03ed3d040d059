"""A run that is killed, resumed, or meets a full disk."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from proskill.errors import CheckpointError, ProskillError
from proskill.models import load_checkpoint
from proskill.training.data_module import TakeDataModule
from proskill.training.lightning_cli import main
from proskill.training.module import SkillModule
from proskill.training.resume import WholeFileCheckpointIO
from proskill.training.run import fit_model


def write_config(
    path: Path, *, run_dir: Path, manifest: Path, cache_dir: Path, model: dict[str, Any]
) -> Path:
    content = {
        "seed_everything": 3,
        "patience": None,
        "trainer": {
            "default_root_dir": str(run_dir),
            "max_epochs": 25,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "log_every_n_steps": 1,
        },
        "model": {**model, "fusion": {**model["fusion"], "view_dropout": 0.2, "dropout": 0.2}},
        "data": {
            "source": str(manifest),
            "loader": {
                "batch_size": 8,
                "num_workers": 0,
                "train_windows": 2,
                "cache_dir": str(cache_dir),
            },
        },
    }
    path.write_text(yaml.safe_dump(content))
    return path


def start_and_kill(config: Path, last: Path, log: Path) -> None:
    """Run `fit` as a process of its own and kill it once it has saved its state."""
    command = [sys.executable, "-m", "proskill.training.lightning_cli", "fit", "--config"]
    with log.open("wb") as output:
        process = subprocess.Popen([*command, str(config)], stdout=output, stderr=output)
        try:
            while not last.is_file():
                assert process.poll() is None, log.read_text()
                time.sleep(0.001)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == -signal.SIGKILL, log.read_text()


@pytest.mark.slow
def test_a_killed_and_resumed_run_equals_an_unbroken_one(
    tiny_manifest: Path, cache_dir: Path, tiny_arguments: dict[str, Any], tmp_path: Path
) -> None:
    configs, runs = {}, {}
    for name in ("unbroken", "killed"):
        runs[name] = tmp_path / name
        configs[name] = write_config(
            tmp_path / f"{name}.yaml",
            run_dir=runs[name],
            manifest=tiny_manifest,
            cache_dir=cache_dir,
            model=tiny_arguments,
        )
    main("fit", ["--config", str(configs["unbroken"])])
    start_and_kill(configs["killed"], runs["killed"] / "resume" / "last.ckpt", tmp_path / "log.txt")
    main("fit", ["--config", str(configs["killed"]), "--ckpt_path", "last"])

    newest = max((runs["killed"] / "logs").glob("version_*/metrics.csv"))
    epochs = [line.split(",")[0] for line in newest.read_text().splitlines()[1:]]
    assert epochs[0] != "0", "the second run began anew instead of going on"

    for name in runs:
        main("test", ["--config", str(configs[name])])
    for file in ("test/metrics.json", "test/predictions.csv", "checkpoint/model.safetensors"):
        assert (runs["killed"] / file).read_bytes() == (runs["unbroken"] / file).read_bytes(), file


@contextmanager
def full_disk(max_bytes: int) -> Iterator[None]:
    """No file can grow beyond this size, as on a disk that is nearly full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def files_under(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_full_disk_leaves_the_checkpoint_before_it_intact(
    make_module: Callable[..., SkillModule], tmp_path: Path
) -> None:
    module = make_module()
    module.save(tmp_path / "checkpoint", results={"val/spearman": 0.5})
    before = files_under(tmp_path)
    with full_disk(20_000), pytest.raises(CheckpointError, match="checkpoint"):
        make_module(seed=1).save(tmp_path / "checkpoint", results={"val/spearman": 0.6})
    assert files_under(tmp_path) == before
    assert load_checkpoint(tmp_path / "checkpoint").config.metrics["val/spearman"] == 0.5


def test_a_full_disk_leaves_the_resume_file_before_it_intact(tmp_path: Path) -> None:
    path = tmp_path / "resume" / "last.ckpt"
    WholeFileCheckpointIO().save_checkpoint({"epoch": 1}, path)
    before = files_under(tmp_path)
    with full_disk(1_000), pytest.raises(ProskillError, match="--ckpt_path last"):
        WholeFileCheckpointIO().save_checkpoint({"epoch": 2, "more": b"0" * 10_000}, path)
    assert files_under(tmp_path) == before


def test_a_disk_that_fills_up_during_training_ends_it_with_one_sentence(
    make_module: Callable[..., SkillModule],
    make_data: Callable[..., TakeDataModule],
    tmp_path: Path,
) -> None:
    module = make_module(fusion={"hidden_dim": 64})
    fit_model(module, make_data(), run_dir=tmp_path, max_epochs=1, progress=False)
    before = files_under(tmp_path / "checkpoint")
    with full_disk(30_000), pytest.raises(ProskillError, match=r"cannot be written|full|space"):
        fit_model(
            make_module(fusion={"hidden_dim": 64}),
            make_data(),
            run_dir=tmp_path,
            max_epochs=2,
            progress=False,
        )
    assert files_under(tmp_path / "checkpoint") == before
    assert not list(tmp_path.rglob("*.partial"))


def test_resuming_with_another_backbone_is_refused(
    make_module: Callable[..., SkillModule],
    make_data: Callable[..., TakeDataModule],
    tmp_path: Path,
) -> None:
    fit_model(make_module(), make_data(), run_dir=tmp_path, max_epochs=1, progress=False)
    with pytest.raises(CheckpointError, match="another backbone"):
        fit_model(
            make_module(seed=9),
            make_data(),
            run_dir=tmp_path,
            max_epochs=2,
            resume=True,
            progress=False,
        )
