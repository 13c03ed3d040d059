"""From simulated takes over votes to a model that was trained on nothing but these votes."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import spearmanr

from proskill.annotation import CampaignSettings, create_campaign
from proskill.cli.main import main
from proskill.data import read_manifest
from proskill.levels import LevelScale
from proskill.simulation.takes import simulate_dataset
from proskill.training import lightning_cli

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_labels_from_votes_over_http_train_a_model_that_beats_the_majority(
    tmp_path: Path, serve_alone: Callable[..., Any]
) -> None:
    manifest = simulate_dataset(
        tmp_path / "takes", num_participants=220, takes_per_participant=1, seed=4,
        views=["exo1"], tasks=["drumming"], split_shares=(0.45, 0.1, 0.45),
    )  # fmt: skip
    takes = read_manifest(manifest)
    folder = tmp_path / "campaign"
    create_campaign(
        folder, takes=takes, name="Drumming", settings=CampaignSettings(gold_share=0.0),
        now=time.time(),
    ).close()  # fmt: skip
    server, log = serve_alone(folder), tmp_path / "log.jsonl"
    vote = ["annotate", "simulate", str(folder), "--url", server.url, "--annotators", "8"]
    assert main([*vote, "--votes", "1600", "--log", str(log)]) == 0
    server.stop()
    out = tmp_path / "labels"
    # Two levels, so that a hundred takes tell a model from a guess whatever the order of the votes.
    halves = LevelScale(("Lower half", "Upper half"))
    scale = ["--scale", ",".join(halves.names)]
    assert main(["annotate", "export", str(folder), "--out", str(out), *scale]) == 0

    acknowledged = [json.loads(line)["token"] for line in log.read_text().splitlines()]
    exported = [
        json.loads(line)["token"] for line in (out / "votes.jsonl").read_text().splitlines()
    ]
    assert sorted(exported) == sorted(acknowledged)
    assert len(set(exported)) == 1600

    truth = {take.take_id: take.rating for take in takes}
    labelled = read_manifest(out / "manifest.csv", scale=halves)
    assert spearmanr([truth[t.take_id] for t in labelled], [t.rating for t in labelled])[0] > 0.8

    arguments = {
        "--config": ROOT / "configs" / "demo.yaml",
        "--model.backbone.path": ROOT / "checkpoints" / "timesformer-motion",
        "--trainer.default_root_dir": tmp_path / "run",
        "--data.source": out / "manifest.csv",
        "--model.head.levels": list(halves.names),
        "--data.loader.num_workers": 0,
    }
    words = [str(word) for item in arguments.items() for word in item]
    lightning_cli.main("fit", words)
    lightning_cli.main("test", words)
    figures = json.loads((tmp_path / "run" / "test" / "metrics.json").read_text())["all_views"]
    # Of the most probable level, as the majority is counted.
    assert figures["top1_accuracy"]["value"] > figures["majority_accuracy"]["value"]
    assert figures["spearman"]["value"] > 0.3
