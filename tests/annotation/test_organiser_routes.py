from __future__ import annotations

import time
from typing import Any

import pytest


@pytest.fixture
def people(new_campaign: Any, serve: Any, visit: Any) -> tuple[Any, Any, Any]:
    """The campaign's store, an organiser and an annotator."""
    store = new_campaign(6)
    url = serve(store.folder).url
    organiser = visit(url, store.invite("Olga", role="organiser", now=time.time()))
    return store, organiser, visit(url, store.invite("Ada", now=time.time()))


def test_the_summary_follows_the_votes(people: Any) -> None:
    _, organiser, ada = people
    first = organiser.http.get("/api/organiser/summary").json()
    assert first == {"name": "Cooking", "state": "open", "pending": True}
    ada.vote(ada.work()["current"]["lease"])
    end = time.monotonic() + 60
    while True:
        summary = organiser.http.get("/api/organiser/summary").json()
        if "pending" not in summary and summary["refreshed_at"] and summary["counts"]:
            break
        assert time.monotonic() < end, "no summary was worked out"
        time.sleep(0.2)
    assert summary["num_votes_now"] == 1
    assert summary["name"] == "Cooking"
    assert summary["refreshed_at"] <= summary["server_time"]


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
