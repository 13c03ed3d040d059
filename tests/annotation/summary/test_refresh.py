from __future__ import annotations

import asyncio
import os
import signal
import time
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import numpy as np
import pytest

from proskill.annotation.summary.background_jobs import fitted_params
from proskill.annotation.summary.refresh import ChildProcess, DebouncedJob
from waiting import wait_until


def test_reasons_gather_and_the_work_is_never_done_twice_at_once() -> None:
    done: list[float] = []

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append(time.monotonic())

    async def campaign() -> None:
        repeater = DebouncedJob(work, rest_seconds=0.1)
        task = asyncio.create_task(repeater.run())
        for _ in range(60):
            repeater.ask()
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.3)
        task.cancel()

    asyncio.run(campaign())
    assert 2 <= len(done) <= 6
    assert min(np.diff(done)) >= 0.1


def test_who_waits_for_the_work_gets_it_at_once() -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("work")

    async def campaign() -> None:
        repeater = DebouncedJob(work, rest_seconds=60)
        task = asyncio.create_task(repeater.run())
        repeater.ask()
        await asyncio.sleep(0.05)
        assert done == []
        repeater.ask(at_once=True)
        await asyncio.sleep(0.05)
        assert done == ["work"]
        task.cancel()

    asyncio.run(campaign())


def test_work_that_fails_is_logged_and_tried_again_after_longer_and_longer_pauses(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tries: list[float] = []

    async def work() -> None:
        tries.append(time.monotonic())
        if len(tries) < 4:
            raise RuntimeError("what only the log may say")

    async def campaign() -> None:
        repeater = DebouncedJob(work, rest_seconds=0.05)
        task = asyncio.create_task(repeater.run())
        repeater.ask()  # once
        pauses: set[float] = set()
        while len(tries) < 4:
            await asyncio.sleep(0.01)
            if repeater.failure is not None:
                pauses.add(round(repeater.failure.again_at - repeater.failure.at, 2))
                assert "error in the program" in repeater.failure.reason
                assert "only the log" not in repeater.failure.reason
        assert sorted(pauses) == [0.1, 0.2, 0.4]
        await asyncio.sleep(0.3)
        assert repeater.failure is None
        task.cancel()

    asyncio.run(campaign())
    assert len(tries) == 4  # what went well is not done again unasked
    assert (np.diff(tries) >= [0.1, 0.2, 0.4]).all()
    assert "what only the log may say" in caplog.text


def test_a_child_that_is_killed_is_started_anew_and_gives_way_to_the_server() -> None:
    async def use() -> None:
        child = ChildProcess()
        try:
            pid = await child.run(os.getpid)
            assert pid != os.getpid()
            assert await child.run(os.nice, 0) >= os.nice(0) + 10
            with pytest.raises(ZeroDivisionError):
                await child.run(divmod, 1, 0)
            os.kill(pid, signal.SIGKILL)
            with pytest.raises(BrokenProcessPool):
                await child.run(os.getpid)
            assert await child.run(os.getpid) != pid
        finally:
            child.close()

    asyncio.run(use())


def test_a_models_scores_fade_from_the_pairing_as_votes_come_in(
    new_campaign: Any, serve: Any, visit: Any
) -> None:
    store = new_campaign(6, repeat_share=0.0, swapped_share=0.0)
    prior = {clip.take_id: -float(clip.id) for clip in store.clips()}
    store.set_priors(prior, source="a test", now=time.time())
    before = fitted_params(store.folder)
    assert (np.diff(before) < 0).all()
    ada = visit(serve(store.folder).url, store.invite("Ada", now=time.time()))
    number = {clip.public_id: clip.id for clip in store.clips()}
    for _ in range(15):  # all pairs; the later clip is the better one
        pair = ada.work()["current"]
        left, right = (number[pair[side]["clip"]] for side in ("left", "right"))
        assert ada.vote(pair["lease"], "left" if left > right else "right").status_code == 200
    after = fitted_params(store.folder)
    assert after[5] > after[0]
    (row,) = store.annotators()
    store.set_excluded(row.id, True, who="organiser", now=time.time())
    assert np.allclose(fitted_params(store.folder), before)


def test_ratings_that_are_never_done_hold_up_no_vote(
    new_campaign: Any, serve: Any, visit: Any
) -> None:
    store = new_campaign(40)
    server = serve(store.folder)
    ada = visit(server.url, store.invite("Ada", now=time.time()))
    fitter = server.app.state.campaign._fitter
    lease = ada.vote(ada.work()["current"]["lease"]).json()["current"]["lease"]
    stopped = wait_until(lambda: list(fitter._pool._processes or {}))
    os.kill(stopped[0], signal.SIGSTOP)
    try:
        for _ in range(20):
            started = time.monotonic()
            lease = ada.vote(lease).json()["current"]["lease"]
            assert time.monotonic() - started < 10  # not until it is done
    finally:
        os.kill(stopped[0], signal.SIGCONT)
    assert len(store.vote_log()) == 21
