"""Map over worker processes that may crash: a crash costs one result, not the run."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import BaseContext
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_IN_FLIGHT_PER_WORKER = 4  # enough to keep workers busy, few enough to hold no long queue in memory


def map_in_processes(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    num_workers: int | None = None,
    preload: tuple[str, ...] = (),
) -> Iterator[tuple[Item, Result | None]]:
    """Apply a function to items in worker processes; memory does not grow with their number.

    When a worker dies, every item that was under way is repeated alone in a process of its own,
    which tells the one that kills from those that were merely near it.

    Args:
        function: importable by the workers.
        items: taken as workers become free.
        num_workers: None means one per core.
        preload: modules that workers find imported.

    Yields:
        (item, its result) as they are done, in any order; None where the process died (crashed, or
        was killed for its memory). What `function` raises is raised here.
    """
    workers = num_workers or os.cpu_count() or 1
    waiting = deque[Item]()
    source = iter(items)
    context = _context(preload)
    while True:
        under_way: dict[Future[Result], Item] = {}
        pool = _pool(workers, context)
        try:
            while _fill(pool, function, source, under_way, _IN_FLIGHT_PER_WORKER * workers):
                done, _ = wait(under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    result = future.result()
                    yield under_way.pop(future), result
            return
        except BrokenProcessPool:
            waiting.extend(under_way.values())
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        while waiting:
            item = waiting.popleft()
            yield item, _alone(function, item, context)


def _fill(
    pool: ProcessPoolExecutor,
    function: Callable[[Item], Result],
    source: Iterator[Item],
    under_way: dict[Future[Result], Item],
    limit: int,
) -> bool:
    """Submit items until `limit` are in progress; return False when none is left."""
    while len(under_way) < limit:
        try:
            item = next(source)
        except StopIteration:
            break
        try:
            under_way[pool.submit(function, item)] = item
        except BrokenProcessPool:
            under_way[Future()] = item  # it has been taken from the source and must not be lost
            raise
    return bool(under_way)


def _alone(function: Callable[[Item], Result], item: Item, context: BaseContext) -> Result | None:
    with _pool(1, context) as pool:
        try:
            return pool.submit(function, item).result()
        except BrokenProcessPool:
            return None


def _pool(num_workers: int, context: BaseContext) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        num_workers, mp_context=context, initializer=signal.signal,
        # The parent hears Ctrl-C and stops the workers; they need not each print a traceback.
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )  # fmt: skip


def _context(preload: tuple[str, ...]) -> BaseContext:
    """Return a context that forks workers from a clean server, without our threads."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", *preload])
    # Ctrl-C is for us to hear; a server that is still importing would answer with a traceback. The
    # tracker comes first, because starting it lets the signal through again.
    resource_tracker.ensure_running()
    held_back = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held_back)
    return context
