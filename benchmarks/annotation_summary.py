"""Time and size of the organiser's summary, on simulated votes.

    OMP_NUM_THREADS=1 python benchmarks/annotation_summary.py [--sizes 30 200 2000 20000]

Writes `benchmarks/results/annotation_summary.json`. Ten votes a clip on random pairs, 20 people,
skills 1.5 * N(0, 1). Each size runs in a process of its own, as in the server, for its memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from measured import write_report

from proskill.annotation import Annotator, Campaign, CampaignSettings, Clip, Criterion, VoteRow
from proskill.annotation.db.log import CampaignLog
from proskill.annotation.summary.summary import summarise
from proskill.rating import SimulatedAnnotator, simulate_votes

OUT = Path(__file__).parent / "results" / "annotation_summary.json"
NUM_ANNOTATORS = 20
END = 1_750_000_000.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--sizes", type=int, nargs="+", default=[30, 200, 2_000, 20_000])
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one)))
        return
    started = time.perf_counter()
    sizes = {f"{size} clips, {10 * size} votes": in_process(size) for size in arguments.sizes}
    report = {
        "what": "simulated: seconds and size of the organiser's summary",
        "sizes": sizes,
    }
    write_report(arguments.out, report, started=started)


def in_process(num_clips: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--one", str(num_clips)]
    found: dict[str, Any] = json.loads(subprocess.check_output(command, text=True))
    return found


def measure(num_clips: int) -> dict[str, Any]:
    log = simulated_log(num_clips, 10 * num_clips)
    began, began_cpu = time.perf_counter(), time.process_time()
    content = json.dumps(summarise(log, now=END).as_json(), allow_nan=False)
    return {
        "seconds": round(time.perf_counter() - began, 2),
        "cpu_seconds": round(time.process_time() - began_cpu, 2),
        "json_bytes": len(content),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def simulated_log(num_clips: int, num_votes: int) -> CampaignLog:
    rng = np.random.default_rng(0)
    left = rng.integers(0, num_clips, num_votes)
    right = (left + rng.integers(1, num_clips, num_votes)) % num_clips
    who = rng.integers(0, NUM_ANNOTATORS, num_votes)
    outcome = simulate_votes(
        rng,
        skill=1.5 * rng.normal(size=num_clips),
        left=left,
        right=right,
        annotator=who,
        annotators=[SimulatedAnnotator(log_tie=-2.0)] * NUM_ANNOTATORS,
    )
    answers = {1: "left", -1: "right", 0: "tie"}
    instants = END - 2.0 * np.arange(num_votes)[::-1]
    return CampaignLog(
        campaign=Campaign(
            "simulated", END - 2.0 * num_votes, "open", CampaignSettings(), 0,
            (Criterion(1, "overall skill"),),
        ),
        clips=tuple(
            Clip(i + 1, f"clip{i}", f"take {i}", "exo1", Path(f"{i}.mp4"), 0.0, None, None, None,
                 "", None)
            for i in range(num_clips)
        ),
        annotators=tuple(
            Annotator(i + 1, f"annotator {i}", "annotator", 0.0, None, None)
            for i in range(NUM_ANNOTATORS)
        ),
        votes=tuple(
            VoteRow(i + 1, f"token-{i}", 1, i + 1, "new", a + 1, b + 1, k + 1, answers[o], None,
                    None, at - 8.0, at, at, 1.0, 1.0, "simulated", None)
            for i, (a, b, k, o, at) in enumerate(
                zip(left.tolist(), right.tolist(), who.tolist(), outcome.tolist(),
                    instants.tolist(), strict=True)
            )
        ),
        flags=(),
        gold=(),
    )  # fmt: skip


if __name__ == "__main__":
    main()
