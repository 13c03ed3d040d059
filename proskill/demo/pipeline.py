"""The demo from end to end: simulate, train, calibrate, evaluate, control, score, report.

Every stage keeps its finished files, so that an interrupted demo continues where it stopped. Not
here: features of the controls (`controls`), the page (`proskill.reports.demo`).
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from proskill.calibration.calibrate_checkpoint import calibrate_checkpoint
from proskill.data.manifest import read_manifest
from proskill.data.take import Take
from proskill.demo.controls import (
    appearance_features,
    kinematic_features,
    linear_readout,
    motion_energy,
    pose_set_features,
)
from proskill.demo.table import print_table
from proskill.errors import ProskillError
from proskill.evaluation.intervals import Values, Weights, clustered_bootstrap
from proskill.evaluation.metrics import accuracy
from proskill.evaluation.predictions import Predictions
from proskill.evaluation.rank_metrics import spearman
from proskill.evaluation.result_files import write_metrics
from proskill.evaluation.summary import summarise
from proskill.features.encoding import FrameOrder
from proskill.features.feature_cache import extract_features
from proskill.features.prediction import predict_takes
from proskill.levels import EGOEXO4D_LEVELS
from proskill.models import LoadedCheckpoint, load_checkpoint, save_checkpoint
from proskill.models.backbone import read_backbone_config
from proskill.reports.demo import DemoResults, write_demo_report
from proskill.scoring import Assessment, Scorer
from proskill.simulation.motion import Performance
from proskill.simulation.take_spec import FRAME_RATE, perform_take, plan_takes
from proskill.simulation.takes import simulate_dataset
from proskill.training import lightning_cli
from proskill.training.run import CHECKPOINT_FOLDER
from proskill.whole_file import write_whole

BACKBONE = Path("checkpoints/timesformer-motion")

DATA = "simulated performances (proskill simulate), no real video"

SEED = 2026
"""Seed of the demo's performers; the backbone was pretrained on others."""

NUM_PARTICIPANTS, TAKES_PER_PARTICIPANT = 230, 2
SPLIT_SHARES = (0.43, 0.09, 0.48)
_CONTROL_WINDOWS = 3
_CARD_METRICS = (
    "accuracy",
    "spearman",
    "quadratic_kappa",
    "mean_level_error",
    "majority_accuracy",
    "scenario_majority_accuracy",
)

ProgressBar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
Figures = dict[str, dict[str, Any]]  # name of a metric -> its value and interval


