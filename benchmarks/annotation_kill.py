"""Repeated `kill -9` of the server under load: count lost and duplicate acknowledged votes.

    python benchmarks/annotation_kill.py [--kills 50]

Writes `benchmarks/results/annotation_kill.json`. 16 simulated annotators vote without a pause on a
campaign (SQLite); the server is killed at a random moment, the file is checked, and the next server
goes on with it.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
import time
from pathlib import Path

from annotation_server import compare_log, make_campaign, serving, start_annotators
from measured import write_report

OUT = Path(__file__).parent / "results" / "annotation_kill.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    started, chance = time.perf_counter(), random.Random(arguments.seed)
    exit_codes, damaged, per_kill = set(), 0, []
    with tempfile.TemporaryDirectory() as folder:
        campaign, log = Path(folder, "campaign"), Path(folder, "log.jsonl")
        make_campaign(campaign, num_clips=2_000)
        for _ in range(arguments.kills):
            before = len(log.read_text().splitlines()) if log.exists() else 0
            with serving(campaign) as (url, server):
                annotators = start_annotators(
                    campaign, [url], annotators=16, votes=10**6, pause=0, log=log
                )
                # Not before somebody votes; then at any moment of the work.
                while not log.exists() or len(log.read_text().splitlines()) == before:
                    time.sleep(0.02)
                time.sleep(chance.uniform(0, 1.0))
                server.kill()
                annotators.communicate()
            exit_codes.add(annotators.returncode)
            per_kill.append(len(log.read_text().splitlines()) - before)
            connection = sqlite3.connect(campaign / "campaign.sqlite")
            damaged += connection.execute("PRAGMA integrity_check").fetchall() != [("ok",)]
            connection.close()
        figures = compare_log(campaign, log)
    report = {
        "what": "16 simulated annotators without a pause, the server killed with SIGKILL",
        "kills": arguments.kills,
        "damaged_files": damaged,
        "acknowledged_between_kills": {"min": min(per_kill), "max": max(per_kill)},
        "exit_codes_of_annotators": sorted(exit_codes),
        **figures,
    }
    write_report(arguments.out, report, started=started)


if __name__ == "__main__":
    main()
