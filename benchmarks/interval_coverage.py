"""Coverage of the bootstrap intervals of every evaluation metric, by simulation.

    python benchmarks/interval_coverage.py [--samples 300]

Writes `benchmarks/results/interval_coverage.json`. A population of participants with four takes
each, whose skill and whose bias in the model's eyes are their own; levels are quartiles of skill
and the probabilities are overconfident. The true value of a metric is that of 20,000 participants
(2,000 for those that look at pairs). Of each sample of participants the interval is computed as
`proskill test` does, and it is counted how often it holds the true value; 95 % is the aim. For
comparison, the plain percentile interval and one that takes takes as independent.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import processor_name

from proskill.evaluation.intervals import (
    Values,
    Weights,
    clustered_bootstrap,
    each_once,
    resample_weights,
)
from proskill.evaluation.labelled_predictions import METRICS, LabelledPredictions

OUT = Path(__file__).parent / "results" / "interval_coverage.json"
TAKES_EACH, NUM_LEVELS, NUM_RESAMPLES = 4, 4, 400
CUTS = np.array([-0.6745, 0.0, 0.6745])  # quartiles of a normal distribution
PEOPLE = (12, 25, 50, 100)
TRUE_PEOPLE, TRUE_PEOPLE_BY_PAIRS = 20_000, 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    started = time.perf_counter()
    rng = np.random.default_rng(7)
    truth = true_values(rng)
    report: dict[str, Any] = {
        "what": "share of simulated samples whose 95 % interval holds the true value",
        "samples": arguments.samples,
        "takes_per_participant": TAKES_EACH,
        "num_resamples": NUM_RESAMPLES,
        "true_values": {name: round(value, 4) for name, value in truth.items()},
        "coverage": {
            f"{people} participants": coverage(people, truth, arguments.samples, rng)
            for people in PEOPLE
        },
        "seconds": 0.0,
        "hardware": {
            "cpu": processor_name(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "numpy": np.__version__,
        },
    }
    report["seconds"] = round(time.perf_counter() - started, 1)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def sample(num_people: int, rng: np.random.Generator) -> tuple[LabelledPredictions, list[str]]:
    """Answers about the takes of so many participants, and who performs each."""
    person = np.repeat(np.arange(num_people), TAKES_EACH)
    skill = rng.normal(size=num_people)[person]
    bias = rng.normal(scale=0.6, size=num_people)[person]
    seen = skill + bias + rng.normal(scale=0.6, size=len(person))
    below = 1 / (1 + np.exp(-2.5 * (1.2 * CUTS - seen[:, None])))
    edges = np.concatenate([np.zeros((len(seen), 1)), below, np.ones((len(seen), 1))], axis=1)
    probabilities = np.diff(edges, axis=1)
    answers = LabelledPredictions(
        truth=np.digitize(skill, CUTS),
        probabilities=probabilities,
        score=probabilities @ np.arange(NUM_LEVELS),
        reference=skill,
        scenarios=np.where(person % 2, "a", "b"),
    )
    return answers, person.astype(str).tolist()


def true_values(rng: np.random.Generator) -> dict[str, float]:
    answers, people = sample(TRUE_PEOPLE, rng)
    values = answers.level_figures(each_once(len(people)))
    few, few_people = sample(TRUE_PEOPLE_BY_PAIRS, rng)
    once = each_once(len(few_people))
    values |= few.rank_figures(once)
    return {name: float(values[name][0]) for name in METRICS}


def coverage(
    num_people: int, truth: dict[str, float], num_samples: int, rng: np.random.Generator
) -> dict[str, dict[str, float]]:
    held = {name: np.zeros(3) for name in METRICS}
    for seed in range(num_samples):
        answers, people = sample(num_people, rng)

        def figures(weights: Weights, answers: LabelledPredictions = answers) -> dict[str, Values]:
            return {**answers.level_figures(weights), **answers.rank_figures(weights)}

        options: dict[str, Any] = {"num_resamples": NUM_RESAMPLES, "seed": seed}
        ours = clustered_bootstrap(figures, people, **options)
        alone = clustered_bootstrap(figures, [str(i) for i in range(len(people))], **options)
        parts = [figures(weights) for weights in resample_weights(people, **options)]
        for name, value in truth.items():
            draws = np.concatenate([part[name] for part in parts])
            plain = np.nanquantile(draws, [0.025, 0.975])
            held[name] += [
                ours[name].lower <= value <= ours[name].upper,
                plain[0] <= value <= plain[1],
                alone[name].lower <= value <= alone[name].upper,
            ]
    ways = ("ours", "plain_percentile", "takes_as_independent")
    return {
        name: dict(zip(ways, (count / num_samples).round(3).tolist(), strict=True))
        for name, count in held.items()
    }


if __name__ == "__main__":
    main()
