"""What the routes share: the database, who writes to it, and what was worked out last."""

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

# Nobody judges this many pairs a second; a page that loads preloads a few things at once.
_REQUESTS_PER_SECOND: Final = 30.0
_REQUESTS_AT_ONCE: Final = 120.0

# Wrong links from one address; people behind one address open theirs at the same time.
_WRONG_LINKS_PER_SECOND: Final = 2.0
_WRONG_LINKS_AT_ONCE: Final = 60.0

# Ratings for pairing may be this old; a summary is worked out while somebody looks at it.
_PARAMS_REST_SECONDS: Final = 2.0
_SUMMARY_REST_SECONDS: Final = 2.0


class CampaignApp:
    """One campaign while it is served. Made by `CampaignApp.open`, within a running event loop.

    Attributes:
        store: the database.
        public_id: the campaign's.
        clips: public id -> clip.
        requests: allowance of each annotator.
        wrong_links: allowance of each address.
        summary: what the organiser's page shows, None until it was worked out once.
        refreshed_at: seconds since 1970 when it was.
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
        self._look = DebouncedJob(self._refresh_summary, rest_seconds=_SUMMARY_REST_SECONDS)

    @classmethod
    @asynccontextmanager
    async def open(cls, store: CampaignStore) -> AsyncIterator[CampaignApp]:
        """Read the log, then serve until the block ends; the store stays open."""
        # One thread writes, so that writers of this process never wait for each other's locks.
        with ThreadPoolExecutor(1, thread_name_prefix="writer") as writer:
            loop = asyncio.get_running_loop()
            assignment = await loop.run_in_executor(writer, _open_assignment, store)
            campaign_app = cls(store, assignment, writer)
            # What is loaded by now stays; looking through it for garbage took a tenth of a second.
            gc.collect()
            gc.freeze()
            tasks = [
                asyncio.create_task(r.run()) for r in (campaign_app._params, campaign_app._look)
            ]
            campaign_app.note_vote()
            try:
                yield campaign_app
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                campaign_app._fitter.close()
                campaign_app._summariser.close()

    async def assign(self, act: Callable[[Assignment, float], Any]) -> Any:
        """What an act on the assignment returns; acts run one after another, by the clock."""
        return await self.write(lambda now: act(self._assignment, now))

    async def write(self, act: Callable[[float], Any]) -> Any:
        """What an act that writes returns; it is given the time."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, lambda: act(time.time()))

    def note_vote(self) -> None:
        """Ratings for pairing are out of date."""
        self._params.ask()

    def note_change(self) -> None:
        """Everything worked out is out of date, and somebody waits for it."""
        self._params.ask()
        self._look.ask(at_once=True)

    def note_look(self, num_recorded: tuple[int, int, int]) -> None:
        """Somebody looks at the summary, when so much is recorded, by whichever server."""
        if num_recorded != self._num_seen:
            self._num_seen = num_recorded
            # Not while it fails: a look must not cut the pause short.
            self._look.ask(at_once=self.summary is None and self._look.failure is None)

    def failures(self) -> dict[str, Failure]:
        """What could not be worked out the last time: "figures", or "ratings" for pairing."""
        found = {"figures": self._look.failure, "ratings": self._params.failure}
        return {name: failure for name, failure in found.items() if failure is not None}

    async def campaign(self) -> Campaign:
        """As it stands in the database."""
        return await asyncio.to_thread(self.store.campaign)

    async def _refresh_params(self) -> None:
        params = await self._fitter.run(fitted_params, self.store.folder)
        await self.assign(lambda assignment, now: assignment.update_params(params))

    async def _refresh_summary(self) -> None:
        self.summary = await self._summariser.run(summary_json, self.store.folder)
        self.refreshed_at = time.time()


def _open_assignment(store: CampaignStore) -> Assignment:
    return Assignment(store, now=time.time())