def run_demo(
    out: Path,
    config: Path,
    *,
    progress_bar: ProgressBar,
    num_participants: int = NUM_PARTICIPANTS,
    takes_per_participant: int = TAKES_PER_PARTICIPANT,
) -> dict[str, Any]:
    """Run the demo and write `report.html`, `summary.json` and `checkpoint/` into `out`.

    Args:
        out: folder for everything.
        config: the training experiment, as for `proskill fit`.
        progress_bar: opens a bar with a description.
        num_participants: simulated performers in all splits together.
        takes_per_participant: performances of each.

    Returns:
        The content of `summary.json`.

    Raises:
        ProskillError: outside the repository's folder, or the disk is full.
    """
    for needed in (config, BACKBONE):
        if not needed.exists():
            raise ProskillError(
                f"{needed}: not found; run the demo in the folder of the repository"
            )
    known_tasks = read_backbone_config(BACKBONE).training.get("tasks", ())
    seconds: dict[str, float] = {}

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        print(f"== {name}", file=sys.stderr, flush=True)
        begin = time.perf_counter()
        yield
        seconds[name] = round(time.perf_counter() - begin, 1)

    with stage("simulate"), progress_bar("simulating takes") as on_progress:
        manifest = simulate_dataset(
            out / "data",
            num_participants=num_participants,
            takes_per_participant=takes_per_participant,
            seed=SEED,
            split_shares=SPLIT_SHARES,
            on_progress=on_progress,
        )
    takes = read_manifest(manifest)
    train_takes = [take for take in takes if take.split == "train"]
    test_takes = [take for take in takes if take.split == "test"]
    run_dir = out / "training"
    cache_dir = run_dir / "features"
    arguments = {
        "--config": config,
        "--trainer.default_root_dir": run_dir,
        "--model.backbone.path": BACKBONE,
        "--data.source": manifest,
    }
    with stage("train"):
        lightning_cli.main("fit", [str(part) for item in arguments.items() for part in item])
    trained = load_checkpoint(run_dir / CHECKPOINT_FOLDER)
    with stage("evaluate"):
        predictions = _predict(trained, test_takes, cache_dir)
        metrics = summarise(predictions, train_takes=train_takes, split="test", data=DATA)
    with stage("calibrate"):
        calibration = calibrate_checkpoint(trained, takes, cache_dir=cache_dir).calibration
        card = {**trained.config.metrics, **_card_metrics(metrics)}
        save_checkpoint(
            out / "checkpoint",
            trained.model,
            replace(trained.config, metrics=card),
            calibration=calibration.to_dict(),
        )
    with stage("control"):
        controls = _model_controls(trained, predictions, cache_dir)
        specs = plan_takes(
            num_participants=num_participants,
            takes_per_participant=takes_per_participant,
            seed=SEED,
        )
        performances = {spec.take_id: perform_take(spec) for spec in specs}
        controls |= _linear_controls(train_takes, predictions, performances)
    with stage("score a new take"):
        assessment, files, truth = _score_new_take(out)
    results = DemoResults(
        predictions=predictions,
        metrics=metrics,
        controls=controls,
        assessment=assessment,
        assessed_files=files,
        assessed_truth=truth,
        new_tasks=tuple(sorted({t.scenario for t in takes} - set(known_tasks))),
    )
    with stage("report"):
        write_demo_report(out / "report.html", results)
    summary = _summary(metrics, controls)
    summary["seconds"] = dict(seconds, total=round(sum(seconds.values()), 1))
    summary["peak_memory_gib"] = _peak_memory_gib()
    write_metrics(out / "summary.json", summary)
    print_table(summary, metrics, controls, report=out / "report.html")
    return summary


def _predict(
    trained: LoadedCheckpoint,
    takes: Sequence[Take],
    cache_dir: Path,
    *,
    order: FrameOrder = "natural",
) -> Predictions:
    spec = trained.config.input
    if order != "natural":
        spec = replace(spec, num_windows=_CONTROL_WINDOWS)
    backbone = trained.model.backbone
    table = extract_features(takes, backbone, spec, cache_dir=cache_dir, frame_order=order)
    return predict_takes(
        trained.model,
        table.pool(),
        scale=EGOEXO4D_LEVELS,
    )


def _card_metrics(metrics: dict[str, Any]) -> dict[str, Any]:
    """Return the test results for the checkpoint's card."""
    return {
        "test/num_takes": metrics["num_takes"],
        "test/num_participants": metrics["num_participants"],
        **{f"test/{k}": metrics["all_views"][k]["value"] for k in _CARD_METRICS},
    }


def _model_controls(
    trained: LoadedCheckpoint, predictions: Predictions, cache_dir: Path
) -> dict[str, Figures]:
    """Evaluate the model on the test takes with their frames repeated or shuffled."""
    results: dict[str, Figures] = {}
    orders: tuple[FrameOrder, ...] = ("static", "shuffled")
    for order in orders:
        disturbed = _predict(trained, predictions.takes, cache_dir, order=order)
        results[order] = _figures(predictions, disturbed.score, disturbed.predicted)
    return results


