"""Batch scoring: a row for every clip, with broken clips, a killed run and bounded memory.

    OMP_NUM_THREADS=1 python benchmarks/batch_scoring.py [--clips 1000] [--broken 20]

Writes `benchmarks/results/batch_scoring.json`. Simulated single-view clips, a few dozen different
ones in as many copies as needed, and among them broken ones of five kinds. `proskill score --out`
runs on the folder, is killed (SIGKILL) when half of the rows are there, and goes on with
`--resume`; the memory of both processes is sampled. Then the same folder in two shards, whose rows
one after the other must be those of the first file. About half a second a clip and pass.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from machine import processor_name

from proskill.scoring.assessment import TIMING_FIELDS
from proskill.simulation.takes import simulate_dataset

OUT = Path(__file__).parent / "results" / "batch_scoring.json"
NUM_RENDERED_PEOPLE = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--broken", type=int, default=20)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broken = write_clips(folder, arguments.clips, arguments.broken)
        report = measure(folder, arguments.clips, broken)
    report["hardware"] = {
        "cpu": processor_name(),
        "cores": os.cpu_count(),
        "load_average": [round(x, 1) for x in os.getloadavg()],
        "python": platform.python_version(),
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def write_clips(folder: Path, num_clips: int, num_broken: int) -> set[str]:
    """Fill `folder/clips`; the names of those that are broken."""
    simulate_dataset(
        folder / "data", num_participants=NUM_RENDERED_PEOPLE, takes_per_participant=2,
        views=("exo1",), seed=7,
    )  # fmt: skip
    rendered = [path.read_bytes() for path in sorted((folder / "data").rglob("*.mp4"))]
    rng = np.random.default_rng(0)
    chosen = set(rng.choice(num_clips, num_broken, replace=False).tolist())
    (folder / "clips").mkdir()
    names = set()
    for number in range(num_clips):
        content, name = rendered[number % len(rendered)], f"clip_{number:05}"
        if number in chosen:
            names.add(name)
            content = damaged(content, len(names) % 5, rng)
        (folder / "clips" / f"{name}.mp4").write_bytes(content)
    return names


def damaged(content: bytes, kind: int, rng: np.random.Generator) -> bytes:
    """Nothing, a text, noise, a header alone, or the second half of a clip."""
    return (
        b"", b"not a video\n" * 50, rng.bytes(5000), content[:600], content[len(content) // 2 :]
    )[kind]  # fmt: skip


def measure(folder: Path, num_clips: int, broken: set[str]) -> dict[str, Any]:
    out = folder / "results.jsonl"
    started = time.perf_counter()
    killed = run(folder, out, kill_at=num_clips // 2)
    resumed = run(folder, out, "--resume")
    seconds = time.perf_counter() - started
    rows = rows_of(out)
    shards: list[dict[str, Any]] = []
    for shard in ("0", "1"):
        run(folder, folder / "s.jsonl", "--num-shards", "2", "--shard", shard)
        shards += rows_of(folder / f"s-0000{shard}-of-00002.jsonl")
    return {
        "what": "simulated clips, copied; proskill score --out, killed half-way and resumed",
        "clips": num_clips,
        "broken": len(broken),
        "rows": len(rows),
        "errors": sum(row["status"] == "error" for row in rows),
        "errors_are_the_broken_ones": {r["take_id"] for r in rows if r["status"] == "error"}
        == broken,
        "in_order": [row["take_id"] for row in rows] == sorted(row["take_id"] for row in rows),
        "rows_when_killed": killed["rows_when_killed"],
        "shards_have_the_same_rows": list(map(lasting, shards)) == list(map(lasting, rows)),
        "seconds_per_clip": round(seconds / num_clips, 3),
        "memory_mb_of_the_resumed_run": resumed["memory_mb"],
    }


def run(folder: Path, out: Path, *options: str, kill_at: int | None = None) -> dict[str, Any]:
    """Run the command, sampling its memory; kill it when so many rows are there."""
    command = [sys.executable, "-m", "proskill.cli.main", "score", str(folder / "clips")]
    process = subprocess.Popen([*command, "--out", str(out), *options], stderr=subprocess.DEVNULL)
    partial, samples, num_rows = out.with_name(f"{out.name}.partial"), [], 0
    while process.poll() is None:
        time.sleep(0.5)
        samples.append(memory_mb(process.pid))
        if kill_at is not None and partial.exists():
            num_rows = partial.read_bytes().count(b"\n")
            if num_rows >= kill_at:
                process.send_signal(signal.SIGKILL)
                process.wait()
    if kill_at is None and process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    samples = [sample for sample in samples if sample]
    tenth = max(1, len(samples) // 10)
    return {
        "rows_when_killed": num_rows,
        "memory_mb": {
            "first_fifth": round(max(samples[: 2 * tenth])),
            "last_tenth": round(max(samples[-tenth:])),
            "peak": round(max(samples)),
        },
    }


def memory_mb(process_id: int) -> float:
    """Resident memory; 0 once the process has ended."""
    try:
        lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def lasting(row: dict[str, Any]) -> dict[str, Any]:
    """A row without what differs between two runs."""
    origin = {k: v for k, v in row.get("provenance", {}).items() if k not in TIMING_FIELDS}
    return {**row, "provenance": origin}


if __name__ == "__main__":
    main()
