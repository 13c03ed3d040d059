"""The functions of the top level, without any network."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import pytest

import proskill
from proskill.errors import CheckpointError, ConfigError

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "checkpoints" / "demo"


def test_the_demo_is_loaded_by_name_and_by_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    by_name, by_directory = proskill.load("demo"), proskill.load(DEMO)
    assert by_name.sha256 == by_directory.sha256
    assert by_name.name == by_directory.name == "demo"


def test_a_checkpoint_of_the_hub_is_asked_for_by_name_and_revision(tmp_path, monkeypatch):
    asked = []

    def stand_in(name: str, *, revision: str | None, allow_patterns: list[str]) -> str:
        asked.append((name, revision))
        copy = tmp_path / f"copy{len(asked)}"
        copy.mkdir()
        for pattern in allow_patterns:
            shutil.copy(DEMO / pattern, copy)
        return str(copy)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", stand_in)
    scorer = proskill.load("hf://someone/skill@v1")
    proskill.load("hf://someone/skill")
    assert asked == [("someone/skill", "v1"), ("someone/skill", None)]
    assert scorer.config.levels == proskill.load("demo").config.levels


def test_an_unreachable_hub_is_one_sentence(monkeypatch):
    def stand_in(*_args: object, **_options: object) -> str:
        raise OSError("no network")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", stand_in)
    with pytest.raises(CheckpointError, match="hf://someone/skill@v1: not reachable"):
        proskill.load("hf://someone/skill@v1")


@pytest.mark.parametrize("name", ["demmo", "no/such/directory"])
def test_an_unknown_checkpoint_is_refused_with_what_is_allowed(name):
    with pytest.raises(CheckpointError, match="give a directory, 'demo' or"):
        proskill.load(name)


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("skillformer_ego", 14_171_910),
        ("skillformer_exos", 20_334_342),
        ("skillformer_ego_exos", 27_021_062),
    ],
)
def test_models_of_published_settings_have_the_published_trainable_parameters(name, count):
    assert name in proskill.list_models()
    model = proskill.create_model(name, num_levels=4)
    assert sum(p.numel() for p in model.parameters() if p.requires_grad) == count


def test_an_unknown_model_is_refused_with_the_names_that_exist():
    with pytest.raises(ConfigError, match="skillformer_ego"):
        proskill.create_model("skilformer")


def test_the_demo_model_has_the_shipped_backbone():
    model = proskill.create_model("demo", num_levels=3)
    assert model.head.num_levels == 3
    assert not any(p.requires_grad for p in model.backbone.parameters())


def test_fit_passes_manifest_and_options_on_and_returns_the_checkpoint(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(
        "proskill.training.lightning_cli.main", lambda command, args: given.append((command, args))
    )
    monkeypatch.chdir(tmp_path)
    found = proskill.fit("takes.csv", config="demo", max_epochs=2, model__optim__lr=1e-4)
    [(command, args)] = given
    assert command == "fit"
    assert args[2:5] == [
        "--data.source=takes.csv",
        "--trainer.max_epochs=2",
        "--model.optim.lr=0.0001",
    ]
    assert args[5].startswith("--model.backbone.path=")
    assert Path(args[5].partition("=")[2]).is_dir()
    assert found == Path("runs/demo/checkpoint")


def test_hub_entry_points_are_the_published_settings():
    code = (
        "import hubconf, proskill; assert set(proskill.list_models()) <= set(vars(hubconf));"
        "print(hubconf.scorer('demo').config.levels[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "Novice\n", done.stderr
