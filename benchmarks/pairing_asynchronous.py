"""Pairs one at a time, as an annotation server hands them out, against synchronous rounds.

    OMP_NUM_THREADS=1 python benchmarks/pairing_asynchronous.py [--repetitions 100]

Writes `benchmarks/results/pairing_asynchronous.json`; all simulated. 50 annotators, on average 20 s
a vote, each at their own speed (log-normal, sd .5; each answer gamma distributed, shape 4); 5 % of
the pairs are abandoned until their lease expires after 60 s, and slower answers come just in time;
a refit every 5 s for 200 items, every 10 s for 2,000 (a fifth of the repetitions). Spearman's rho
with the true skills (sd 3 logits) after 10 votes for each item, less the rho of mix20 rounds on the
same skills with as many votes.
"""

from __future__ import annotations

import argparse
import heapq
import json
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from pairing import NUM_PEOPLE, NUM_ROUNDS, SIGMA, hardware, table_without_votes, with_pairs
from scipy.stats import spearmanr

from proskill.rating.asynchronous import AsynchronousPairing, Pair
from proskill.rating.bradley_terry import fit_bradley_terry
from proskill.rating.comparisons import ComparisonTable
from proskill.rating.simulated import SimulatedAnnotator, simulate_campaign, simulate_votes

OUT = Path(__file__).parent / "results" / "pairing_asynchronous.json"
SECONDS_PER_VOTE, LEASE_SECONDS, ABANDONED = 20.0, 60.0, 0.05
SHARES = {"no repeats": (0.0, 0.0), ".15 and .05 repeats": (0.15, 0.05)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=100)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    report = {
        "200 items, a refit every 5 s": compare(200, 5.0, arguments.repetitions),
        "2000 items, a refit every 10 s": compare(2_000, 10.0, max(arguments.repetitions // 5, 2)),
        "hardware": hardware(),
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def compare(num_items: int, refit_seconds: float, num_repetitions: int) -> dict[str, Any]:
    """Rho of rounds, and for each choice of repeats the difference of the server's rho to it."""
    rhos: dict[str, list[float]] = {name: [] for name in ("rounds", *SHARES)}
    spread, num_expired = [], []
    for seed in range(num_repetitions):
        rng = np.random.default_rng([num_items, seed])
        skill = SIGMA * rng.standard_normal(num_items)
        campaign = simulate_campaign(rng, skill=skill, fit_annotators=False)
        *_, last = islice(campaign, NUM_ROUNDS)
        rhos["rounds"].append(spearmanr(skill, last.fit.params)[0])
        for name, shares in SHARES.items():
            server = Server(skill, rng, shares)
            table = server.run(refit_seconds)
            params = fit_bradley_terry(table, fit_annotators=False).params
            rhos[name].append(spearmanr(skill, params)[0])
            spread.append(float(table.num_comparisons().std()))
            num_expired.append(server.num_expired)
    rounds = np.array(rhos["rounds"])
    return {
        "num_repetitions": num_repetitions,
        "rho_rounds": summary(rounds),
        "rho_difference": {name: summary(np.array(rhos[name]) - rounds) for name in SHARES},
        "sd_of_votes_per_item": round(float(np.mean(spread)), 2),
        "expired_leases": round(float(np.mean(num_expired)), 1),
        "rhos": {name: [round(float(rho), 4) for rho in values] for name, values in rhos.items()},
    }


class Server:
    """Annotators who ask, answer or walk away, in simulated time, until the votes are there."""

    def __init__(
        self, skill: np.ndarray, rng: np.random.Generator, shares: tuple[float, float]
    ) -> None:
        self.skill, self.rng, self.num_expired = skill, rng, 0
        self.table = table_without_votes(np.zeros(len(skill), int))
        self.pairing = AsynchronousPairing(
            self.table, rng=rng, repeat_share=shares[0], swapped_share=shares[1]
        )
        self.mean_seconds = SECONDS_PER_VOTE * np.exp(0.5 * rng.standard_normal(NUM_PEOPLE))
        self.events: list[tuple[float, int, bool, Pair]] = []  # when, who, answered, what

    def run(self, refit_seconds: float) -> ComparisonTable:
        answers: list[Pair] = []
        params, next_fit = np.zeros(len(self.skill)), refit_seconds
        for person in range(NUM_PEOPLE):
            self.ask(person, 0.0)
        while len(answers) < len(self.skill) * NUM_ROUNDS // 2:
            now, person, is_answered, pair = heapq.heappop(self.events)
            if now > next_fit:
                self.vote(answers)
                if answers:
                    params = fit_bradley_terry(
                        self.table, fit_annotators=False, start=params
                    ).params
                    self.pairing.update_params(params)
                next_fit += refit_seconds * (1 + (now - next_fit) // refit_seconds)
            if is_answered:
                self.pairing.record(pair)
                answers.append(pair)
            else:
                self.pairing.release(pair)
                self.num_expired += 1
            self.ask(person, now)
        self.vote(answers)
        return self.table

    def ask(self, person: int, now: float) -> None:
        pair = self.pairing.next_pair(str(person))
        assert pair is not None  # 200 items have 19,900 pairs, ten times what is asked
        is_answered = self.rng.random() >= ABANDONED
        seconds = self.mean_seconds[person] * self.rng.gamma(4) / 4
        seconds = min(seconds, LEASE_SECONDS) if is_answered else LEASE_SECONDS
        heapq.heappush(self.events, (now + seconds, person, is_answered, pair))

    def vote(self, answers: list[Pair]) -> None:
        """Draw the votes on the pairs that the table has not got."""
        new = answers[len(self.table) :]
        if new:
            left, right = np.array([(pair.left, pair.right) for pair in new]).T
            outcome = simulate_votes(
                self.rng,
                skill=self.skill,
                left=left,
                right=right,
                annotator=np.zeros(len(new), int),
                annotators=[SimulatedAnnotator()],
            )
            self.table = with_pairs(self.table, left, right, outcome)


def summary(values: np.ndarray) -> dict[str, float]:
    return {
        "mean": round(float(values.mean()), 4),
        "standard_error": round(float(values.std(ddof=1) / np.sqrt(len(values))), 4),
    }


if __name__ == "__main__":
    main()
