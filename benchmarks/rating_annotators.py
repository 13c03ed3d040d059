"""Bad annotators: what the ratings lose, and what a plain fit would. Simulated annotators.

    OMP_NUM_THREADS=1 python benchmarks/rating_annotators.py [--repetitions 30]

Writes `benchmarks/results/rating_annotators.json`. 200 items at sigma 3, 10 annotators, 10 mix20
rounds that are paired by our own fit; all methods rate the same votes. `ours` is the posterior
mean, which is what ratings are; `fit` the quick fit that rounds are paired by; `plain` a
Bradley-Terry fit that trusts all annotators alike; `oracle` that fit on the good annotators' votes.
`spread`: a pair goes to an annotator who has seen its items least. `anybody`: to any. In
`plain_rounds` the rounds are paired by the plain fit, too, so nothing of ours is in it.
"""

from __future__ import annotations

import argparse
import time
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from measured import measured, spearman, write_report

from proskill.rating.bradley_terry import fit_bradley_terry
from proskill.rating.posterior import sample_posterior
from proskill.rating.simulated import SimulatedAnnotator, simulate_campaign

OUT = Path(__file__).parent / "results" / "rating_annotators.json"
NUM_ITEMS, SIGMA, NUM_ROUNDS = 200, 3.0, 10
GOOD = SimulatedAnnotator()
TEAMS = {
    "all good": [GOOD] * 10,
    "4 of 10 flip coins": [GOOD] * 6 + [SimulatedAnnotator(discrimination=0.0)] * 4,
    "1 of 10 reversed": [GOOD] * 9 + [SimulatedAnnotator(discrimination=-1.0)],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=30)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    started = time.perf_counter()
    teams = {
        name: {
            assignment: compare(team, arguments.repetitions, spread=assignment == "spread")
            for assignment in ("spread", "anybody")
        }
        for name, team in TEAMS.items()
    }
    report = {
        "what": f"simulated: Spearman's rho of {NUM_ITEMS} items at sigma {SIGMA:g} after "
        f"{NUM_ROUNDS} rounds",
        "rho": teams,
        "reached": {
            assignment: {
                "rho >= .88 when 4 of 10 flip coins": teams["4 of 10 flip coins"][assignment][
                    "ours"
                ]["mean"]
                >= 0.88,
                "loss <= .005 when all are good": teams["all good"][assignment]["plain_less_ours"][
                    "mean"
                ]
                <= 0.005,
            }
            for assignment in ("spread", "anybody")
        },
    }
    write_report(arguments.out, report, started=started)


def compare(team: list[SimulatedAnnotator], repetitions: int, *, spread: bool) -> dict[str, Any]:
    """Method -> rho with its standard error, and what ours loses against plain, paired."""
    runs = [one_campaign(team, seed, spread=spread) for seed in range(repetitions)]
    rho = {name: np.array([run[name] for run in runs]) for name in runs[0]}
    report = {name: measured(values) for name, values in rho.items()}
    return report | {"plain_less_ours": measured(rho["plain"] - rho["ours"])}


def one_campaign(team: list[SimulatedAnnotator], seed: int, *, spread: bool) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    skill = SIGMA * rng.standard_normal(NUM_ITEMS)

    def last_round(fit_annotators: bool) -> Any:
        rounds = simulate_campaign(
            rng,
            skill=skill,
            annotators=team,
            spread_annotators=spread,
            fit_annotators=fit_annotators,
        )
        return list(islice(rounds, NUM_ROUNDS))[-1]

    state, plain_state = last_round(True), last_round(False)
    is_good = np.array([person == GOOD for person in team])
    by_good = state.table.select(is_good[state.table.annotator])
    ratings = {
        "ours": sample_posterior(state.table, rng=rng, num_draws=500, num_warmup=100).mean(),
        "fit": state.fit.params,
        "plain": fit_bradley_terry(state.table, fit_annotators=False).params,
        "oracle": fit_bradley_terry(by_good, fit_annotators=False).params,
        "plain_rounds": plain_state.fit.params,
    }
    return {name: float(spearman(skill, x)[0]) for name, x in ratings.items()}


if __name__ == "__main__":
    main()
