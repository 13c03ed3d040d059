"""Simulated annotators over HTTP: lost and duplicate votes, and latency of a vote.

    python benchmarks/annotation_load.py [--votes 20000] [--pause 0.2] [--database sqlite]

Writes `benchmarks/results/annotation_load_<case>.json`. 32 annotators in one process of their own,
2,000 clips without videos; a time is from sending a vote to having the next pair, at the client,
which shares the machine with the server. `--database postgresql` starts a server of it and two
servers of the campaign; `--pause 0` shows what limits the throughput: the processor's share of each
process is reported.
"""

from __future__ import annotations

import argparse
import glob
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from annotation_server import compare_log, finish, make_campaign, serving, start_annotators
from measured import write_report

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--annotators", type=int, default=32)
    parser.add_argument("--votes", type=int, default=20_000)
    parser.add_argument("--pause", type=float, default=0.2)
    parser.add_argument("--clips", type=int, default=2_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    case = arguments.database + ("" if arguments.pause else "_no_pause")
    started = time.perf_counter()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(postgresql()) if arguments.database == "postgresql" else None
        figures = measure(folder, url, arguments, stack)
    report = {
        "what": f"{arguments.annotators} simulated annotators over HTTP with {arguments.pause:g} s "
        f"before each vote, {arguments.database}, {1 if url is None else 2} server processes, "
        f"{arguments.clips} clips",
        **figures,
    }
    out = arguments.out or RESULTS / f"annotation_load_{case}.json"
    write_report(out, report, started=started)


def measure(
    folder: Path, url: str | None, arguments: argparse.Namespace, stack: ExitStack
) -> dict[str, Any]:
    campaign, log = folder / "campaign", folder / "log.jsonl"
    make_campaign(campaign, num_clips=arguments.clips, url=url)
    servers = [stack.enter_context(serving(campaign)) for _ in range(1 if url is None else 2)]
    annotators = start_annotators(
        campaign,
        [address for address, _ in servers],
        annotators=arguments.annotators,
        votes=arguments.votes,
        pause=arguments.pause,
        log=log,
    )
    cpu_before = {server.pid: cpu_seconds(server.pid) for _, server in servers}
    simulated = finish(annotators)
    seconds = simulated["seconds"]
    cores = [(cpu_seconds(pid) - before) / seconds for pid, before in cpu_before.items()]
    clients = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        **compare_log(campaign, log, url=url),
        "simulation": simulated,
        "cores_used_by_servers": [round(share, 2) for share in cores],
        "cores_used_by_annotators": round((clients.ru_utime + clients.ru_stime) / seconds, 2),
        "sync_ms": sync_milliseconds(folder),
        "load_average_at_the_end": os.getloadavg()[0],
    }


def cpu_seconds(pid: int) -> float:
    """Of a process without its children, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def sync_milliseconds(folder: Path) -> float:
    """Return the median time of 200 synced writes of 4 KiB, the floor of a vote's commit."""
    times = []
    with (folder / "sync").open("wb") as file:
        for _ in range(200):
            file.write(bytes(4096))
            file.flush()
            started = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(1000 * (time.perf_counter() - started))
    return round(sorted(times)[100], 3)


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of an empty database on a PostgreSQL server that syncs to the disk, as by default."""
    programs = Path(shutil.which("initdb") or max(glob.glob("/usr/lib/postgresql/*/bin/initdb")))
    programs = programs.resolve().parent
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        if user is not None:
            shutil.chown(folder, user)
        subprocess.run(
            [programs / "initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "proskill"],
            check=True, capture_output=True, user=user, cwd=folder,
        )  # fmt: skip
        server = subprocess.Popen(
            [programs / "postgres", "-D", f"{folder}/data", "-k", folder, "-h", ""],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=user, cwd=folder,
        )  # fmt: skip
        try:
            while subprocess.run([programs / "pg_isready", "-q", "-h", folder]).returncode:
                time.sleep(0.1)
            yield f"postgresql+psycopg://proskill@/postgres?host={folder}"
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
