"""Coverage of prediction sets and score intervals on new participants, against the nominal level.

    OMP_NUM_THREADS=1 python benchmarks/conformal_coverage.py [--repetitions 40] [--pipeline]

Writes `benchmarks/results/conformal_coverage.json`. All data are simulated.

`made_up`: takes whose answers are drawn, not seen. Four levels, three takes a participant who err
alike, and a model that is three times too sure of itself. Each repetition calibrates on so many new
participants and counts 1,500 held-out takes of 500 others. `coverage` is the mean over repetitions,
to lie within two points of nominal; `spread` is the standard deviation between calibrations, which
only more participants make smaller. Beside it: taking takes for independent, and believing the
model (levels until its probabilities, uncalibrated, reach the nominal share).

`pipeline`: the demo checkpoint on 1,000 performances rendered for 500 performers who are in none of
its splits (twenty minutes on two busy cores; kept in `runs/conformal_coverage`). `shipped` is its
own calibration from 21 participants, by set, interval and status; `resplit` calibrates anew on 100
of the 500, 200 times, and counts the takes of the other 400.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from measured import measured, write_report
from scipy.special import softmax

from proskill.calibration.calibration import Calibration
from proskill.calibration.conformal import conformal_threshold, mass_before, prediction_sets
from proskill.calibration.fitting import fit_temperature
from proskill.calibration.selective_prediction import expected_level_error
from proskill.levels import EGOEXO4D_LEVELS, median_level

OUT = Path(__file__).parent / "results" / "conformal_coverage.json"
RUN = Path("runs/conformal_coverage")
CHECKPOINT = Path("checkpoints/demo")
NOMINAL = (0.8, 0.9, 0.95)
CALIBRATION_SIZES = (25, 100, 400)
HELD_OUT_PEOPLE, TAKES_EACH = 500, 3
PIPELINE_PEOPLE, PIPELINE_TAKES_EACH, PIPELINE_SEED = 500, 2, 2030
TOO_SURE = 3.0

Takes = tuple[np.ndarray, np.ndarray, np.ndarray]  # logits (N, K), levels (N,), participants (N,)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=40)
    parser.add_argument("--pipeline", action="store_true", help="render and judge 1,000 takes, too")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    started = time.perf_counter()
    report: dict[str, Any] = {
        "what": "simulated: how often sets of levels and intervals hold the truth of new people",
        "made_up": {
            f"{people} participants": made_up(people, arguments.repetitions)
            for people in CALIBRATION_SIZES
        },
    }
    report["reached"] = {
        f"{people}, nominal {nominal}, within 2 points": abs(found["coverage"]["mean"] - nominal)
        <= 0.02
        for people, case in report["made_up"].items()
        for nominal, found in ((n, case[f"nominal {n}"]) for n in NOMINAL)
    }
    if arguments.pipeline:
        report["pipeline"] = pipeline()
    write_report(arguments.out, report, started=started)


def made_up(people: int, repetitions: int) -> dict[str, Any]:
    """Coverage and set size after calibrating on so many participants."""
    found: dict[float, dict[str, list[float]]] = {nominal: {} for nominal in NOMINAL}
    for seed in range(repetitions):
        rng = np.random.default_rng([people, seed])
        calibration = draw_takes(rng, people)
        held_out = draw_takes(rng, HELD_OUT_PEOPLE)
        for nominal in NOMINAL:
            for name, value in compare(calibration, held_out, nominal).items():
                found[nominal].setdefault(name, []).append(value)
    return {
        "held_out_takes": HELD_OUT_PEOPLE * TAKES_EACH,
        **{
            f"nominal {nominal}": {
                **{name: measured(values) for name, values in case.items()},
                "spread": round(float(np.std(case["coverage"], ddof=1)), 4),
            }
            for nominal, case in found.items()
        },
    }


def draw_takes(rng: np.random.Generator, people: int) -> Takes:
    """True levels and a model's logits; a participant's takes err alike."""
    person = np.repeat(np.arange(people), TAKES_EACH)
    skill = rng.uniform(-0.5, 3.5, people)[person]
    levels = np.clip(np.round(skill + rng.normal(0, 0.2, len(person))), 0, 3).astype(int)
    seen = skill + rng.normal(0, 0.6, people)[person] + rng.normal(0, 0.4, len(person))
    logits = -((np.arange(4) - seen[:, None]) ** 2) / (2 * 0.75**2)
    return TOO_SURE * logits, levels, person


def compare(calibration: Takes, held_out: Takes, nominal: float) -> dict[str, float]:
    """Coverage and size of the sets, and the coverage of two simpler ways."""
    logits, levels, person = calibration
    temperature = fit_temperature(logits, levels)
    probabilities = softmax(logits / temperature, axis=-1)
    scores = mass_before(probabilities)[np.arange(len(levels)), levels]
    new_logits, truth, _ = held_out
    new = softmax(new_logits / temperature, axis=-1)

    def sets(values: np.ndarray, threshold: float) -> tuple[float, float]:
        first, last = prediction_sets(values, threshold=min(threshold, 1.0)).T
        return float(((first <= truth) & (truth <= last)).mean()), float((last - first + 1).mean())

    clustered = conformal_threshold(scores, person.tolist(), coverage=nominal)
    independent = conformal_threshold(scores, list(range(len(levels))), coverage=nominal)
    coverage, size = sets(new, clustered)
    error = np.abs(probabilities @ np.arange(4) - levels)
    width = conformal_threshold(error, person.tolist(), coverage=nominal)
    return {
        "coverage": coverage,
        "mean_levels": size,
        "interval_coverage": float((np.abs(new @ np.arange(4) - truth) <= width).mean()),
        "takes_as_independent": sets(new, independent)[0],
        "believing_the_model": sets(softmax(new_logits, axis=-1), nominal)[0],
    }


def pipeline() -> dict[str, Any]:
    """The demo checkpoint on performances of people in none of its splits."""
    logits, levels, people = _judged_takes()
    calibration = Calibration.from_dict(json.loads((CHECKPOINT / "calibration.json").read_text()))
    rng = np.random.default_rng(0)
    found: dict[float, list[dict[str, float]]] = {nominal: [] for nominal in NOMINAL}
    for _ in range(200):
        chosen = np.isin(people, rng.choice(np.unique(people), 100, replace=False))
        parts = [(logits[rows], levels[rows], people[rows]) for rows in (chosen, ~chosen)]
        for nominal in NOMINAL:
            found[nominal].append(compare(parts[0], parts[1], nominal))
    return {
        "takes": len(levels),
        "participants": len(np.unique(people)),
        "shipped": shipped(calibration, logits, levels, people),
        "resplit": {
            f"nominal {nominal}": {
                name: round(float(np.mean([one[name] for one in cases])), 4) for name in cases[0]
            }
            for nominal, cases in found.items()
        },
    }


def shipped(
    calibration: Calibration, logits: np.ndarray, truth: np.ndarray, people: np.ndarray
) -> dict[str, Any]:
    """Evaluate the calibration of the checkpoint on the new takes, with 95 % intervals."""
    probabilities = calibration.probabilities(logits)
    first, last = prediction_sets(probabilities, threshold=calibration.set_threshold or 0.0).T
    off = np.abs(probabilities @ np.arange(calibration.num_levels) - truth)
    error = np.abs(median_level(probabilities) - truth)
    report: dict[str, Any] = {
        "nominal": calibration.coverage,
        "calibration_participants": calibration.num_participants,
        "set_coverage": by_person((first <= truth) & (truth <= last), people),
        "set_mean_levels": round(float((last - first + 1).mean()), 4),
        "interval_coverage": by_person(off <= calibration.half_width, people),
        "mean_level_error": by_person(error, people),
        "error_of_always_the_same_level": round(
            min(float(np.abs(truth - level).mean()) for level in range(calibration.num_levels)), 4
        ),
    }
    if limits := calibration.selection_thresholds:
        ok = expected_level_error(probabilities) <= limits.ok
        report["ok"] = {
            "target_error": limits.ok_error,
            "share": round(float(ok.mean()), 4),
            "mean_level_error": by_person(error[ok], people[ok]),
            "mean_level_error_of_the_rest": by_person(error[~ok], people[~ok]),
        }
    return report


def by_person(values: np.ndarray, people: np.ndarray) -> dict[str, float]:
    """Mean with its 95 % interval, participants being the units."""
    person = np.unique(people, return_inverse=True)[1]
    mean, units = float(values.mean()), person.max() + 1
    apart = np.bincount(person, weights=values - mean)
    half = 1.96 * float(np.sqrt(apart @ apart * units / (units - 1)) / len(values))
    return {
        name: round(x, 4)
        for name, x in zip(
            ("value", "lower", "upper"), (mean, mean - half, mean + half), strict=True
        )
    }


def _judged_takes() -> Takes:
    from proskill.data.manifest import read_manifest
    from proskill.features.feature_cache import extract_features
    from proskill.features.prediction import predict_takes
    from proskill.models import load_checkpoint
    from proskill.simulation.takes import simulate_dataset

    manifest = simulate_dataset(
        RUN / "data",
        num_participants=PIPELINE_PEOPLE,
        takes_per_participant=PIPELINE_TAKES_EACH,
        seed=PIPELINE_SEED,
        split_shares=(0.0, 0.0, 1.0),
    )
    loaded = load_checkpoint(CHECKPOINT)
    table = extract_features(
        read_manifest(manifest),
        loaded.model.backbone,
        loaded.config.input,
        cache_dir=RUN / "features",
    )
    predictions = predict_takes(
        loaded.model,
        table.pool(),
        scale=EGOEXO4D_LEVELS,
    )
    people = np.array([take.participant_id for take in predictions.takes])
    return predictions.logits.astype(np.float64), predictions.truth, people


if __name__ == "__main__":
    main()
