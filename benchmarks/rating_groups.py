"""Groups of 16: 18 votes per clip, ours, against 30 by ProSkill's protocol. Simulated annotators.

    OMP_NUM_THREADS=1 python benchmarks/rating_groups.py [--repetitions 40]

Writes `benchmarks/results/rating_groups.json`. A repetition is a campaign of 71 groups of 16 clips,
as many as ProSkill has, with skill sigma * N(0, 1); rho is Spearman's within a group, averaged over
the groups. Theirs: 6 Swiss rounds, 5 votes a pair, the majority, then Elo with K = 32: in the order
played, and averaged over 100 orders, which is better and which they may not do. Ours: mix20 with
one vote a pair, 18 rounds, Bradley-Terry on the votes as they are. `ours_less_theirs` pairs the two
on the same skills; `reached` says that its mean is not below 0.
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
from proskill.rating.comparisons import ComparisonTable
from proskill.rating.elo import fit_elo, merge_by_majority, rate_as_proskill
from proskill.rating.pairing import pair_round
from proskill.rating.posterior import sample_posterior
from proskill.rating.simulated import SimulatedAnnotator, simulate_campaign, simulate_votes

OUT = Path(__file__).parent / "results" / "rating_groups.json"
NUM_GROUPS, GROUP_SIZE = 71, 16
GROUP = np.repeat(np.arange(NUM_GROUPS), GROUP_SIZE)
SIGMAS = (1.0, 1.5, 2.0, 3.0)
THEIR_ROUNDS, THEIR_VOTES, OUR_ROUNDS = 6, 5, 18


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=40)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    started = time.perf_counter()
    sigmas = {f"sigma {sigma:g}": compare(sigma, arguments.repetitions) for sigma in SIGMAS}
    report = {
        "what": f"simulated: rho in groups of {GROUP_SIZE}, ours with {OUR_ROUNDS} votes per clip "
        f"against ProSkill's protocol with {THEIR_ROUNDS * THEIR_VOTES}",
        "rho": sigmas,
        "reached": {
            reference: all(
                case["ours_less_theirs"][reference]["mean"] >= 0 for case in sigmas.values()
            )
            for reference in ("elo_as_played", "elo_100_orders")
        },
    }
    write_report(arguments.out, report, started=started)


def compare(sigma: float, repetitions: int) -> dict[str, Any]:
    """Method -> rho with its standard error, and the paired differences."""
    runs = [one_campaign(sigma, seed) for seed in range(repetitions)]
    rho = {name: np.array([run[name] for run in runs]) for name in runs[0]}
    theirs = ("elo_as_played", "elo_100_orders")
    return {name: measured(values) for name, values in rho.items()} | {
        "ours_less_theirs": {name: measured(rho["ours_18_votes"] - rho[name]) for name in theirs}
    }


def one_campaign(sigma: float, seed: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    skill = sigma * rng.standard_normal(len(GROUP))
    votes = their_votes(rng, skill)
    *_, ours = islice(simulate_campaign(rng, skill=skill, item_group=GROUP), OUR_ROUNDS)
    ratings = {
        "elo_as_played": rate_as_proskill(votes).elo,
        "elo_100_orders": fit_elo(merge_by_majority(votes), rng=rng).ratings,
        "swiss_score": rate_as_proskill(votes).swiss_score,
        "their_votes_bradley_terry_on_majorities": fit_bradley_terry(
            merge_by_majority(votes)
        ).params,
        "their_votes_bradley_terry": fit_bradley_terry(votes).params,
        "ours_18_votes": ours.fit.params,
        "ours_18_votes_posterior_mean": sample_posterior(
            ours.table, rng=rng, num_draws=300, num_warmup=100
        ).mean(),
    }
    return {
        name: float(spearman(skill.reshape(-1, GROUP_SIZE), x.reshape(-1, GROUP_SIZE)).mean())
        for name, x in ratings.items()
    }


def their_votes(rng: np.random.Generator, skill: np.ndarray) -> ComparisonTable:
    """Swiss rounds by score, 5 votes on each pair; a pair's majority scores."""
    votes = ComparisonTable(
        tuple(map(str, range(len(skill)))),
        *np.empty((3, 0), np.int32),
        groups=tuple(map(str, range(NUM_GROUPS))),
        item_group=GROUP,
    )
    for _ in range(THEIR_ROUNDS):
        pairs = pair_round(merge_by_majority(votes), rng=rng, method="swiss_score")
        left, right = (np.tile(side, THEIR_VOTES) for side in (pairs.left, pairs.right))
        outcome = simulate_votes(
            rng,
            skill=skill,
            left=left,
            right=right,
            annotator=np.zeros(len(left), np.int32),
            annotators=[SimulatedAnnotator()],
        )
        votes = ComparisonTable(
            votes.items,
            np.concatenate([votes.item_a, left]),
            np.concatenate([votes.item_b, right]),
            np.concatenate([votes.outcome, outcome]),
            groups=votes.groups,
            item_group=GROUP,
        )
    return votes


if __name__ == "__main__":
    main()
