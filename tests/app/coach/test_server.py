from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from typing import Any

import pytest

from proskill.app.coach.server import Coach, CoachSettings
from proskill.app.coach.work_queue import Cancelled


@pytest.fixture
def coach() -> Iterator[Coach]:
    with closing(Coach(CoachSettings())) as made:
        yield made


def test_a_page_that_was_left_begins_no_more_work(
    coach: Coach, run_async: Callable[[Coroutine[Any, Any, Any]], Any]
) -> None:
    ran = []

    async def steps() -> None:
        session = coach.sessions.get("page", owner="")
        async for _ in coach.run(lambda progress: ran.append(1), session=session):
            pass
        coach.sessions.close("page", owner="")
        with pytest.raises(Cancelled):
            await anext(coach.run(lambda progress: ran.append(2), session=session))

    run_async(steps())
    assert ran == [1]
