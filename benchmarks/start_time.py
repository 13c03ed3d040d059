"""Time from `proskill score` of three demo views to its result, and its parts.

    python benchmarks/start_time.py [--repetitions 5]

Writes `benchmarks/results/start_time.json`. `torch`: `import torch` in a fresh process. `work`: one
score in a process that has scored before. `score`: the command, from start to exit. The files are
read once before, so that they are in the page cache. Beside the wall time, which other load
disturbs, stands the processor time of the process (`cpu_seconds`).
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from measured import write_report

from proskill.simulation.takes import simulate_dataset

OUT = Path(__file__).parent / "results" / "start_time.json"
SCORE_AGAIN = """
import sys, time, proskill
from proskill.scoring import Scorer
scorer = Scorer.from_checkpoint(sys.argv[1])
views = dict(zip(("ego", "exo1", "exo2"), sys.argv[2:]))
scorer.score(views)
wall, cpu = time.perf_counter(), time.process_time()
scorer.score(views)
print(time.perf_counter() - wall, time.process_time() - cpu)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--proskill", type=Path, default=Path(sys.executable).parent / "proskill")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    started = time.perf_counter()
    python = arguments.proskill.parent / "python"
    root = Path(__file__).parents[1]
    with tempfile.TemporaryDirectory() as name:
        simulate_dataset(Path(name), num_participants=1, takes_per_participant=1, seed=3)
        videos = sorted(map(str, Path(name).rglob("*.mp4")))
        checkpoint = str(root / "checkpoints" / "demo")
        command = [str(arguments.proskill), "score", *videos, "--checkpoint", checkpoint]
        measures: dict[str, Callable[[], tuple[float, float]]] = {
            "torch": lambda: run([str(python), "-c", "import torch"]),
            "work": lambda: score_again([str(python), "-c", SCORE_AGAIN, checkpoint, *videos]),
            "score": lambda: run(command),
        }
        for measure in measures.values():
            measure()
        rounds = [
            {name: measure() for name, measure in measures.items()}
            for _ in range(arguments.repetitions)
        ]
    results = {
        name: {
            "seconds": spread([each[name][0] for each in rounds]),
            "cpu_seconds": spread([each[name][1] for each in rounds]),
        }
        for name in measures
    }
    report = {
        "what": "proskill score of three simulated views, and its parts",
        "load_average": os.getloadavg()[0],
        "results": results,
    }
    write_report(arguments.out, report, started=started)


def run(command: Sequence[str]) -> tuple[float, float]:
    """Return wall and processor seconds of a process."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        command, check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def score_again(command: Sequence[str]) -> tuple[float, float]:
    """Return wall and processor seconds of a second score in one process."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    wall, cpu = map(float, done.stdout.split()[-2:])
    return wall, cpu


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return median, least and greatest value."""
    return {
        "median": round(statistics.median(values), 3),
        "min": round(min(values), 3),
        "max": round(max(values), 3),
    }


if __name__ == "__main__":
    main()
