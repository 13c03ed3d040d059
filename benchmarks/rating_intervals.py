"""Coverage of rating intervals against their nominal level, and ratings of pure noise.

    OMP_NUM_THREADS=1 python benchmarks/rating_intervals.py

Writes `benchmarks/results/rating_intervals.json`. Simulated annotators, campaigns of 200 items,
mix20 rounds, k comparisons of each item. `coverage`: share of the items whose true skill, less the
mean of all, lies in the posterior's 90 % interval; to lie within .88 to .92. `elo_order_spread` is
the same for 1.645 standard deviations over 100 orders of Elo around its mean, which is no interval.
`reliability`: the posterior's, beside the squared correlation of its mean with true skill.
`noise`: the posterior's reliability where every vote is a coin; its mean to be .15 at most.
"""

from __future__ import annotations

import argparse
import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from measured import measured, write_report

from proskill.rating.comparisons import ComparisonTable
from proskill.rating.elo import LOGITS_PER_POINT, fit_elo
from proskill.rating.posterior import sample_posterior
from proskill.rating.simulated import simulate_campaign

OUT = Path(__file__).parent / "results" / "rating_intervals.json"
NUM_ITEMS = 200
SIGMAS = (1.5, 3.0)
# k: repetitions; few votes leave the scale open, so that coverage varies much between campaigns.
ROUNDS = {5: 160, 10: 40, 15: 40}
NOISE_ROUNDS, NOISE_REPETITIONS = (5, 10, 15, 20), 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    started = time.perf_counter()
    cases = {
        f"sigma {sigma:g}, k={k}": intervals(sigma, k, repetitions)
        for sigma in SIGMAS
        for k, repetitions in ROUNDS.items()
    }
    noise = {f"k={k}": reliability_of_noise(k, NOISE_REPETITIONS) for k in NOISE_ROUNDS}
    report = {
        "what": f"simulated: 90 % intervals and reliability, {NUM_ITEMS} items, mix20 rounds",
        "intervals": cases,
        "noise": noise,
        "reached": {
            "coverage .88 to .92": {
                name: 0.88 <= case["coverage"]["mean"] <= 0.92 for name, case in cases.items()
            },
            "reliability of noise <= .15": {
                name: case["reliability"]["mean"] <= 0.15 for name, case in noise.items()
            },
        },
    }
    write_report(arguments.out, report, started=started)


def intervals(sigma: float, num_rounds: int, repetitions: int) -> dict[str, Any]:
    values: dict[str, list[float]] = {}
    for seed in range(repetitions):
        rng = np.random.default_rng(seed)
        skill = sigma * rng.standard_normal(NUM_ITEMS)
        table = votes_on(rng, skill, num_rounds)
        posterior = sample_posterior(table, rng=rng)
        lower, upper = posterior.interval(0.9)
        truth = skill - skill.mean()
        elo = fit_elo(table, rng=rng)
        off = abs(truth - LOGITS_PER_POINT * (elo.ratings - elo.ratings.mean()))
        one = {
            "coverage": np.mean((lower <= truth) & (truth <= upper)),
            "mean_width_logits": np.mean(upper - lower),
            "elo_order_spread": np.mean(off <= 1.645 * LOGITS_PER_POINT * elo.order_spread),
            "reliability": posterior.reliability()[0],
            "squared_correlation": np.corrcoef(skill, posterior.mean())[0, 1] ** 2,
        }
        for name, value in one.items():
            values.setdefault(name, []).append(float(value))
    return {name: measured(found) for name, found in values.items()}


def reliability_of_noise(num_rounds: int, repetitions: int) -> dict[str, Any]:
    found = []
    for seed in range(repetitions):
        rng = np.random.default_rng(seed)
        table = votes_on(rng, np.zeros(NUM_ITEMS), num_rounds)
        found.append(float(sample_posterior(table, rng=rng).reliability()[0]))
    return {"reliability": measured(found), "highest": round(max(found), 5)}


def votes_on(rng: np.random.Generator, skill: np.ndarray, num_rounds: int) -> ComparisonTable:
    rounds = simulate_campaign(rng, skill=skill, fit_annotators=False)
    return list(islice(rounds, num_rounds))[-1].table


if __name__ == "__main__":
    main()
