"""Rate of "changed more than its noise" for unchanged athletes (false alarms) and for changed ones.

    OMP_NUM_THREADS=1 python benchmarks/change_noise.py [--people 20]

Writes `benchmarks/results/change_noise.json`. Simulated: each performer does a task twice, with the
same skill but for the 7 % of its variance that belong to the single take. The demo checkpoint
scores both. `unchanged` compares a performer's two takes, where yes is wrong and 5 % is the most
that the limit promises; `spread` is the standard deviation of their difference beside that which
the limit assumes. `apart` compares takes of different performers of a task by how
many levels lie between them, as if an athlete had made that step. About 6 s a performer and task.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from measured import write_report

from proskill.athletes.progress import measurement_of
from proskill.athletes.trend import Change, Measurement, change_between
from proskill.data.manifest import read_manifest
from proskill.scoring import Scorer
from proskill.simulation.takes import DEFAULT_TASKS, simulate_dataset

OUT = Path(__file__).parent / "results" / "change_noise.json"
NOW = datetime.now(UTC)  # all at once: no trend is asked for
CHECKPOINT = Path(__file__).parents[1] / "checkpoints/demo"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=20, help="performers of each task")
    parser.add_argument("--tasks", default=",".join(DEFAULT_TASKS))
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    started = time.perf_counter()
    scorer = Scorer.from_checkpoint(CHECKPOINT)
    unchanged: list[Change] = []
    apart: dict[int, list[Change]] = defaultdict(list)
    num_silent = 0
    for number, task in enumerate(arguments.tasks.split(",")):
        scored = score_twice(scorer, task, arguments.people, seed=4100 + number)
        num_silent += sum(None in pair for pair, _ in scored.values())
        for (one, two), _ in scored.values():
            if one and two:
                unchanged.append(change_between(one, two))
        for ((one, _), low), ((other, _), high) in itertools.permutations(scored.values(), 2):
            if one and other and high > low:
                apart[high - low].append(change_between(one, other))
    report = summary(unchanged, apart)
    report["performers_without_an_answer"] = num_silent
    write_report(arguments.out, report, started=started)


def summary(unchanged: list[Change], apart: dict[int, list[Change]]) -> dict[str, Any]:
    """The shares of yes, and how far the differences of unchanged performers spread."""
    claimed = [bool(change.is_more_than_noise) for change in unchanged]
    differences = np.array([change.difference for change in unchanged])
    limits = np.array([change.detectable for change in unchanged], dtype=float)
    return {
        "what": "simulated performers, demo checkpoint: how often a change is called more than "
        "its noise",
        "unchanged": {
            "pairs": len(claimed),
            "said_yes": int(sum(claimed)),
            "share": round(float(np.mean(claimed)), 4),
            "most_promised": 0.05,
        },
        "spread": {
            "of_differences": round(float(differences.std()), 4),
            "assumed": round(float(limits.mean() / 1.959964), 4),
            "smallest_detectable_change": round(float(limits.mean()), 4),
            "by_the_differences_themselves": round(1.959964 * float(differences.std()), 4),
        },
        "apart": {
            f"{levels} levels": {
                "pairs": len(changes),
                "share_of_yes": round(
                    float(np.mean([bool(c.is_more_than_noise) for c in changes])), 4
                ),
            }
            for levels, changes in sorted(apart.items())
        },
    }


def score_twice(
    scorer: Scorer, task: str, num_people: int, *, seed: int
) -> dict[str, tuple[tuple[Measurement | None, Measurement | None], int]]:
    """Performer -> the measurements of their two takes, and the index of their true level."""
    levels = scorer.config.levels
    found: dict[str, list[tuple[Measurement | None, int]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        manifest = simulate_dataset(
            Path(folder), num_participants=num_people, takes_per_participant=2,
            views=("ego", "exo1", "exo2"), tasks=(task,), seed=seed,
        )  # fmt: skip
        for take in read_manifest(manifest):
            files = {name: view.path for name, view in take.views.items()}
            assessment = scorer.score(files)
            measurement = None if assessment.score is None else measurement_of(NOW, assessment)
            found[take.participant_id].append((measurement, levels.index(take.level or "")))
    return {person: ((first[0], second[0]), first[1]) for person, (first, second) in found.items()}


if __name__ == "__main__":
    main()
