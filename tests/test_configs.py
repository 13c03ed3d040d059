"""Every file under configs/ is a runnable experiment: it parses, builds, trains and is judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from proskill.data.basket import BASKET_SKILLS
from proskill.models import read_checkpoint_config
from proskill.simulation.takes import LayoutName, simulate_dataset
from proskill.training.lightning_cli import main, parse
from proskill.training.run import quiet_lightning

CONFIGS = sorted((Path(__file__).parents[1] / "configs").rglob("*.yaml"))

# What makes any of them small enough for a test, and independent of weights and data.
TINY = [
    "--model.backbone.path=null",
    "--model.backbone.config={img_size: 32, patch_size: 16, embed_dim: 32, depth: 2, num_heads: 2}",
    "--model.fusion.hidden_dim=16",
    "--trainer.accelerator=cpu",
    "--trainer.precision=32-true",
]


def tiny(path: Path) -> list[str]:
    """Arguments for the tiny model of a config; it has two blocks."""
    lora = yaml.safe_load(path.read_text())["model"].get("lora", {})
    blocks = ["--model.lora.blocks=[1]"] if lora.get("blocks") else []
    return ["--config", str(path), *TINY, *blocks]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_config_builds_its_model_and_says_how_it_is_run(path: Path, tmp_path: Path) -> None:
    with quiet_lightning():
        cli = parse([*tiny(path), f"--trainer.default_root_dir={tmp_path}"], command="fit")
    assert cli.model.model.backbone.depth == 2
    assert any(value.requires_grad for value in cli.model.parameters())
    content = yaml.safe_load(path.read_text())
    assert content["trainer"]["default_root_dir"] == f"runs/{path.stem}"
    assert f"proskill fit --config configs/{path.name}" in path.read_text()


# The layout that each experiment's data has. Whoever adds a config adds it here.
LAYOUTS: dict[str, LayoutName] = {
    "demo": "manifest",
    "skillformer_ego": "egoexo4d",
    "skillformer_exos": "egoexo4d",
    "skillformer_ego_exos": "egoexo4d",
    "egoexo4d_timesformer": "egoexo4d",
    "basket_timesformer": "basket",
    "proskill_regression": "proskill",
}


def test_every_config_is_run_by_a_test() -> None:
    assert {path.stem for path in CONFIGS} == set(LAYOUTS)


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Callable[[LayoutName], Path]:
    """Simulated data in a layout, made when it is first asked for."""
    made: dict[LayoutName, Path] = {}

    def source(layout: LayoutName) -> Path:
        if layout not in made:
            made[layout] = simulate_dataset(
                tmp_path_factory.mktemp(layout),
                num_participants=9,
                takes_per_participant=1,
                views=("exo1",) if layout == "basket" else ("ego", "exo1"),
                tasks=("drumming",),
                layout=layout,
                split_shares=(0.34, 0.33, 0.33),
                num_workers=1,
            )
        return made[layout]

    return source


@pytest.mark.slow
@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_the_config_trains_for_a_step_and_is_judged_on_simulated_data_of_its_layout(
    path: Path, tmp_path: Path, sources: Callable[[LayoutName], Path]
) -> None:
    source = sources(LAYOUTS[path.stem])
    keys = yaml.safe_load(path.read_text())
    arguments = [
        *tiny(path),
        "--model.input.num_frames=4",
        "--model.input.img_size=[32, 32]",
        f"--trainer.default_root_dir={tmp_path}",
        "--trainer.max_epochs=1",
        "--trainer.limit_train_batches=1",
        "--trainer.accumulate_grad_batches=1",
        "--trainer.enable_progress_bar=false",
        "--trainer.enable_model_summary=false",
        f"--data.source={source}",
        "--data.loader.batch_size=2",
        "--data.loader.num_workers=0",
    ]
    main("fit", arguments)
    found = main("test", arguments)
    assert found is not None
    assert found.summary["data"].startswith("simulated")
    assert found.predictions.takes
    config = read_checkpoint_config(tmp_path / "checkpoint")
    assert f"val/{keys['monitor'].removeprefix('val/')}" in config.metrics
    if LAYOUTS[path.stem] == "basket":
        assert config.skills == tuple(keys["model"]["head"]["skills"]) == BASKET_SKILLS
        assert found.summary["skills"]["mean"]["num_skills"] == 20
        assert "top1_accuracy" in found.summary["skills"]["mean"]
    else:
        assert math.isfinite(found.summary["all_views"]["spearman"]["value"])


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
                *("--config", str(path), "--model.backbone.path=null"),
                "--model.backbone.config={size: base}",
                "--trainer.accelerator=cpu",
                "--trainer.precision=32-true",
                f"--trainer.default_root_dir={tmp_path}",
            ]
        )
    counts = [value.numel() for value in cli.model.parameters() if value.requires_grad]
    assert sum(counts) == trainable
