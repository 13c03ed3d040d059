from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from waiting import wait_until


@pytest.fixture
def people(new_campaign: Any, serve: Any, visit: Any) -> tuple[Any, Any, Any]:
    """The campaign's store, an organiser and an annotator."""
    store = new_campaign(6)
    url = serve(store.folder).url
    organiser = visit(url, store.invite("Olga", role="organiser", now=time.time()))
    return store, organiser, visit(url, store.invite("Ada", now=time.time()))


def _summary_when(
    organiser: Any,
    is_so: Callable[[dict[str, Any]], object],
    *,
    meanwhile: Callable[[], object] = lambda: None,
) -> dict[str, Any]:
    """The first summary that is so."""

    def look() -> dict[str, Any]:
        summary: dict[str, Any] = organiser.http.get("/api/organiser/summary").json()
        if is_so(summary):
            return summary
        meanwhile()
        return {}

    return wait_until(look)


def test_the_summary_follows_the_votes(people: Any) -> None:
    _, organiser, ada = people
    first = organiser.http.get("/api/organiser/summary").json()
    assert (first["name"], first["state"], first["pending"]) == ("Cooking", "open", True)
    assert (first["num_votes_now"], first["failures"]) == (0, {})
    ada.vote(ada.work()["current"]["lease"])
    summary = _summary_when(
        organiser, lambda one: "pending" not in one and one["refreshed_at"] and one["counts"]
    )
    assert summary["num_votes_now"] == 1
    assert summary["name"] == "Cooking"
    assert summary["refreshed_at"] <= summary["server_time"]


def test_figures_that_cannot_be_worked_out_are_said_and_tried_again(
    new_campaign: Any, serve: Any, visit: Any
) -> None:
    """The process that works them out is really killed, before the first figures and later."""
    store = new_campaign(6)
    server = serve(store.folder)
    organiser = visit(server.url, store.invite("Olga", role="organiser", now=time.time()))
    ada = visit(server.url, store.invite("Ada", now=time.time()))
    campaign = server.app.state.campaign
    campaign._figures._rest_seconds = 0.1

    def kill() -> None:
        for child in list(campaign._summariser._pool._processes or {}):
            with contextlib.suppress(ProcessLookupError):  # it has gone before
                os.kill(child, signal.SIGKILL)

    failed = _summary_when(
        organiser, lambda summary: "figures" in summary["failures"], meanwhile=kill
    )
    assert failed["pending"] is True
    assert "was ended" in failed["failures"]["figures"]["reason"]
    assert failed["failures"]["figures"]["at"] < failed["failures"]["figures"]["again_at"]
    good = _summary_when(organiser, lambda summary: "pending" not in summary)
    assert good["failures"] == {}
    ada.vote(ada.work()["current"]["lease"])
    for state in ("paused", "open"):  # which waits for no pause
        organiser.http.post("/api/organiser/state", json={"state": state})
    kept = _summary_when(
        organiser, lambda summary: "figures" in summary["failures"], meanwhile=kill
    )
    assert (kept["as_of"], kept["counts"]) == (good["as_of"], good["counts"])
    assert (kept["counts"]["answers"], kept["num_votes_now"]) == (0, 1)
    mended = _summary_when(organiser, lambda summary: summary["counts"]["answers"] == 1)
    assert (mended["failures"], mended["as_of"] > kept["as_of"]) == ({}, True)


def test_an_organiser_pauses_opens_and_closes(people: Any) -> None:
    store, organiser, ada = people
    for state in ("paused", "open", "closed"):
        answer = organiser.http.post("/api/organiser/state", json={"state": state})
        assert answer.json() == {"state": state}
        assert store.campaign().state == state
        assert ada.work()["campaign"]["state"] == state
    assert organiser.http.post("/api/organiser/state", json={"state": "gone"}).status_code == 422
    assert {event.who for event in store.events() if event.what["event"] == "state"} == {"Olga"}


def test_an_excluded_annotator_gets_no_pairs_and_keeps_the_votes(people: Any) -> None:
    store, organiser, ada = people
    ada.vote(ada.work()["current"]["lease"])
    row = next(row for row in store.annotators() if row.name == "Ada")
    path = f"/api/organiser/annotators/{row.id}"
    assert organiser.http.post(path, json={"excluded": True}).status_code == 200
    assert ada.work()["current"] is None
    assert len(store.vote_log()) == 1
    assert organiser.http.post(path, json={"excluded": False}).status_code == 200
    assert ada.work()["current"] is not None


def test_organisers_are_not_changed_over_http(people: Any) -> None:
    store, organiser, _ = people
    row = next(row for row in store.annotators() if row.name == "Olga")
    answer = organiser.http.post(f"/api/organiser/annotators/{row.id}", json={"revoked": True})
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_role")
    answer = organiser.http.post("/api/organiser/annotators", json={"name": "Olga"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert organiser.http.post("/api/organiser/annotators/99", json={}).status_code == 404


def test_a_flag_reaches_the_organiser_and_is_dealt_with(people: Any) -> None:
    store, organiser, ada = people
    clip = ada.work()["current"]["left"]["clip"]
    flag = ada.http.post("/api/flags", json={"clip": clip, "reason": "private", "note": "a face"})
    path = f"/api/organiser/flags/{flag.json()['id']}"
    assert organiser.http.post(path, json={"resolved": True}).status_code == 200
    assert store.flags()[0].resolved_at is not None
    assert organiser.http.post(path, json={"resolved": False}).status_code == 200
    assert store.flags()[0].resolved_at is None
    assert (
        organiser.http.post("/api/organiser/flags/99", json={"resolved": True}).status_code == 404
    )
    answer = ada.http.post("/api/flags", json={"clip": "f" * 24, "reason": "other"})
    assert answer.status_code == 404
    clips = organiser.http.get("/api/organiser/clips").json()["clips"]
    assert {row["take"] for row in clips if row["clip"] == clip} <= {
        f"secret take {i}" for i in range(6)
    }
