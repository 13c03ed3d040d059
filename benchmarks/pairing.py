"""Pairing: seconds of a round and of a single pair, and rematches in small groups.

    OMP_NUM_THREADS=1 python benchmarks/pairing.py [--only rounds|rematches|next_pair]

Writes `benchmarks/results/pairing.json`; with `--only` that part is replaced and the rest stays.

`rounds`: seconds of one mix20 round, ratings given, after 0 to 10 rounds of votes.
`floor_seconds` is what no method does without: sort the ratings, and the pairs that were played.
`rematches`: 500 groups of 16 until all 15 rounds are played, against greedy look-ahead, and all 199
rounds of a group of 200. `next_pair`: the call, the record of its answer and a restart at 20,000
items. Wall seconds where nothing else is said; on a shared machine they hold the work of others.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from machine import processor_name

from proskill.rating.asynchronous import AsynchronousPairing
from proskill.rating.comparisons import ComparisonTable
from proskill.rating.matching import Meetings
from proskill.rating.pairing import left_surplus, pair_round

OUT = Path(__file__).parent / "results" / "pairing.json"
SIGMA, NUM_ROUNDS = 3.0, 10
NUM_PEOPLE = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT)
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "rounds": time_rounds,
        "rematches": count_rematches,
        "next_pair": time_next_pair,
    }
    parser.add_argument("--only", choices=parts)
    arguments = parser.parse_args()
    report = json.loads(arguments.out.read_text()) if arguments.out.exists() else {}
    for name in [arguments.only] if arguments.only else parts:
        report[name] = parts[name]() | {"hardware": hardware()}
        print(json.dumps({name: report[name]}, indent=2), flush=True)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")


def time_rounds() -> dict[str, Any]:
    """Cases -> seconds of each round, the floor, rematches and the worst imbalance of sides."""
    cases = {f"{n} items": (n, 1) for n in (200, 2_000, 20_000, 200_000)}
    cases["12500 groups of 16 items"] = (16, 12_500)
    results = {}
    for name, (size, num_groups) in cases.items():
        rng = np.random.default_rng(0)
        skill = SIGMA * rng.standard_normal(size * num_groups)
        table = table_without_votes(np.repeat(np.arange(num_groups), size))
        seconds, cpu, floor, num_rematches = [], [], [], 0
        for _ in range(NUM_ROUNDS + 1):
            params = skill + rng.standard_normal(len(skill))
            started, started_cpu = time.perf_counter(), time.thread_time()
            pairs = pair_round(table, rng=rng, params=params)
            seconds.append(round(time.perf_counter() - started, 4))
            cpu.append(round(time.thread_time() - started_cpu, 4))
            started = time.perf_counter()
            np.argsort(params)
            np.sort(table.item_a.astype(np.int64) * len(skill) + table.item_b)
            floor.append(round(time.perf_counter() - started, 4))
            num_rematches += np.count_nonzero(Meetings.of(table).count(pairs.left, pairs.right))
            table = with_pairs(table, pairs.left, pairs.right)
        results[name] = {
            "max_seconds": max(seconds),
            "max_cpu_seconds": max(cpu),
            "seconds": seconds,
            "floor_seconds": floor,
            "rematches": int(num_rematches),
            "max_left_surplus": int(np.abs(left_surplus(table)).max()),
        }
    return results


def count_rematches() -> dict[str, Any]:
    """Share of rematches in each of the 15 rounds of groups of 16; seconds of a group of 200."""
    shares: dict[str, list[float]] = {"ours": [], "greedy_look_ahead": []}
    for name, share in shares.items():
        rng = np.random.default_rng(0)
        group = np.repeat(np.arange(500), 16)
        skill = SIGMA * rng.standard_normal(len(group))
        table = table_without_votes(group)
        for _ in range(15):
            params = skill + rng.standard_normal(len(skill))
            if name == "ours":
                pairs = pair_round(table, rng=rng, params=params)
                left, right = pairs.left, pairs.right
            else:
                left, right = pair_greedily(table, params, rng)
            share.append(float((Meetings.of(table).count(left, right) > 0).mean()))
            table = with_pairs(table, left, right)
    rng, seconds, num_rematches = np.random.default_rng(0), [], []
    table, skill = table_without_votes(np.zeros(200, int)), SIGMA * rng.standard_normal(200)
    for _ in range(199):
        started = time.perf_counter()
        pairs = pair_round(table, rng=rng, params=skill + rng.standard_normal(200))
        seconds.append(round(time.perf_counter() - started, 4))
        num_rematches.append(int(Meetings.of(table).count(pairs.left, pairs.right).sum()))
        table = with_pairs(table, pairs.left, pairs.right)
    first = next((k + 1 for k, number in enumerate(num_rematches) if number), None)
    return {
        "groups of 16: share of rematches in rounds 1 to 15": shares,
        "group of 200, rounds 1 to 199": {
            "first_round_with_a_rematch": first,
            "seconds_median_of_rounds_1_to_100": float(np.median(seconds[:100])),
            "max_seconds_of_rounds_1_to_100": max(seconds[:100]),
            "max_seconds": max(seconds),
        },
    }


def pair_greedily(
    table: ComparisonTable, params: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A fifth at random, the others by rating, each with the next free item it has not met."""
    met = set(zip(table.item_a.tolist(), table.item_b.tolist(), strict=True))
    pairs = []
    for group in range(len(table.groups)):
        order = rng.permutation(np.flatnonzero(table.item_group == group))
        num_random = 2 * round(0.1 * len(order))
        rest = order[num_random:]
        free = [*order[:num_random].tolist(), *rest[np.argsort(params[rest])].tolist()]
        while free:
            item = free.pop(0)
            new = (k for k, b in enumerate(free) if (item, b) not in met and (b, item) not in met)
            pairs.append((item, free.pop(next(new, 0))))
    left, right = np.array(pairs).T
    return left, right


