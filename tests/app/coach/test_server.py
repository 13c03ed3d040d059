from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing

import pytest

from proskill.app.coach.server import Coach, CoachSettings
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
        coach.sessions.close("page", owner="")
        with pytest.raises(Cancelled):
            await anext(coach.run(lambda progress: ran.append(2), session=session))

    asyncio.run(steps())
    assert ran == [1]
