"""A queue for heavy work: fair between people, with a place and an end.

The person who was served least recently comes next, so that eight views of one person do not keep
another waiting for all of them. Not here: the work itself (`work.py`), and how it is shown.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from proskill.errors import ProskillError

T = TypeVar("T")
Progress = Callable[[str, float], None]  # the current step, and the share that is done, in [0, 1]

_POLL_SECONDS = 0.05
_SHOWN_SECONDS = 1.0  # between two steps that differ by their numbers alone
_MIN_SHARE = 0.03  # an estimate from less than this is a guess


class Cancelled(Exception):
    """The work is not wanted any more; raised inside it by its next report of progress."""


@dataclass(frozen=True)
class Step(Generic[T]):
    """The progress of a piece of work.

    Attributes:
        place: number of pieces of work before it; 0 when it runs or has ended.
        what: the current step of the work.
        share: of the work that is done, in [0, 1].
        seconds_left: estimate, None where there is nothing to base one on.
        result: of the work; only in the last step.
        is_done: whether this is the last step.
    """

    place: int
    what: str = ""
    share: float = 0.0
    seconds_left: float | None = None
    result: T | None = None
    is_done: bool = False


@dataclass(eq=False)
class Ticket:
    """A piece of work of a person that waits, runs or has ended."""

    person: str
    work: Callable[[Progress], Any]
    what: str = ""
    share: float = 0.0
    started: float | None = None
    result: Any = None
    error: BaseException | None = None
    is_cancelled: bool = False
    is_ended: bool = False

    def report(self, what: str, share: float) -> None:
        """Note the progress of the work.

        Raises:
            Cancelled: it is not wanted any more.
        """
        if self.is_cancelled:
            raise Cancelled
        self.what, self.share = what, min(max(share, 0.0), 1.0)

    def cancel(self) -> None:
        """Stop it at its next report; if it waits, it never runs."""
        self.is_cancelled = True

    @property
    def seconds_left(self) -> float | None:
        """Estimate the rest of its time from its speed so far."""
        if self.started is None or self.share < _MIN_SHARE:
            return None
        return (time.monotonic() - self.started) * (1 - self.share) / self.share


def serving_order(people: Sequence[str], *, served: dict[str, float]) -> list[int]:
    """Return the order in which waiting work is served.

    Args:
        people: person of each piece of work, in order of arrival.
        served: person -> when they were last served; those who never were come first.

    Returns:
        Indices into `people`: each time the one whose person was served least recently, the
        earlier one among equals.
    """
    last = dict(served)
    left, order = list(range(len(people))), []
    now = max(last.values(), default=0.0)
    while left:
        chosen = min(left, key=lambda index: (last.get(people[index], float("-inf")), index))
        left.remove(chosen)
        order.append(chosen)
        now += 1.0
        last[people[chosen]] = now
    return order


class WorkQueue:
    """Runs work in threads of its own; by one worker, a piece begins when the one before has ended.

    Args:
        num_workers: pieces of work that run at the same time.
        max_waiting: more are refused.
        max_waiting_per_person: likewise, of one person.
    """

    def __init__(
        self, *, num_workers: int = 1, max_waiting: int = 64, max_waiting_per_person: int = 12
    ) -> None:
        self._max_waiting = max_waiting
        self._max_per_person = max_waiting_per_person
        self._waiting: list[Ticket] = []
        self._running: list[Ticket] = []
        self._served: dict[str, float] = {}
        self._typical_seconds = 5.0
        self._changed = threading.Condition()
        self._is_closed = False
        for number in range(num_workers):
            threading.Thread(target=self._serve, name=f"coach-work-{number}", daemon=True).start()

    def put(self, work: Callable[[Progress], T], *, person: str) -> Ticket:
        """Let work wait for its turn.

        Raises:
            ProskillError: too much is waiting already.
        """
        with self._changed:
            mine = sum(ticket.person == person for ticket in self._waiting)
            if mine >= self._max_per_person or len(self._waiting) >= self._max_waiting:
                raise ProskillError(
                    "too much is waiting already; try again when something of it has ended"
                )
            ticket = Ticket(person, work)
            self._waiting.append(ticket)
            self._changed.notify()
        return ticket

    async def follow(self, ticket: Ticket) -> AsyncGenerator[Step[Any], None]:
        """Yield the steps of a ticket until its result; to stop listening cancels it.

        Raises:
            Cancelled: it was cancelled.
            Exception: raised by the work.
        """
        last, shown = Step[Any](-1), 0.0
        try:
            while not ticket.is_ended:
                step, now = self._step(ticket), time.monotonic()
                is_other = (step.place, step.what) != (last.place, last.what)
                if is_other or (step != last and now - shown > _SHOWN_SECONDS):
                    last, shown = step, now
                    yield step
                await asyncio.sleep(_POLL_SECONDS)
        finally:
            ticket.cancel()
        if ticket.error is not None:
            raise ticket.error
        yield Step(0, ticket.what, 1.0, 0.0, ticket.result, True)

    def run(self, work: Callable[[Progress], T], *, person: str) -> AsyncGenerator[Step[T], None]:
        """Put work and follow it."""
        return self.follow(self.put(work, person=person))

    def close(self) -> None:
        """Cancel everything and end the threads when their work has noticed."""
        with self._changed:
            self._is_closed = True
            for ticket in (*self._waiting, *self._running):
                ticket.cancel()
            self._changed.notify_all()

    def _step(self, ticket: Ticket) -> Step[Any]:
        with self._changed:
            if ticket not in self._waiting:
                left = ticket.seconds_left
                return Step(0, ticket.what, ticket.share, None if left is None else round(left))
            order = serving_order([each.person for each in self._waiting], served=self._served)
            place = order.index(self._waiting.index(ticket))
            ahead = [each.seconds_left or self._typical_seconds for each in self._running]
            seconds = sum(ahead) + place * self._typical_seconds
            return Step(place + len(self._running), "waiting", 0.0, round(seconds))

    def _serve(self) -> None:
        while (ticket := self._take()) is not None:
            try:
                ticket.report("starting", 0.0)
                ticket.result = ticket.work(ticket.report)
            except BaseException as error:
                ticket.error = error
            with self._changed:
                self._running.remove(ticket)
                if ticket.error is None and ticket.started is not None:
                    seconds = time.monotonic() - ticket.started
                    self._typical_seconds += 0.3 * (seconds - self._typical_seconds)
                ticket.is_ended = True

    def _take(self) -> Ticket | None:
        with self._changed:
            while not self._is_closed:
                for ticket in [each for each in self._waiting if each.is_cancelled]:
                    self._waiting.remove(ticket)
                    ticket.error, ticket.is_ended = Cancelled(), True
                if self._waiting:
                    order = serving_order([t.person for t in self._waiting], served=self._served)
                    ticket = self._waiting.pop(order[0])
                    ticket.started = self._served[ticket.person] = time.monotonic()
                    self._running.append(ticket)
                    return ticket
                self._changed.wait(timeout=0.5)
        return None
