"""A small campaign, and servers of it: in a thread for most tests, in a process to be killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn

from proskill.annotation import Annotator, Campaign, Clip, Criterion, VoteRow
from proskill.annotation.campaign import CampaignSettings
from proskill.annotation.creation import create_campaign
from proskill.annotation.gold import GoldTakes
from proskill.annotation.log import CampaignLog
from proskill.annotation.server import create_app
from proskill.annotation.store import CampaignStore
from proskill.data.take import Take, View
from proskill.rating import SimulatedAnnotator, simulate_votes
from waiting import free_port, wait_for_server, wait_until


class ThreadServer:
    """A server on a free port of this machine, with a store of its own."""

    def __init__(self, campaign: Path) -> None:
        self._store = CampaignStore.open(campaign)
        self.app = app = create_app(
            self._store, pages=Path(str(files("proskill.app"))) / "annotate"
        )
        config = uvicorn.Config(app, port=0, log_level="error", access_log=False, ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        wait_until(lambda: self._server.started)
        port = self._server.servers[0].sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._store.close()


class ProcessServer:
    """`proskill annotate serve` on a free port of this machine, or on one that is given."""

    def __init__(self, campaign: Path, *, port: int | None = None) -> None:
        self.port = port = port or free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "proskill.cli.main", "annotate", "serve", str(campaign),
             "--port", str(port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        wait_for_server(self.url, self._process)

    @property
    def pid(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """As a power cut would."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()

    def stop(self) -> str:
        """As Ctrl-C does; what it printed about errors."""
        self._process.send_signal(signal.SIGINT)
        return self._process.communicate(timeout=30)[1]


class Visitor:
    """Somebody with a link, as far as a browser's requests go."""

    def __init__(self, url: str, token: str) -> None:
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=20)
        self.token = token
        self.login = self.http.post("/api/session", json={"token": token})

    def work(self) -> dict[str, Any]:
        answer = self.http.get("/api/work")
        assert answer.status_code == 200, answer.text
        content: dict[str, Any] = answer.json()
        return content

    def body(self, lease: str, choice: str = "left") -> dict[str, Any]:
        """What the page sends for an answer."""
        return {
            "token": str(uuid.uuid4()),
            "lease": lease,
            "answers": {"1": {"answer": choice}},
            "shown_at": time.time() - 1,
            "answered_at": time.time(),
            "watched_left": 1.0,
            "watched_right": 1.0,
            "client": "test",
        }

    def vote(self, lease: str, choice: str = "left", **changes: Any) -> httpx.Response:
        # Escaped, so that a test can send what is no text.
        content, kind = (
            json.dumps(self.body(lease, choice) | changes),
            {"content-type": "application/json"},
        )
        return self.http.post("/api/votes", content=content, headers=kind)


@pytest.fixture
def new_campaign(tmp_path: Path) -> Iterator[Callable[..., CampaignStore]]:
    """Make a campaign of takes without videos; keywords are its settings."""
    stores: list[CampaignStore] = []

    def make(
        num_clips: int = 30,
        *,
        url: str | None = None,
        gold: Sequence[GoldTakes] = (),
        criteria: Sequence[str] = ("overall skill",),
        num_scenarios: int = 1,
        **settings: Any,
    ) -> CampaignStore:
        takes = [
            Take(
                take_id=f"secret take {place}",
                participant_id=f"p{place}",
                scenario=f"secret scenario {place % num_scenarios}",
                views={"exo1": View(path=tmp_path / f"secret file {place}.mp4", kind="exo")},
                rating=float(place),
            )
            for place in range(num_clips)
        ]
        stores.append(
            create_campaign(
                tmp_path / f"campaign {len(stores)}",
                takes=takes,
                name="Cooking",
                criteria=criteria,
                settings=CampaignSettings(**settings),
                group_by_scenario=num_scenarios > 1,
                gold=gold,
                database_url=url,
                now=time.time(),
            )
        )
        return stores[-1]

    yield make
    for store in stores:
        store.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Path], ThreadServer]]:
    """Start servers of campaigns, which end with the test."""
    started: list[ThreadServer] = []

    def start(campaign: Path) -> ThreadServer:
        started.append(ThreadServer(campaign))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def serve_alone() -> Iterator[Callable[..., ProcessServer]]:
    """Start servers in processes of their own, which are killed at the end."""
    started: list[ProcessServer] = []

    def start(campaign: Path, **options: Any) -> ProcessServer:
        started.append(ProcessServer(campaign, **options))
        return started[-1]

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def visit() -> Iterator[Callable[[str, str], Visitor]]:
    """Open links; connections are closed with the test."""
    visitors: list[Visitor] = []

    def open_link(url: str, token: str) -> Visitor:
        visitors.append(Visitor(url, token))
        return visitors[-1]

    yield open_link
    for visitor in visitors:
        visitor.http.close()


@pytest.fixture
def make_log() -> Callable[..., CampaignLog]:
    """Make the log of a campaign of simulated votes, without a database."""
    return simulated_log


def simulated_log(
    num_clips: int = 12,
    num_votes: int = 100,
    *,
    num_annotators: int = 4,
    num_groups: int = 1,
    reversed_annotator: int | None = None,
) -> CampaignLog:
    """Clips 1, 2, ... with more and more skill; answers 20 s apart, the last one at 1.75e9 s."""
    rng = np.random.default_rng(num_votes)
    end = 1_750_000_000.0
    left = rng.integers(0, num_clips, num_votes)
    steps = num_groups * rng.integers(1, num_clips // num_groups, num_votes)
    right = (left + steps) % num_clips
    who = rng.integers(0, num_annotators, num_votes)
    outcome = simulate_votes(
        rng,
        skill=np.linspace(-2.5, 2.5, num_clips),
        left=left,
        right=right,
        annotator=who,
        annotators=[
            SimulatedAnnotator(-2.0 if i + 1 == reversed_annotator else 1.5, 0.0, -2.0)
            for i in range(num_annotators)
        ],
    )
    answers = {1: "left", -1: "right", 0: "tie"}
    return CampaignLog(
        campaign=Campaign(
            "Cooking", end - 20 * num_votes, "open", CampaignSettings(), 0,
            (Criterion(1, "overall skill"),),
        ),
        clips=tuple(
            Clip(i + 1, f"clip{i}", f"take {i}", "exo1", Path(f"{i}.mp4"), 0.0, None, None, None,
                 "" if num_groups == 1 else f"group {i % num_groups}", None)
            for i in range(num_clips)
        ),
        annotators=tuple(
            Annotator(i + 1, f"person {i + 1}", "annotator", 0.0, None, None)
            for i in range(num_annotators)
        ),
        votes=tuple(
            VoteRow(
                i + 1, f"token-{i}", 1, i + 1, "new", int(left[i]) + 1, int(right[i]) + 1,
                int(who[i]) + 1, answers[int(outcome[i])], None, None, at - 8.0, at, at, 1.0, 1.0,
                "test", None,
            )
            for i, at in enumerate(end - 20.0 * np.arange(num_votes)[::-1])
        ),
        flags=(),
        gold=(),
    )  # fmt: skip
