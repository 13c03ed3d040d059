"""Speed of `proskill data check` on videos, and cost of a second run.

    python benchmarks/data_check.py [--files 48]

Writes `benchmarks/results/data_check.json`. Files are 10 seconds of 448x448 H.264 at 30 frames a
second with ffmpeg's default groups of up to 250 pictures, two views a take. `first` reads all of
them (5 pictures decoded of each), `again` finds them in the journal; both include starting worker
processes, and hashing where two files have the same size. Worker counts take turns, `repetitions`
times; the median is given.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
from machine import processor_name

from proskill.data.check import check_dataset
from proskill.data.file_facts import FileRequest, examine_file
from proskill.data.manifest import write_manifest
from proskill.data.take import Take, View

OUT = Path(__file__).parent / "results" / "data_check.json"
SECONDS, SIDE, NUM_INSTANTS = 10, 448, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=48)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    workers = sorted({1, 2, os.cpu_count() or 1})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        num_bytes = make_dataset(folder, arguments.files)
        runs: dict[int, list[tuple[float, float]]] = {number: [] for number in workers}
        for repetition in range(arguments.repetitions):
            for number in workers:
                journal = folder / f"{number}_{repetition}.jsonl"
                runs[number].append(
                    (timed(folder, journal, number), timed(folder, journal, number))
                )
        cpu_per_file = cpu_seconds(folder / "0_ego.mp4")
    report = {
        "what": f"check of {arguments.files} files of {SECONDS} s, {SIDE}x{SIDE}, H.264; "
        f"{NUM_INSTANTS} pictures decoded of each",
        "cpu_seconds_per_file": cpu_per_file,
        "files_mb": round(num_bytes / 1e6, 1),
        "by_workers": {
            str(number): summary(times, arguments.files) for number, times in runs.items()
        },
        "hardware": {
            "cpu": processor_name(),
            "cores": os.cpu_count(),
            "load_average": [round(x, 1) for x in os.getloadavg()],
            "python": platform.python_version(),
            "av": av.__version__,
        },
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def timed(folder: Path, journal: Path, num_workers: int) -> float:
    started = time.perf_counter()
    report = check_dataset(
        folder, journal=journal, num_timestamps=NUM_INSTANTS, num_workers=num_workers
    )
    assert not report.unusable, report.unusable[0]
    return time.perf_counter() - started


def cpu_seconds(path: Path) -> float:
    """Processor time for one file, the median of five: what a busy machine cannot change."""
    seconds = []
    for _ in range(5):
        started = time.process_time()
        examine_file(FileRequest(path, num_timestamps=NUM_INSTANTS))
        seconds.append(time.process_time() - started)
    return round(statistics.median(seconds), 3)


def summary(times: list[tuple[float, float]], num_files: int) -> dict[str, Any]:
    first = statistics.median(first for first, _ in times)
    return {
        "first_seconds": round(first, 2),
        "files_per_second": round(num_files / first, 1),
        "video_hours_per_hour": round(num_files * SECONDS / first),
        "again_seconds": round(statistics.median(again for _, again in times), 3),
        "all_seconds": [[round(value, 3) for value in pair] for pair in times],
    }


def make_dataset(folder: Path, num_files: int) -> int:
    """Files of different bytes and their manifest; returns the bytes of all files."""
    source = f"testsrc2=size={SIDE}x{SIDE}:rate=30:duration={SECONDS}"
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-f", "lavfi", "-i", source,
            "-vf", "noise=alls=8:allf=t", "-c:v", "libx264", "-pix_fmt", "yuv420p",
            str(folder / "one.mp4"),
        ],
        check=True,
    )  # fmt: skip
    content = (folder / "one.mp4").read_bytes()
    takes = []
    for number in range(num_files // 2):
        views = {}
        for name, kind in (("ego", "ego"), ("exo1", "exo")):
            path = folder / f"{number}_{name}.mp4"
            # A box that readers pass over makes each file another one.
            box = f"{path.name:<24}".encode()
            path.write_bytes(content + (8 + len(box)).to_bytes(4, "big") + b"free" + box)
            views[name] = View(path, kind)
        takes.append(Take(f"t{number}", f"p{number}", "pattern", views, "train", "Novice"))  # type: ignore[arg-type]
    write_manifest(folder / "manifest.csv", takes)
    return num_files * (len(content) + 32)


if __name__ == "__main__":
    main()
