"""Every file under configs/ is a runnable experiment: it parses and its model builds."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from proskill.training.lightning_cli import parse
from proskill.training.run import quiet_lightning

CONFIGS = sorted((Path(__file__).parents[1] / "configs").rglob("*.yaml"))

# What makes any of them small enough for a test, and independent of weights and data.
TINY = [
    "--model.backbone=null",
    "--model.backbone_config={img_size: 32, patch_size: 16, embed_dim: 32, depth: 2, num_heads: 2}",
    "--model.hidden_dim=16",
    "--trainer.accelerator=cpu",
    "--trainer.precision=32-true",
]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_config_builds_its_model_and_says_how_it_is_run(path: Path, tmp_path: Path) -> None:
    with quiet_lightning():
        cli = parse(
            ["--config", str(path), *TINY, f"--trainer.default_root_dir={tmp_path}"], command="fit"
        )
    assert cli.model.model.backbone.depth == 2
    assert any(value.requires_grad for value in cli.model.parameters())
    content = yaml.safe_load(path.read_text())
    assert content["trainer"]["default_root_dir"] == f"runs/{path.stem}"
    assert f"proskill fit --config configs/{path.name}" in path.read_text()


def test_there_are_configs() -> None:
    assert {path.stem for path in CONFIGS} >= {
        "demo",
        "skillformer_ego",
        "skillformer_exos",
        "skillformer_ego_exos",
    }


@pytest.mark.parametrize(
    ("name", "trainable"),
    [
        pytest.param("skillformer_ego", 14_171_910, marks=pytest.mark.slow),
        pytest.param("skillformer_exos", 20_334_342, marks=pytest.mark.slow),
        ("skillformer_ego_exos", 27_021_062),
    ],
)
def test_skillformer_configs_train_the_published_number_of_parameters(
    name: str, trainable: int, tmp_path: Path
) -> None:
    path = next(path for path in CONFIGS if path.stem == name)
    with quiet_lightning():
        cli = parse(
            [
                *("--config", str(path), "--model.backbone=null"),
                "--model.backbone_config={size: base}",
                "--trainer.accelerator=cpu",
                "--trainer.precision=32-true",
                f"--trainer.default_root_dir={tmp_path}",
            ]
        )
    counts = [value.numel() for value in cli.model.parameters() if value.requires_grad]
    assert sum(counts) == trainable
