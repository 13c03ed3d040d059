"""A large campaign: latency of a vote and the next pair while ratings are refreshed.

    python benchmarks/annotation_large.py [--clips 20000] [--earlier 200000] [--votes 5000]

Writes `benchmarks/results/annotation_large.json`. The earlier votes are simulated and written into
the database (SQLite) directly; then 32 simulated annotators vote over HTTP, 0.2 s before each vote,
while an organiser's page asks for the summary every second, so that both the ratings for pairing
and the summary with its posterior are worked out again and again.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from annotation_load import cpu_seconds, sync_milliseconds
from annotation_server import compare_log, finish, make_campaign, serving, start_annotators
from measured import write_report
from sqlalchemy import insert

from proskill.annotation.db.schema import leases, votes
from proskill.annotation.db.store import CampaignStore
from proskill.annotation.simulated_truth import hidden_skill
from proskill.annotation.tokens import new_public_id
from proskill.rating import SimulatedAnnotator, simulate_votes

OUT = Path(__file__).parent / "results" / "annotation_large.json"
NUM_EARLIER_ANNOTATORS = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=20_000)
    parser.add_argument("--earlier", type=int, default=200_000)
    parser.add_argument("--votes", type=int, default=5_000)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        campaign, log = folder / "campaign", folder / "log.jsonl"
        make_campaign(campaign, num_clips=arguments.clips)
        write_earlier_votes(campaign, arguments.earlier)
        begun = time.perf_counter()
        with serving(campaign) as (url, server):
            start_seconds = time.perf_counter() - begun
            organiser = Organiser(campaign, url)
            # Let the first refresh begin, so that no vote is measured on a machine at rest.
            time.sleep(10)
            cpu = cpu_seconds(server.pid)
            simulated = finish(
                start_annotators(
                    campaign, [url], annotators=32, votes=arguments.votes, pause=0.2, log=log
                )
            )
            cpu = cpu_seconds(server.pid) - cpu
            organiser.stop()
        figures = compare_log(campaign, log)
    report = {
        "what": f"32 simulated annotators over HTTP with 0.2 s before each vote, SQLite, "
        f"{arguments.clips} clips and {arguments.earlier} earlier votes, ratings refreshing",
        "seconds_from_start_to_first_answer": round(start_seconds, 1),
        "summaries_worked_out": organiser.num_refreshes,
        "summary_request_ms_max": round(1000 * max(organiser.request_seconds), 1),
        "cores_used_by_server": round(cpu / simulated["seconds"], 2),
        "sync_ms": sync_milliseconds(Path(tempfile.gettempdir())),
        "simulation": simulated,
        **{name: figures[name] for name in ("acknowledged", "lost", "duplicate")},
        "pairs_served_twice_without_need": figures["pairs_served_twice_without_need"],
    }
    write_report(arguments.out, report, started=started)


def write_earlier_votes(campaign: Path, number: int) -> None:
    """Every clip against its neighbours 1, 2, ... places on, judged by the hidden truth."""
    rng = np.random.default_rng(0)
    with CampaignStore.open(campaign) as store:
        skill = hidden_skill(store, seed=0)
        truth = np.array([skill[clip.public_id] for clip in store.clips()])
        left = np.arange(number) % len(truth)
        right = (left + 1 + np.arange(number) // len(truth)) % len(truth)
        who = rng.integers(0, NUM_EARLIER_ANNOTATORS, number)
        outcome = simulate_votes(
            rng,
            skill=truth,
            left=left,
            right=right,
            annotator=np.zeros(number, int),
            annotators=[SimulatedAnnotator(log_tie=-1.5)],
        )
        for place in range(NUM_EARLIER_ANNOTATORS):
            store.invite(f"earlier {place + 1}", now=time.time())
        people = [person.id for person in store.annotators()]
        rows = zip(left + 1, right + 1, who, outcome, strict=True)
        with store.database.write() as connection:
            written = [
                _rows(place, int(a), int(b), people[w], int(result), time.time() - number + place)
                for place, (a, b, w, result) in enumerate(rows, 1)
            ]
            connection.execute(insert(leases), [lease for lease, _ in written])
            connection.execute(insert(votes), [vote for _, vote in written])


def _rows(
    place: int, left: int, right: int, who: int, outcome: int, at: float
) -> tuple[dict[str, Any], dict[str, Any]]:
    """An answered lease and its vote."""
    clips = {"left_clip": left, "right_clip": right, "annotator_id": who}
    lease = {
        "id": place, "public_id": new_public_id(), "low_clip": min(left, right),
        "high_clip": max(left, right), "kind": "new", "slot": 0, "issued_at": at - 10,
        "expires_at": at + 300, "state": "answered", "change": place, **clips,
    }  # fmt: skip
    vote = {
        "token": f"earlier-{place}", "criterion_id": 1, "lease_id": place,
        "answer": {1: "left", -1: "right", 0: "tie"}[outcome], "strength": None, "reason": None,
        "shown_at": at - 9, "answered_at": at, "received_at": at, "watched_left": 1.0,
        "watched_right": 1.0, "client": "simulated", "revokes": None, **clips,
    }  # fmt: skip
    return lease, vote


class Organiser:
    """Asks for the summary every second, as the organiser's page does."""

    def __init__(self, campaign: Path, url: str) -> None:
        with CampaignStore.open(campaign) as store:
            token = store.invite("organiser", role="organiser", now=time.time())
        self._client = httpx.Client(base_url=url, trust_env=False, timeout=60)
        self._client.post("/api/session", json={"token": token}).raise_for_status()
        self._refreshed: set[float] = set()
        self.request_seconds: list[float] = []
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    @property
    def num_refreshes(self) -> int:
        return len(self._refreshed)

    def _look(self) -> None:
        while not self._is_over.wait(1.0):
            started = time.perf_counter()
            summary = self._client.get("/api/organiser/summary").raise_for_status().json()
            self.request_seconds.append(time.perf_counter() - started)
            if "refreshed_at" in summary:
                self._refreshed.add(summary["refreshed_at"])

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()
        self._client.close()


if __name__ == "__main__":
    main()
