"""What `proskill fit|validate|test|predict` accepts, and the sentence for everything else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from proskill.errors import CheckpointError, ConfigError, ManifestError, ProskillError
from proskill.training.lightning_cli import main


@pytest.fixture
def config(
    tmp_path: Path, tiny_manifest: Path, cache_dir: Path, tiny_arguments: dict[str, Any]
) -> Path:
    path = tmp_path / "run.yaml"
    content = {
        "trainer": {
            "default_root_dir": str(tmp_path / "run"),
            "max_epochs": 2,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "log_every_n_steps": 1,
        },
        "model": tiny_arguments,
        "data": {
            "source": str(tiny_manifest),
            "loader": {"num_workers": 0, "cache_dir": str(cache_dir)},
        },
    }
    path.write_text(yaml.safe_dump(content))
    return path


def test_fit_validate_test_and_predict_follow_each_other(config: Path, tmp_path: Path) -> None:
    main("fit", ["--config", str(config)])
    run_dir = tmp_path / "run"
    assert (run_dir / "checkpoint" / "config.json").is_file()
    assert (run_dir / "logs" / "version_0" / "config.yaml").is_file()
    assert list((run_dir / "tensorboard").rglob("events.*"))
    main("validate", ["--config", str(config)])
    assert json.loads((run_dir / "validate" / "metrics.json").read_text())["split"] == "val"
    main("test", ["--config", str(config)])
    assert json.loads((run_dir / "test" / "metrics.json").read_text())["split"] == "test"
    num_test = len((run_dir / "test" / "predictions.csv").read_text().splitlines())
    main("predict", ["--config", str(config), "--data.splits.predict", "all"])
    assert len((run_dir / "predict" / "predictions.csv").read_text().splitlines()) > num_test
    main("fit", ["--config", str(config), "--ckpt_path", "last", "--trainer.max_epochs", "3"])


@pytest.mark.slow  # a process of its own
def test_training_needs_no_decoder_and_no_page() -> None:
    code = (
        "import sys; sys.modules.update(decord=None, av=None, gradio=None);"
        "import proskill.training.lightning_cli, proskill.features.prediction"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ["--model.fusion.hiden_dim", "3"],
            "'model.fusion.hiden_dim'.*'model.fusion.hidden_dim'",
        ),
        (["--trainer.max_epoch", "3"], "unknown key 'trainer.max_epoch'.*'trainer.max_epochs'"),
        (["--model.lora.rr", "4"], "unknown key 'model.lora.rr'.*'model.lora.r'"),
        (["--model.backbone.config.embed_dimm", "4"], "embed_dimm.*embed_dim"),
        (["--nonsense", "3"], "unknown key 'nonsense'"),
        (["--model.fusion.hidden_dim", "many"], "model.fusion.hidden_dim.*int.*many"),
        (["--model.head.kind", "tail"], "model.head.kind.*tail"),
        (["--model.optim.lr", "-1"], "model.optim.lr=-1"),
        (["--monitor", "val/nonsense"], "val/nonsense.*val/spearman"),
        (["--config", "absent.yaml"], "absent.yaml: no such file"),
    ],
)
def test_a_wrong_key_or_value_is_named_in_one_sentence(
    config: Path, args: list[str], message: str
) -> None:
    with pytest.raises(ProskillError, match=message) as caught:
        main("fit", ["--config", str(config), *args])
    assert "\n" not in str(caught.value)


def test_a_misspelt_key_in_the_file_is_named_with_the_file(config: Path) -> None:
    config.write_text(config.read_text().replace("hidden_dim", "hiden_dim"))
    with pytest.raises(
        ConfigError, match=r"run\.yaml.*'model.fusion.hiden_dim'.*'model.fusion.hidd"
    ):
        main("fit", ["--config", str(config)])


def test_a_file_that_is_not_yaml_is_named(config: Path) -> None:
    config.write_text("model: [unclosed")
    with pytest.raises(ConfigError, match=r"run\.yaml"):
        main("fit", ["--config", str(config)])


def test_a_missing_config_option_is_asked_for() -> None:
    with pytest.raises(ConfigError, match="--config is missing"):
        main("fit", [])


def test_testing_before_training_says_what_to_do(config: Path) -> None:
    with pytest.raises(CheckpointError, match="proskill fit"):
        main("test", ["--config", str(config)])


def test_resuming_before_training_says_what_to_do(config: Path) -> None:
    with pytest.raises(CheckpointError, match="leave the option out"):
        main("fit", ["--config", str(config), "--ckpt_path", "last"])


def test_a_data_source_that_does_not_exist_is_named(config: Path) -> None:
    with pytest.raises(ManifestError, match="/nowhere"):
        main("fit", ["--config", str(config), "--data.source", "/nowhere/manifest.csv"])
