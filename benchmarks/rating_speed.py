"""Time and memory of ratings, against choix on the same simulated votes.

    OMP_NUM_THREADS=1 python benchmarks/rating_speed.py

Writes `benchmarks/results/rating_speed.json`. Random pairs, five votes an item, skills 3 * N(0, 1),
one annotator unless said otherwise. Each figure is the median of five runs with the CPU time beside
it, the peer's of three; the largest case runs once, in a process of its own for its peak memory.

The floor of a fit is what it reads: with C cells of votes, each conjugate-gradient step passes over
about 12 arrays of C numbers of 8 bytes; 60 steps and 13 evaluations of 100,000 cells are 0.7 GB,
hence about 0.07 s at the 10 GB/s that one core of such a machine copies.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import choix
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measured import write_report
from scipy.special import expit

from proskill.rating import ComparisonTable, fit_bradley_terry, fit_elo, sample_posterior
from proskill.rating_files.read import read_comparisons

OUT = Path(__file__).parent / "results" / "rating_speed.json"
ALPHA = 1 / 18


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--large", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.large:
        print(json.dumps(rate_large_file(arguments.large)))
        return
    started = time.perf_counter()
    fit = {f"{size} items": fit_seconds(size) for size in (200, 2_000, 20_000)}
    peer = against_choix()
    large = large_file()
    report = {
        "what": "simulated: seconds and memory of ratings, five votes an item on random pairs",
        "fit": fit,
        "choix": peer,
        "posterior": {f"{size} items": posterior_seconds(size) for size in (200, 2_000, 20_000)},
        "elo_100_orders": {f"{size} items": elo_seconds(size) for size in (200, 2_000, 20_000)},
        "200000 items, 1000000 votes from Parquet": large,
        "reached": {
            "fit of 20,000 items within 0.2 s": fit["20000 items"]["plain"]["seconds"] <= 0.2,
            "choix at least 20 times slower": peer["ratio"] >= 20,
            "params equal those of choix within 1e-4": peer["largest_difference"] <= 1e-4,
            "large case under 2 GB": large["peak_bytes"] < 2e9,
        },
    }
    write_report(arguments.out, report, started=started)


def votes(num_items: int, *, num_annotators: int = 1) -> ComparisonTable:
    rng = np.random.default_rng(0)
    num_votes = 5 * num_items
    skill = 3 * rng.normal(size=num_items)
    a = rng.integers(0, num_items, num_votes)
    b = (a + rng.integers(1, num_items, num_votes)) % num_items
    outcome = np.where(rng.random(num_votes) < expit(skill[a] - skill[b]), 1, -1)
    several = num_annotators > 1
    return ComparisonTable(
        items=tuple(f"item {i}" for i in range(num_items)),
        item_a=a,
        item_b=b,
        outcome=outcome,
        annotators=tuple(f"annotator {k}" for k in range(num_annotators)),
        annotator=rng.integers(0, num_annotators, num_votes),
        left=rng.choice([-1, 1], num_votes) if several else np.zeros(num_votes),
    )


def timed(run: Callable[[], object], repetitions: int = 5) -> dict[str, float]:
    wall, cpu = [], []
    for _ in range(repetitions):
        began, began_cpu = time.perf_counter(), time.process_time()
        run()
        wall.append(time.perf_counter() - began)
        cpu.append(time.process_time() - began_cpu)
    return {"seconds": round(float(np.median(wall)), 4), "cpu": round(float(np.median(cpu)), 4)}


def fit_seconds(num_items: int) -> dict[str, dict[str, float]]:
    plain, full = votes(num_items), votes(num_items, num_annotators=10)
    return {
        "plain": timed(lambda: fit_bradley_terry(plain)),
        "10 annotators and sides": timed(lambda: fit_bradley_terry(full)),
    }


def against_choix(num_items: int = 2_000) -> dict[str, Any]:
    table = votes(num_items)
    a, b, won = table.item_a.tolist(), table.item_b.tolist(), (table.outcome > 0).tolist()
    wins = [(i, j) if first else (j, i) for i, j, first in zip(a, b, won, strict=True)]
    found: list[Any] = []
    theirs = timed(lambda: found.append(choix.opt_pairwise(num_items, wins, alpha=ALPHA)), 3)
    ours = timed(lambda: fit_bradley_terry(table, alpha=ALPHA))
    exact = choix.opt_pairwise(num_items, wins, alpha=ALPHA, tol=1e-10)
    difference = abs(fit_bradley_terry(table, alpha=ALPHA).params - exact).max()
    return {
        "num_items": num_items,
        "opt_pairwise": theirs,
        "ours": ours,
        "ratio": round(theirs["seconds"] / ours["seconds"], 1),
        "ratio_cpu": round(theirs["cpu"] / ours["cpu"], 1),
        "largest_difference": float(difference),
    }


def posterior_seconds(num_items: int, num_sweeps: int = 300) -> dict[str, Any]:
    table = votes(num_items)
    rng = np.random.default_rng(0)
    took = timed(lambda: sample_posterior(table, rng=rng, num_draws=num_sweeps, num_warmup=0), 1)
    return took | {"num_sweeps": num_sweeps}


def elo_seconds(num_items: int) -> dict[str, float]:
    table = votes(num_items)
    return timed(lambda: fit_elo(table, rng=np.random.default_rng(0)), 3)


def large_file(num_items: int = 200_000) -> dict[str, Any]:
    table = votes(num_items)
    names = pa.array(table.items)
    annotator = np.random.default_rng(1).integers(0, 100, len(table))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "votes.parquet"
        pq.write_table(
            pa.table(
                {
                    "item_a": names.take(pa.array(table.item_a)),
                    "item_b": names.take(pa.array(table.item_b)),
                    "outcome": pa.array(np.where(table.outcome > 0, "a", "b")),
                    "annotator": pa.array([f"annotator {k}" for k in annotator.tolist()]),
                }
            ),
            path,
        )
        command = [sys.executable, __file__, "--large", str(path)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def rate_large_file(path: Path) -> dict[str, Any]:
    began = time.perf_counter()
    table = read_comparisons([path]).table
    read = time.perf_counter()
    fit_bradley_terry(table, fit_annotators=False)
    plain = time.perf_counter()
    fit_bradley_terry(table)
    full = time.perf_counter()
    return {
        "read_seconds": round(read - began, 2),
        "fit_seconds": round(plain - read, 2),
        "fit_100_annotators_seconds": round(full - plain, 2),
        "cpu": round(time.process_time(), 2),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


if __name__ == "__main__":
    main()
