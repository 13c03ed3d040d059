from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proskill.app.coach.work_queue import Cancelled, Step, WorkQueue, serving_order
from proskill.errors import ProskillError


@pytest.fixture
def queue() -> Iterator[WorkQueue]:
    made = WorkQueue(max_waiting_per_person=3)
    yield made
    made.close()


def test_eight_views_of_one_person_do_not_keep_another_waiting_for_all_of_them() -> None:
    people = ["anna"] * 8 + ["ben"]
    assert serving_order(people, served={"anna": 1.0})[0] == 8
    assert serving_order(people, served={})[:2] == [0, 8]


@given(
    st.lists(st.sampled_from("abc"), max_size=12),
    st.dictionaries(st.sampled_from("abc"), st.floats(0, 9)),
)
def test_everybody_is_served_once_and_in_the_order_of_their_own_arrival(
    people: list[str], served: dict[str, float]
) -> None:
    order = serving_order(people, served=served)
    assert sorted(order) == list(range(len(people)))
    for person in set(people):
        own = [index for index in order if people[index] == person]
        assert own == sorted(own)


async def _steps(
    queue: WorkQueue, work: Callable[..., Any], person: str = "anna"
) -> list[Step[Any]]:
    return [step async for step in queue.run(work, person=person)]


def test_work_ends_with_its_result_after_its_progress(queue: WorkQueue) -> None:
    def work(progress: Callable[[str, float], None]) -> int:
        progress("reading", 0.5)
        time.sleep(0.3)
        return 7

    steps = asyncio.run(_steps(queue, work))
    assert steps[-1] == Step(0, "reading", 1.0, 0.0, 7, True)
    assert any(step.what == "reading" and step.share == 0.5 for step in steps)


def test_what_work_raises_is_raised_to_whoever_waits(queue: WorkQueue) -> None:
    def work(progress: object) -> None:
        raise ProskillError("no such thing")

    with pytest.raises(ProskillError, match="no such thing"):
        asyncio.run(_steps(queue, work))


def test_whoever_waits_sees_how_many_come_first(queue: WorkQueue) -> None:
    free = threading.Event()
    running = queue.put(lambda progress: free.wait(10), person="anna")
    queue.put(lambda progress: None, person="ben")

    async def look() -> list[int]:
        places = []
        async for step in queue.run(lambda progress: None, person="carl"):
            places.append(step.place)
            free.set()
        return places

    places = asyncio.run(look())
    assert places[0] == 2
    assert places[-1] == 0
    assert running.is_ended


def test_cancelling_stops_running_work_at_its_next_report(queue: WorkQueue) -> None:
    seen = threading.Event()

    def work(progress: Callable[[str, float], None]) -> None:
        while True:
            progress("turning", 0.1)
            seen.set()
            time.sleep(0.01)

    ticket = queue.put(work, person="anna")
    assert seen.wait(10)
    ticket.cancel()

    async def wait() -> None:
        async for _ in queue.follow(ticket):
            pass

    with pytest.raises(Cancelled):
        asyncio.run(wait())


def test_work_that_is_cancelled_while_it_waits_never_runs(queue: WorkQueue) -> None:
    free, ran = threading.Event(), []
    queue.put(lambda progress: free.wait(10), person="anna")
    ticket = queue.put(lambda progress: ran.append(1), person="ben")
    ticket.cancel()
    free.set()
    asyncio.run(_steps(queue, lambda progress: None))
    assert ran == []
    assert ticket.is_ended


def test_whoever_stops_listening_cancels_the_work(queue: WorkQueue) -> None:
    async def leave() -> None:
        steps = queue.run(lambda progress: time.sleep(0.05), person="anna")
        await anext(steps)
        await steps.aclose()

    before = queue.put(lambda progress: time.sleep(0.2), person="ben")
    asyncio.run(leave())
    asyncio.run(_steps(queue, lambda progress: None))
    assert before.error is None


def test_a_person_with_much_waiting_is_refused_and_others_are_not(queue: WorkQueue) -> None:
    free = threading.Event()
    queue.put(lambda progress: free.wait(10), person="carl")
    for _ in range(3):
        queue.put(lambda progress: None, person="anna")
    with pytest.raises(ProskillError, match="too much is waiting"):
        queue.put(lambda progress: None, person="anna")
    queue.put(lambda progress: None, person="ben")
    free.set()
