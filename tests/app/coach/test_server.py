from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from proskill.app.coach.score import run_shown
from proskill.app.coach.server import Coach, CoachSettings
from proskill.app.coach.views import views_value
from proskill.app.coach.work_queue import Cancelled


@pytest.fixture
def coach() -> Iterator[Coach]:
    with closing(Coach(CoachSettings())) as made:
        yield made


def test_a_page_that_was_left_begins_no_more_work(coach: Coach) -> None:
    ran = []

    async def steps() -> None:
        session = coach.sessions.get("page", owner="")
        async for _ in coach.run(lambda progress: ran.append(1), session=session):
            pass
        with coach.sessions.connected("page", owner=""):
            pass
        with pytest.raises(Cancelled):
            await anext(coach.run(lambda progress: ran.append(2), session=session))

    asyncio.run(steps())
    assert ran == [1]


def test_how_far_a_page_is_stays_on_it_while_other_things_change(coach: Coach) -> None:
    may_end = threading.Event()

    async def busy() -> list[Any]:
        page = coach.sessions.get("page", owner="")
        before = coach.queue.put(lambda progress: may_end.wait(60), person="somebody else")
        shown = []
        async for _ in run_shown(coach, page, lambda progress: None):
            page.add_view("side.mp4", row=f"row{len(shown)}")
            shown.append(views_value(page, message="a view came")["busy"])
            may_end.set()
        assert before.error is None
        return [*shown, views_value(page)["busy"]]

    first, *_, end, after = asyncio.run(busy())
    assert first["place"] == 1
    assert end is after is None


def test_a_copy_does_not_wait_for_the_model(coach: Coach) -> None:
    may_end = threading.Event()

    async def copied() -> list[Any]:
        page = coach.sessions.get("page", owner="")
        coach.queue.put(lambda progress: may_end.wait(60), person="somebody else")
        return [step.result async for step in coach.copy(lambda progress: 7, session=page)]

    assert asyncio.run(copied())[-1] == 7
    may_end.set()