def time_next_pair() -> dict[str, Any]:
    """Seconds of `next_pair` and `record` at 20,000 items until 10 votes each, and of a restart."""
    num_items = 20_000
    rng = np.random.default_rng(0)
    table = table_without_votes(np.zeros(num_items, int))
    params = SIGMA * rng.standard_normal(num_items)
    pairing = AsynchronousPairing(table, rng=rng, params=params)
    wall, cpu, recording, answers = [], [], [], []
    for k in range(num_items * NUM_ROUNDS // 2):
        started, started_cpu = time.perf_counter(), time.thread_time()
        pair = pairing.next_pair(str(k % NUM_PEOPLE))
        wall.append(time.perf_counter() - started)
        cpu.append(time.thread_time() - started_cpu)
        started = time.perf_counter()
        pairing.record(pair)
        recording.append(time.perf_counter() - started)
        answers.append((pair.left, pair.right))
    left, right = np.array(answers).T
    table = with_pairs(table, left, right)
    started = time.perf_counter()
    AsynchronousPairing(table, rng=rng, params=params)
    return {
        "next_pair_median_seconds": round(float(np.median(wall)), 6),
        "next_pair_p99_seconds": round(float(np.quantile(wall, 0.99)), 6),
        "next_pair_p99_cpu_seconds": round(float(np.quantile(cpu, 0.99)), 6),
        "next_pair_max_cpu_seconds": round(max(cpu), 6),
        "record_median_seconds": round(float(np.median(recording)), 6),
        "restart_from_100000_votes_seconds": round(time.perf_counter() - started, 3),
    }


def table_without_votes(item_group: np.ndarray) -> ComparisonTable:
    return ComparisonTable(
        items=tuple(map(str, range(len(item_group)))),
        item_a=np.empty(0, int),
        item_b=np.empty(0, int),
        outcome=np.empty(0, int),
        groups=tuple(map(str, range(int(item_group.max()) + 1))),
        item_group=item_group,
    )


def with_pairs(
    table: ComparisonTable, left: np.ndarray, right: np.ndarray, outcome: np.ndarray | None = None
) -> ComparisonTable:
    """The table with more rows, item a on the left, all won by it where no outcome is given."""
    return replace(
        table,
        item_a=np.concatenate([table.item_a, left]),
        item_b=np.concatenate([table.item_b, right]),
        outcome=np.concatenate([table.outcome, np.ones(len(left)) if outcome is None else outcome]),
        left=np.ones(len(table) + len(left)),
        annotator=np.empty(0),
        seconds=np.empty(0),
    )


def hardware() -> dict[str, Any]:
    return {
        "cpu": processor_name(),
        "cores": os.cpu_count(),
        "load_average": [round(x, 1) for x in os.getloadavg()],
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


if __name__ == "__main__":
    main()
