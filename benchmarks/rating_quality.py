"""Ranking quality of mix20 rounds against the number of comparisons. Simulated annotators.

    OMP_NUM_THREADS=1 python benchmarks/rating_quality.py

Writes `benchmarks/results/rating_quality.json`. Skills are sigma * N(0, 1) logits and every vote is
right with the chance that Bradley-Terry gives it; k is the number of comparisons of each item.
`rho_at_sigma_3`: Spearman's rho for campaigns of 200, 2,000 and 20,000 items, of the fit after each
of the rounds 8 to 10 and of the posterior mean, which ratings are, after the tenth.
`smallest_k`: the first round whose mean rho of the fit is .95, by sigma and way of pairing, for
200 items. `elo_under_swiss`: rho of the fit and of Elo, K = 32 and averaged over 100 orders, on the
same votes of Swiss rounds at sigma 3.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from measured import measured, spearman, write_report

from proskill.rating.comparisons import ComparisonTable
from proskill.rating.elo import fit_elo
from proskill.rating.pairing import PairingMethod
from proskill.rating.posterior import sample_posterior
from proskill.rating.simulated import simulate_campaign

OUT = Path(__file__).parent / "results" / "rating_quality.json"
TARGET_RHO, NUM_ROUNDS = 0.95, 10
# items: campaigns, of which so many have a posterior, and its draws
SIZES = {200: (1000, 60, 300), 2_000: (40, 30, 200), 20_000: (20, 20, 100)}
MOST_ROUNDS = {1.5: 34, 2.0: 26, 3.0: 18, 5.0: 12}  # by sigma, past where every way of pairing ends
NUM_ITEMS, NUM_CAMPAIGNS = 200, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    started = time.perf_counter()
    rho = {f"{size} items": at_sigma_3(size, *how) for size, how in SIZES.items()}
    report = {
        "what": "simulated: Spearman's rho against comparisons per item, mix20 rounds",
        "rho_at_sigma_3": rho,
        "reached": {
            way: {name: case[way]["mean"] >= TARGET_RHO for name, case in rho.items()}
            for way in ("fit, k=10", "posterior mean, k=10")
        },
        "elo_under_swiss": elo_under_swiss(),
        "smallest_k": {f"sigma {sigma:g}": smallest_k(sigma) for sigma in MOST_ROUNDS},
    }
    write_report(arguments.out, report, started=started)


def at_sigma_3(
    num_items: int, repetitions: int, num_posteriors: int, num_draws: int
) -> dict[str, Any]:
    """Rho with its standard error after rounds 8, 9 and 10."""
    rho: dict[str, list[float]] = {}
    for seed in range(repetitions):
        rng = np.random.default_rng(seed)
        skill = 3 * rng.standard_normal(num_items)
        campaign = simulate_campaign(rng, skill=skill, fit_annotators=False)
        rounds = list(islice(campaign, NUM_ROUNDS))
        ratings = {f"fit, k={k}": rounds[k - 1].fit.params for k in range(8, NUM_ROUNDS + 1)}
        if seed < num_posteriors:
            posterior = sample_posterior(
                rounds[-1].table, rng=rng, num_draws=num_draws, num_warmup=100
            )
            ratings[f"posterior mean, k={NUM_ROUNDS}"] = posterior.mean()
        for name, values in ratings.items():
            rho.setdefault(name, []).append(float(spearman(skill, values)[0]))
    return {name: measured(values) for name, values in rho.items()}


def smallest_k(sigma: float) -> dict[str, Any]:
    """Way of pairing -> first round that reaches the target, None where none did, and its rho."""
    methods: tuple[PairingMethod, ...] = ("random", "swiss_rating", "mix20")
    found = {}
    for method in methods:
        rho = np.array([values for values, _ in rounds_of(sigma, method, MOST_ROUNDS[sigma])])
        reached = np.flatnonzero(rho.mean(axis=1) >= TARGET_RHO)
        k = int(reached[0]) + 1 if len(reached) else None
        found[method] = {"k": k, "rho": measured(rho[(k or 0) - 1]), "rounds": len(rho)}
    return found


def elo_under_swiss() -> dict[str, Any]:
    """Rho at sigma 3 of the fit and of Elo over 100 orders, early and late."""
    report = {}
    for k, (fit, table) in enumerate(rounds_of(3.0, "swiss_rating", 20), 1):
        if k in (8, 14, 20):
            elo = fit_elo(table, rng=np.random.default_rng(k)).ratings
            report[f"k={k}"] = {
                "fit": measured(fit),
                "elo": measured(spearman(skills(3.0), elo.reshape(NUM_CAMPAIGNS, NUM_ITEMS))),
            }
    return report


def rounds_of(
    sigma: float, method: PairingMethod, num_rounds: int
) -> Iterator[tuple[np.ndarray, ComparisonTable]]:
    """Rho of each campaign and all votes, round by round; campaigns are groups of one table."""
    skill = skills(sigma)
    rounds = simulate_campaign(
        np.random.default_rng(1),
        skill=skill.ravel(),
        item_group=np.repeat(np.arange(NUM_CAMPAIGNS), NUM_ITEMS),
        method=method,
        fit_annotators=False,
    )
    for state in islice(rounds, num_rounds):
        yield spearman(skill, state.fit.params.reshape(skill.shape)), state.table


def skills(sigma: float) -> np.ndarray:
    return sigma * np.random.default_rng(0).standard_normal((NUM_CAMPAIGNS, NUM_ITEMS))


if __name__ == "__main__":
    main()
