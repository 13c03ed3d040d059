"""Background computation of ratings and summaries, in processes of their own.

A fit takes seconds in a large campaign. In the server's process it would hold up every vote; here
it reads the database by itself and sends back numbers. Children give way to the server (nice) and
end when it does, even when it is killed. What fails is said and tried again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any, Final

from proskill.errors import CampaignError

_LOGGER = logging.getLogger(__name__)

# Of one core, a job that repeats itself takes a fifth at most.
_REST_FACTOR: Final = 4.0

# What fails again and again is tried this often at least.
_LONGEST_PAUSE_SECONDS: Final = 300.0

_NICENESS: Final = 10


class ChildProcess:
    """Runs functions one after another in another process, which is started anew if it dies."""

    def __init__(self) -> None:
        self._pool = self._new_pool()

    async def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return the function's value; it and its arguments must be importable and picklable.

        Raises:
            Exception: whatever the function raised.
            BrokenProcessPool: the child was killed; the next call starts another.
        """
        try:
            with _interrupts_held():
                value = asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)
            return await value
        except BrokenProcessPool:
            self._pool = self._new_pool()
            raise

    def close(self) -> None:
        """End the child, and what it is doing with it."""
        for process in list((self._pool._processes or {}).values()):
            process.terminate()
        self._pool.shutdown(wait=True, cancel_futures=True)

    @staticmethod
    def _new_pool() -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            max_workers=1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin_child,
        )


@contextlib.contextmanager
def _interrupts_held() -> Iterator[None]:
    """A child started here never sees Ctrl-C, which a terminal sends to it as well as to us."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin_child() -> None:
    os.nice(_NICENESS)
    if hasattr(os, "SCHED_IDLE"):  # Linux: run only when the processor is idle, and stop at once
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """A server that is killed cannot end its children."""
    wait([sentinel])
    os._exit(1)


@dataclass(frozen=True)
class Failure:
    """A job that failed the last time.

    Attributes:
        reason: why, for people: what follows a colon.
        at, again_at: when it failed and when it is tried again, seconds since 1970.
    """

    reason: str
    at: float
    again_at: float


class DebouncedJob:
    """Runs a job after requests for it, at most once at a time.

    Args:
        job: what to do.
        rest_seconds: between a reason and what is done about it, so that more reasons can gather;
            four times as long as the job took before, where that is more.

    Attributes:
        failure: of the last time; None: it went well, or was not done yet.
    """

    def __init__(self, job: Callable[[], Awaitable[None]], *, rest_seconds: float) -> None:
        self._job, self._rest_seconds = job, rest_seconds
        self._due, self._at_once = asyncio.Event(), asyncio.Event()
        self.failure: Failure | None = None

    def ask(self, *, at_once: bool = False) -> None:
        """Request a run; `at_once` cuts the rest short."""
        self._due.set()
        if at_once:
            self._at_once.set()

    async def run(self) -> None:
        """Run until cancelled; a failed job is logged and retried, each time twice as late."""
        rest, num_failures = self._rest_seconds, 0
        while True:
            await self._due.wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._at_once.wait(), rest)
            self._due.clear()
            self._at_once.clear()
            started = time.monotonic()
            reason = None
            try:
                await self._job()
            except Exception as error:
                _LOGGER.exception("what the server works out in the background failed")
                reason = _reason(error)
            rest = max(self._rest_seconds, _REST_FACTOR * (time.monotonic() - started))
            if reason is None:
                num_failures, self.failure = 0, None
                continue
            num_failures += 1
            rest = min(rest * 2.0 ** min(num_failures, 30), _LONGEST_PAUSE_SECONDS)
            now = time.time()
            self.failure = Failure(reason, at=now, again_at=now + rest)
            self._due.set()


def _reason(error: Exception) -> str:
    """Without what only the log of the server may say, such as the address of a database."""
    if isinstance(error, BrokenProcessPool):
        return "the process that does it was ended, perhaps for want of memory"
    if isinstance(error, CampaignError):
        return "the database cannot be read"
    return "an error in the program, which the server's terminal shows"
