"""`CampaignApp`, shared by all routes: the database, its one writer thread, the newest figures."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Final

from proskill.annotation.assignment.assignment import Assignment
from proskill.annotation.db.store import CampaignStore
from proskill.annotation.records import Campaign, Clip
from proskill.annotation.summary.background_jobs import fitted_params, summary_json
from proskill.annotation.summary.refresh import ChildProcess, DebouncedJob, Failure

from ..web.security import RateLimiter

# No person judges this many pairs a second; a page that loads preloads a few things at once.
_REQUESTS_PER_SECOND: Final = 30.0
_REQUESTS_AT_ONCE: Final = 120.0

# Wrong links from one address; people behind one address open theirs at the same time.
_WRONG_LINKS_PER_SECOND: Final = 2.0
_WRONG_LINKS_AT_ONCE: Final = 60.0

# Ratings for pairing may be this old; a summary is computed while a page shows it.
_PARAMS_REST_SECONDS: Final = 2.0
_SUMMARY_REST_SECONDS: Final = 2.0


class CampaignApp:
    """One campaign while it is served. Made by `CampaignApp.open`, within a running event loop.

    Attributes:
        store: the database.
        public_id: of the campaign.
        clips: public id -> clip.
        requests: rate limit of each annotator.
        wrong_links: rate limit of each address.
        summary: the figures of the organiser's page; None until they were computed once.
        refreshed_at: UTC seconds of that summary.
    """

    def __init__(self, store: CampaignStore, assignment: Assignment, writer: ThreadPoolExecutor):
        self.store, self.public_id = store, store.public_id()
        self.clips: dict[str, Clip] = {clip.public_id: clip for clip in store.clips()}
        self.requests = RateLimiter(rate=_REQUESTS_PER_SECOND, burst=_REQUESTS_AT_ONCE)
        self.wrong_links = RateLimiter(rate=_WRONG_LINKS_PER_SECOND, burst=_WRONG_LINKS_AT_ONCE)
        self.summary: dict[str, Any] | None = None
        self.refreshed_at: float | None = None
        self._assignment, self._writer = assignment, writer
        self._num_seen = (-1, -1, -1)
        self._fitter, self._summariser = ChildProcess(), ChildProcess()
        self._params = DebouncedJob(self._refresh_params, rest_seconds=_PARAMS_REST_SECONDS)
        self._figures = DebouncedJob(self._refresh_summary, rest_seconds=_SUMMARY_REST_SECONDS)

    @classmethod
    @asynccontextmanager
    async def open(cls, store: CampaignStore) -> AsyncIterator[CampaignApp]:
        """Read the log, then serve until the block ends; the store stays open."""
        # One thread writes, so that writers of this process never wait for each other's locks.
        with ThreadPoolExecutor(1, thread_name_prefix="writer") as writer:
            loop = asyncio.get_running_loop()
            assignment = await loop.run_in_executor(writer, _open_assignment, store)
            app = cls(store, assignment, writer)
            # Objects loaded by now stay; searching them for garbage took a tenth of a second.
            gc.collect()
            gc.freeze()
            tasks = [asyncio.create_task(job.run()) for job in (app._params, app._figures)]
            app.note_vote()
            try:
                yield app
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                app._fitter.close()
                app._summariser.close()

    async def assign(self, act: Callable[[Assignment, float], Any]) -> Any:
        """Run an act on the assignment, now, after those before it; return its result."""
        return await self.write(lambda now: act(self._assignment, now))

    async def write(self, act: Callable[[float], Any]) -> Any:
        """Run an act that writes, given the time; return its result."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, lambda: act(time.time()))

    def note_vote(self) -> None:
        """Refresh the ratings for pairing."""
        self._params.ask()

    def note_change(self) -> None:
        """Refresh everything at once: an organiser waits for it."""
        self._params.ask()
        self._figures.ask(at_once=True)

    def note_look(self, num_recorded: tuple[int, int, int]) -> None:
        """Refresh the summary that a page asks for, unless no server recorded anything since."""
        if num_recorded != self._num_seen:
            self._num_seen = num_recorded
            # Not while it fails: a look must not cut the pause short.
            self._figures.ask(at_once=self.summary is None and self._figures.failure is None)

    def failures(self) -> dict[str, Failure]:
        """Return the last failures to compute "figures", or "ratings" for pairing."""
        found = {"figures": self._figures.failure, "ratings": self._params.failure}
        return {name: failure for name, failure in found.items() if failure is not None}

    async def record(self) -> Campaign:
        """Return the campaign as it is in the database."""
        return await asyncio.to_thread(self.store.campaign)

    async def _refresh_params(self) -> None:
        params = await self._fitter.run(fitted_params, self.store.folder)
        await self.assign(lambda assignment, now: assignment.update_params(params))

    async def _refresh_summary(self) -> None:
        self.summary = await self._summariser.run(summary_json, self.store.folder)
        self.refreshed_at = time.time()


def _open_assignment(store: CampaignStore) -> Assignment:
    return Assignment(store, now=time.time())