def _linear_controls(
    train_takes: list[Take], predictions: Predictions, performances: Mapping[str, Performance]
) -> dict[str, Figures]:
    """Evaluate linear models of other features, trained on the same takes."""
    takes = [*train_takes, *predictions.takes]
    observers: dict[str, Callable[[Take], np.ndarray]] = {
        "oracle": lambda take: kinematic_features(
            performances[take.take_id], frame_rate=FRAME_RATE
        ),
        "pose_set": lambda take: pose_set_features(performances[take.take_id]),
        "appearance": lambda take: appearance_features(_paths(take)),
        "motion_energy": lambda take: motion_energy(_paths(take), frame_interval_seconds=0.1),
    }
    results = {}
    for name, observe in observers.items():
        with ThreadPoolExecutor(2) as pool:
            features = np.stack(list(pool.map(observe, takes)))
        readout = linear_readout(
            features,
            np.array([take.rating for take in takes]),
            np.array([EGOEXO4D_LEVELS.index(take.level or "") for take in takes]),
            np.array([take.scenario for take in takes]),
            np.array([take.participant for take in takes]),
            np.arange(len(takes)) < len(train_takes),
        )
        results[name] = _figures(predictions, readout.score, readout.level)
    return results


def _paths(take: Take) -> dict[str, Path]:
    return {name: view.path for name, view in take.views.items()}


def _figures(predictions: Predictions, score: np.ndarray, level: np.ndarray) -> Figures:
    """Return rank correlation and accuracy on the test takes, with intervals by participant."""
    rating, truth = predictions.rating, predictions.truth
    people = [take.participant for take in predictions.takes]
    is_constant = np.ptp(score) <= 1e-6

    def figures(weights: Weights) -> dict[str, Values]:
        # A constant score ranks nothing: that is a correlation of zero here, not an undefined one.
        rho = np.zeros(len(weights)) if is_constant else spearman(rating, score, weights)
        return {"spearman": rho, "accuracy": accuracy(truth, level, weights)}

    intervals = clustered_bootstrap(figures, people)
    return {name: asdict(interval) for name, interval in intervals.items()}


def _score_new_take(out: Path) -> tuple[Assessment, dict[str, Path], Take]:
    """Simulate a take of a performer in no split, and score its videos."""
    manifest = simulate_dataset(
        out / "new_take",
        num_participants=1,
        takes_per_participant=1,
        seed=SEED + 1,
        split_shares=(0.0, 0.0, 1.0),
    )
    take = read_manifest(manifest)[0]
    files = _paths(take)
    assessment = Scorer.from_checkpoint(out / "checkpoint").score(files)
    advice = "free some space or choose another folder"
    write_whole(out / "assessment.json", [assessment.to_json().encode()], advice=advice)
    return assessment, files, take


def _summary(metrics: dict[str, Any], controls: dict[str, Figures]) -> dict[str, Any]:
    every = metrics["all_views"]
    gain = metrics["fusion_gain"]
    return {
        "data": "simulated",
        "accuracy": every["accuracy"]["value"],
        "majority_accuracy": every["majority_accuracy"]["value"],
        "scenario_majority_accuracy": every["scenario_majority_accuracy"]["value"],
        "spearman": every["spearman"]["value"],
        "quadratic_kappa": every["quadratic_kappa"]["value"],
        "intervals_95": {
            name: [every[name]["lower"], every[name]["upper"]]
            for name in ("accuracy", "spearman", "quadratic_kappa")
        },
        "single_view_accuracy": _values(metrics["single_views"], "accuracy"),
        "single_view_spearman": _values(metrics["single_views"], "spearman"),
        "late_average_accuracy": metrics["late_average"]["accuracy"]["value"],
        "late_average_spearman": metrics["late_average"]["spearman"]["value"],
        "fusion_gain": gain,
        **{f"{name}_accuracy": value["accuracy"]["value"] for name, value in controls.items()},
        **{f"{name}_spearman": value["spearman"]["value"] for name, value in controls.items()},
        "num_test_takes": metrics["num_takes"],
        "num_test_participants": metrics["num_participants"],
    }


def _values(table: dict[str, dict[str, Any]], name: str) -> dict[str, float]:
    return {view: values[name]["value"] for view, values in table.items()}


def _peak_memory_gib() -> float:
    """Return the largest resident size of this process or of one of its finished workers."""
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kibibytes elsewhere
    peaks = (
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return round(max(peaks) * unit / 2**30, 2)
