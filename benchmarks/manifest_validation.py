"""Validating manifests of 10,000 and 100,000 rows: seconds and memory, no video opened.

    python benchmarks/manifest_validation.py

Writes `benchmarks/results/manifest_validation.json`. Five views a take, four takes a participant,
one row in a thousand with an unknown level. Each measurement is a process of its own: `read` is
`read_manifest` on a manifest without wrong rows, `check` is `check_dataset` without videos on the
one with them. `memory_mb` is the peak above what the imported package needs, so that it holds the
takes themselves; `seconds` is processor time, which other work on the machine does not touch.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from machine import processor_name

from proskill.data.check import check_dataset
from proskill.data.manifest import MANIFEST_COLUMNS, read_manifest
from proskill.table_files import write_table

OUT = Path(__file__).parent / "results" / "manifest_validation.json"
SIZES = (10_000, 100_000)
NUM_VIEWS, TAKES_PER_PARTICIPANT = 5, 4
ONE_WRONG_IN = 1000
NUMERIC = frozenset({"start_seconds", "end_seconds", "offset_seconds", "rating"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--measure", nargs=2, metavar=("HOW", "FILE"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(*arguments.measure)))
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for num_rows in SIZES:
            for suffix in (".csv", ".parquet"):
                for how in ("read", "check"):
                    path = Path(folder) / f"{how}{suffix}"
                    write(path, num_rows, has_wrong_rows=how == "check")
                    rows.append({"rows": num_rows, "format": suffix, "how": how, **run(how, path)})
                    print(rows[-1])
    report = {
        "what": "validation of manifests with 5 views a take; 0.1 % wrong rows where checked",
        "results": rows,
        "hardware": {
            "cpu": processor_name(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")


def run(how: str, path: Path) -> dict[str, Any]:
    """`measure` in a fresh process."""
    command = [sys.executable, __file__, "--measure", how, str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def measure(how: str, file: str) -> dict[str, Any]:
    if file.endswith(".parquet"):
        import pyarrow.parquet  # noqa: F401  (its own memory is not the table's)
    before = peak_mb()
    started, started_cpu = time.perf_counter(), time.process_time()
    if how == "read":
        found = {"takes": len(read_manifest(file))}
    else:
        report = check_dataset(file, journal=None)
        found = {"takes": report.num_takes, "wrong_rows": len(report.unusable)}
    return {
        **found,
        "seconds": round(time.process_time() - started_cpu, 3),
        "wall_seconds": round(time.perf_counter() - started, 3),
        "memory_mb": round(peak_mb() - before, 1),
    }


def peak_mb() -> float:
    """Linux's own peak of this process; `ru_maxrss` would begin with that of the parent."""
    lines = Path("/proc/self/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def write(path: Path, num_rows: int, *, has_wrong_rows: bool) -> None:
    rows = []
    for row in range(num_rows):
        take, view = divmod(row, NUM_VIEWS)
        participant = take // TAKES_PER_PARTICIPANT
        is_wrong = has_wrong_rows and row % ONE_WRONG_IN == ONE_WRONG_IN - 1
        rows.append(
            {
                "take_id": f"take_{take:06}",
                "view": "ego" if view == 0 else f"exo{view}",
                "kind": "ego" if view == 0 else "exo",
                "path": f"videos/take_{take:06}_{view}.mp4",
                "start_seconds": 0.0,
                "end_seconds": 12.5,
                "offset_seconds": 0.04 * view,
                "scenario": ("climbing", "dance", "cooking")[take % 3],
                "participant_id": f"p{participant:05}",
                "split": ("train", "train", "val", "test")[participant % 4],
                "level": "expert" if is_wrong else "Late Expert",
                "rating": 0.25 * (take % 17),
            }
        )
    write_table(path, MANIFEST_COLUMNS, rows, numeric=NUMERIC)


if __name__ == "__main__":
    main()
