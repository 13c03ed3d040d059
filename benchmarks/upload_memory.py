"""Memory of scoring uploads: many in a row, several at once, broken ones among them.

    python benchmarks/upload_memory.py [--uploads 200] [--at-once 8]

Writes `benchmarks/results/upload_memory.json`. A simulated take's views and files cut off, emptied
or filled with chance are scored again and again by `score_uploads` in one process with the demo
checkpoint, as the app does it. `rss_mb` is this process's resident memory, after freeing what the
allocator keeps: at the start (one upload of each kind has been scored, so that all is loaded), then
after each tenth of the uploads, then after as many at once. `ratio` is the last by the first;
`child_peak_mb` the largest process that a file was examined or copied in.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
from child_memory import ChildMemory
from measured import write_report

from proskill.errors import ProskillError
from proskill.scoring import Scorer
from proskill.scoring.uploads import score_uploads
from proskill.shipped_files import find_default_checkpoint
from proskill.simulation.takes import simulate_dataset

OUT = Path(__file__).parent / "results" / "upload_memory.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    started = time.perf_counter()
    torch.set_num_threads(1)
    scorer = Scorer.from_checkpoint(find_default_checkpoint())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        uploads = make_uploads(folder)
        copies = folder / "copies"
        copies.mkdir()
        counts = {"scored": 0, "refused": 0}

        def one(number: int) -> None:
            outcome = upload(scorer, uploads[number % len(uploads)], copies)
            counts[outcome] += 1

        for number in range(len(uploads)):
            one(number)
        rss = {"start": rss_mb()}
        with ChildMemory() as children:
            rss |= in_a_row(one, arguments.uploads)
            with ThreadPoolExecutor(arguments.at_once) as pool:
                list(pool.map(one, range(4 * arguments.at_once)))
        rss[f"after {4 * arguments.at_once}, {arguments.at_once} at once"] = rss_mb()
        report: dict[str, Any] = {
            "what": "resident memory of a process that scores uploads by copies",
            **counts,
            "rss_mb": rss,
            "ratio": round(list(rss.values())[-1] / rss["start"], 3),
            "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "child_peak_mb": children.peak_mb,
            "files_left": len(list(copies.glob("**/*"))),
            "open_files": len(os.listdir("/proc/self/fd")),
        }
    write_report(arguments.out, report, started=started)


def make_uploads(folder: Path) -> list[dict[str, Path]]:
    """A take of three views, each view alone, and what people send by mistake or ill will."""
    simulate_dataset(folder / "takes", num_participants=3, takes_per_participant=1, seed=3)
    files = sorted((folder / "takes").rglob("*.mp4"))[:3]
    views = {path.stem.rsplit("_", 1)[1]: path for path in files}
    content = files[0].read_bytes()
    broken = {"cut": content[: len(content) // 2], "empty": b"", "chance": os.urandom(100_000)}
    uploads = [views, *({name: path} for name, path in views.items())]
    for name, data in broken.items():
        path = folder / f"{name}.mp4"
        path.write_bytes(data)
        uploads.append({"exo1": path})
    return uploads


def upload(scorer: Scorer, views: dict[str, Path], copies: Path) -> str:
    """Score, and delete the copies as the app does when its page is closed."""
    try:
        result = score_uploads(scorer, views, folder=copies)
    except ProskillError:
        return "refused"
    for proxy in result.proxies.values():
        proxy.path.unlink()
    return "scored"


def in_a_row(one: Callable[[int], None], count: int) -> dict[str, float]:
    marks = {}
    for number in range(count):
        one(number)
        if (number + 1) % max(1, count // 10) == 0:
            marks[f"after {number + 1}"] = rss_mb()
    return marks


def rss_mb() -> float:
    """Resident memory of this process, without what the allocator keeps for later."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * resource.getpagesize() / 1e6, 1)


if __name__ == "__main__":
    main()
