"""Shared by benchmarks of the annotation tool: a campaign, its servers, its log."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import create_engine, text

from proskill.annotation.campaign import CampaignSettings
from proskill.annotation.creation import create_campaign
from proskill.data.take import Take, View

PROSKILL = [sys.executable, "-m", "proskill.cli.main", "annotate"]


def make_campaign(folder: Path, *, num_clips: int, url: str | None = None) -> None:
    """Takes of known rating; there are no videos, because simulated annotators watch none."""
    takes = [
        Take(
            take_id=f"take{place}",
            participant_id=f"person{place}",
            scenario="simulated",
            views={"exo1": View(path=folder / f"{place}.mp4", kind="exo")},
            rating=(place * 7919) % num_clips,
        )
        for place in range(num_clips)
    ]
    settings = CampaignSettings(quota=None)
    create_campaign(
        folder, takes=takes, name="benchmark", settings=settings, database_url=url, now=time.time()
    ).close()


@contextmanager
def serving(campaign: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A server of a campaign in a process of its own, killed at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    server = subprocess.Popen(
        [*PROSKILL, "serve", str(campaign), "--port", str(port)], stdout=subprocess.DEVNULL
    )
    try:
        end = time.monotonic() + 120
        while True:
            assert server.poll() is None, "the server ended"
            assert time.monotonic() < end, "the server does not answer"
            try:
                httpx.get(f"{url}/api/work", trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield url, server
    finally:
        server.kill()
        server.wait()


def start_annotators(
    campaign: Path, urls: Sequence[str], *, annotators: int, votes: int, pause: float, log: Path
) -> subprocess.Popen[str]:
    """`proskill annotate simulate`, which prints JSON."""
    options = {"--annotators": annotators, "--votes": votes, "--pause": pause, "--log": log}
    return subprocess.Popen(
        [*PROSKILL, "simulate", str(campaign), "--json"]
        + [word for url in urls for word in ("--url", url)]
        + [str(word) for option in options.items() for word in option],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(annotators: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for them and return their output."""
    out, error = annotators.communicate()
    assert annotators.returncode == 0, error
    report: dict[str, Any] = json.loads(out)
    return report


def compare_log(campaign: Path, log: Path, *, url: str | None = None) -> dict[str, int]:
    """Votes lost, votes counted twice, and pairs asked anew that had been asked before."""
    acknowledged = [json.loads(line)["token"] for line in log.read_text().splitlines()]
    engine = create_engine(url or f"sqlite:///{campaign / 'campaign.sqlite'}")
    with engine.connect() as connection:
        votes = Counter(connection.scalars(text("SELECT token FROM votes")))
        pairs = Counter(
            connection.execute(
                text(
                    "SELECT low_clip, high_clip FROM leases WHERE kind = 'new' "
                    "AND state IN ('out', 'answered')"
                )
            ).tuples()
        )
        by_lease = Counter(
            connection.scalars(text("SELECT lease_id FROM votes WHERE revokes IS NULL"))
        )
    engine.dispose()
    return {
        "acknowledged": len(acknowledged),
        "in_the_log": votes.total(),
        "lost": sum(token not in votes for token in acknowledged),
        "duplicate": sum(number - 1 for number in (*votes.values(), *by_lease.values())),
        "pairs_served_twice_without_need": sum(number - 1 for number in pairs.values()),
    }
