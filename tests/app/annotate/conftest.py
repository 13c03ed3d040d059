"""A campaign with clips that play, its server in a process of its own, and pages of it."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fixtures.campaigns import make_log, new_campaign, serve, serve_alone, visit
from proskill.annotation import (
    CampaignSettings,
    CampaignStore,
    GoldTakes,
    create_campaign,
)
from proskill.annotation.db import leases
from proskill.annotation.tokens import new_public_id
from proskill.data.take import Take, View
from proskill.simulation.render import write_video
from waiting import free_port, wait_for_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

__all__ = ["make_log", "new_campaign", "serve", "serve_alone", "visit"]

CLIP_SECONDS, FRAME_RATE = 2.0, 30


class Site:
    """A campaign that is being served; `stop` and `start` end its server and bring it back."""

    def __init__(self, store: CampaignStore) -> None:
        self.store = store
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        command = ["annotate", "serve", str(self.store.folder), "--port", str(self._port)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "proskill.cli.main", *command], stdout=subprocess.DEVNULL
        )
        wait_for_server(self.url, self._process)

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        """As a power cut would; by SIGINT as an organiser does."""
        self._process.send_signal(how)
        self._process.wait()

    def kill_children(self) -> int:
        """End what the server works out beside itself; returns how many processes that were."""
        found = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        workers = [
            pid
            for pid in found.split()
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        for pid in workers:
            os.kill(int(pid), signal.SIGKILL)
        return len(workers)

    def link(self, name: str) -> str:
        return f"{self.url}/#t={self.store.invite(name, now=time.time())}"

    def rows(self, query: str) -> list[Any]:
        """What somebody who opens the database anew finds."""
        connection = sqlite3.connect(self.store.folder / "campaign.sqlite")
        try:
            return connection.execute(query).fetchall()
        finally:
            connection.close()

    def hand_over(self, name: str, other: str) -> None:
        """End the leases of somebody and give these pairs to another, as a second server would."""
        ids = {person.name: person.id for person in self.store.annotators()}
        now = time.time()
        with self.store.write() as (connection, _):
            opened = leases.open_leases(connection, ids[name])
            leases.expire_open_leases(connection, ids[name])
            for lease in opened:
                leases.add_lease(
                    connection, public_id=new_public_id(), left_clip=lease.left_clip,
                    right_clip=lease.right_clip, annotator_id=ids[other], slot=lease.slot,
                    kind=lease.kind, issued_at=now, expires_at=now + 300,
                )  # fmt: skip

    def votes_of(self, name: str) -> list[Any]:
        """Token, answer, reason and revoked token of somebody's votes, in order."""
        return self.rows(
            "SELECT v.token, v.answer, v.reason, v.revokes FROM votes v JOIN annotators a "
            f"ON a.id = v.annotator_id WHERE a.name = '{name}' ORDER BY v.seq"
        )


@pytest.fixture(scope="session")
def clip_files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Sixteen clips of 2 s at 30 frames a second: a grey that grows, a bar that moves."""
    folder = tmp_path_factory.mktemp("clips")
    files = []
    for number in range(16):  # pairs enough for the visitors of all tests
        frames = np.empty((round(CLIP_SECONDS * FRAME_RATE), 90, 120, 3), np.uint8)
        for k, frame in enumerate(frames):
            frame[:] = 60 + 2 * k
            frame[:, (2 * k + 20 * number) % 110 :][:, :10] = (200, 16 * number, 40)
        files.append(folder / f"secret performance {number}.mp4")
        write_video(files[-1], frames, frame_rate=FRAME_RATE, quality=30)
    return files


@pytest.fixture(scope="package")
def serve_campaign(
    tmp_path_factory: pytest.TempPathFactory, clip_files: list[Path]
) -> Iterator[Callable[..., Site]]:
    """Serve a new campaign of the clips until all of this is done; keywords are its settings."""
    sites: list[Site] = []

    def start(
        name: str = "Cooking",
        *,
        criteria: Sequence[str] = ("overall skill",),
        gold: Sequence[GoldTakes] = (),
        **settings: Any,
    ) -> Site:
        takes = [
            Take(
                take_id=f"take {number}",
                participant_id=f"person {number}",
                scenario="secret scenario",
                views={"exo1": View(path=path, kind="exo")},
                rating=float(number),
            )
            for number, path in enumerate(clip_files)
        ]
        folder = tmp_path_factory.mktemp("campaign") / "campaign"
        store = create_campaign(
            folder, takes=takes, name=name, criteria=criteria, gold=gold, now=time.time(),
            settings=CampaignSettings(**settings),
        )  # fmt: skip
        # The clips are what proxies are: H.264, 30 frames a second, the index first.
        (folder / "proxies").mkdir(exist_ok=True)
        for clip, path in zip(store.clips(), clip_files, strict=True):
            proxy = f"proxies/{clip.public_id}.mp4"
            shutil.copy(path, folder / proxy)
            store.set_proxy(clip.id, proxy, duration_seconds=CLIP_SECONDS)
        sites.append(Site(store))
        return sites[-1]

    yield start
    for site in sites:
        site.stop(signal.SIGINT)
        site.store.close()


@pytest.fixture(scope="package")
def kitchen(serve_campaign: Callable[..., Site]) -> Site:
    """A campaign for annotators of different tests: each new pair is asked once, nothing else."""
    return serve_campaign(
        "<b>Cooking</b>", min_watched=0.2, repeat_share=0.0, swapped_share=0.0, gold_share=0.0
    )


@pytest.fixture
def open_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a link in a browser of its own; a script's error fails the test."""
    errors: list[str] = []
    contexts = []

    def start(link: str, **options: Any) -> Page:
        contexts.append(browser.new_context(viewport={"width": 1280, "height": 800}, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)  # as in `waiting`
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(link)
        return page

    yield start
    for context in contexts:
        context.close()
    assert errors == []
