from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import pytest

from proskill.annotation.db.store import CampaignStore
from proskill.annotation.refusals import RefusalCode


@pytest.fixture
def open_campaign(new_campaign: Any, serve: Any, visit: Any) -> Callable[..., tuple[Any, ...]]:
    """Serve a new campaign; its store, the server, and a visitor for each name."""

    def start(*names: str, **settings: Any) -> tuple[Any, ...]:
        store: CampaignStore = new_campaign(**settings)
        server = serve(store.folder)
        tokens = [store.invite(name, now=time.time()) for name in names]
        return store, server, *(visit(server.url, token) for token in tokens)

    return start


def rows(folder: Path, query: str) -> list[Any]:
    """What somebody who opens the database anew finds."""
    connection = sqlite3.connect(folder / "campaign.sqlite")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_an_acknowledged_vote_is_in_the_database_and_the_next_pair_comes_with_it(
    open_campaign: Any,
) -> None:
    store, _, ada = open_campaign("Ada")
    work = ada.work()
    answer = ada.vote(work["current"]["lease"], "right").json()
    found = rows(store.folder, "SELECT token, answer, watched_left FROM votes")
    assert found == [(answer["token"], "right", 1.0)]
    assert answer["duplicate"] is False
    assert answer["current"] == work["next"] | {"expires_at": answer["current"]["expires_at"]}
    assert answer["next"]["lease"] not in (work["current"]["lease"], work["next"]["lease"])
    assert answer["progress"]["done"] == 1


def test_the_same_token_twice_counts_once(open_campaign: Any) -> None:
    store, _, ada = open_campaign("Ada")
    lease = ada.work()["current"]["lease"]
    first = ada.vote(lease, token="a" * 32)
    again = ada.vote(lease, token="a" * 32)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["duplicate"] is True
    assert again.json()["current"]["lease"] == first.json()["current"]["lease"]
    assert rows(store.folder, "SELECT count(*) FROM votes") == [(1,)]


def test_a_reload_gives_the_same_pairs_after_a_restart_too(
    open_campaign: Any, serve: Any, visit: Any
) -> None:
    store, _, ada = open_campaign("Ada")
    leases = [ada.work()[place]["lease"] for place in ("current", "next")]
    assert [ada.work()[place]["lease"] for place in ("current", "next")] == leases
    again = visit(serve(store.folder).url, ada.token)
    assert [again.work()[place]["lease"] for place in ("current", "next")] == leases


def test_a_late_vote_counts_until_somebody_else_has_the_pair(open_campaign: Any) -> None:
    store, _, ada, ben = open_campaign("Ada", "Ben", num_clips=2, lease_seconds=0.3)
    first = ada.work()["current"]["lease"]
    time.sleep(0.5)
    assert ben.work()["reason"] == "waiting"  # what has just expired is offered the next time
    theirs = ben.work()["current"]["lease"]
    answer = ada.vote(first)
    assert (answer.status_code, answer.json()["code"]) == (409, "lease_expired")
    time.sleep(0.5)
    assert ada.vote(first).status_code == 200
    refused = ben.vote(theirs)
    assert refused.json()["code"] == "lease_expired"
    assert refused.json()["current"]["lease"] != theirs  # a repeat of the pair
    assert rows(store.folder, "SELECT count(*) FROM votes") == [(1,)]


def test_keeping_a_pair_makes_it_last(open_campaign: Any) -> None:
    _, _, ada = open_campaign("Ada", lease_seconds=0.6)
    lease = ada.work()["current"]["lease"]
    for _ in range(4):
        time.sleep(0.3)
        assert ada.http.post(f"/api/leases/{lease}/keep").json()["expires_at"] > time.time()
    assert ada.vote(lease).status_code == 200


def test_a_pair_is_its_annotators_alone_and_is_answered_once(open_campaign: Any) -> None:
    _, _, ada, ben = open_campaign("Ada", "Ben")
    lease = ada.work()["current"]["lease"]
    for moved in (ben.vote(lease), ada.vote(lease) and ada.vote(lease), ada.vote("f" * 24)):
        assert moved.status_code == 409
        assert moved.json()["code"] == "lease_moved"
        assert moved.json()["current"]["lease"] != lease
    assert ben.http.post(f"/api/leases/{lease}/keep").status_code == 409


def test_annotators_at_the_same_time_get_different_pairs(open_campaign: Any) -> None:
    _, _, *visitors = open_campaign("Ada", "Ben", "Cem", repeat_share=0.0, swapped_share=0.0)
    asked = []
    for _ in range(10):
        for visitor in visitors:
            pair = visitor.work()["current"]
            asked.append(frozenset((pair["left"]["clip"], pair["right"]["clip"])))
            assert visitor.vote(pair["lease"]).status_code == 200
    assert len(set(asked)) == len(asked) == 30


@pytest.mark.parametrize("state", ["paused", "closed"])
def test_no_vote_counts_while_the_campaign_rests(open_campaign: Any, state: str) -> None:
    store, _, ada = open_campaign("Ada")
    lease = ada.work()["current"]["lease"]
    store.set_state(state, who="organiser", now=time.time())
    answer = ada.vote(lease)
    assert (answer.status_code, answer.json()["code"]) == (409, state)
    assert ada.work()["current"] is None
    assert ada.work()["reason"] == state
    store.set_state("open", who="organiser", now=time.time())
    assert ada.vote(ada.work()["current"]["lease"]).status_code == 200


def test_clips_must_be_watched_before_they_are_judged_but_not_before_a_skip(
    open_campaign: Any,
) -> None:
    _, _, ada = open_campaign("Ada", min_watched=0.5)
    lease = ada.work()["current"]["lease"]
    answer = ada.vote(lease, watched_right=0.4)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_watched")
    assert answer.json()["current"]["lease"] == lease
    skip = ada.vote(lease, "skip", watched_right=0.0, reason="out of focus")
    assert skip.status_code == 200


def test_a_change_is_a_new_row_that_revokes_the_old_one(open_campaign: Any) -> None:
    store, _, ada = open_campaign("Ada", undo_depth=2)
    first = ada.vote(ada.work()["current"]["lease"], "left").json()
    (recent,) = first["recent"]
    changed = ada.vote(recent["pair"]["lease"], "right", revokes=recent["token"])
    assert changed.status_code == 200
    assert changed.json()["recent"][0]["answers"] == {"1": {"answer": "right"}}
    assert changed.json()["progress"]["done"] == 1
    assert rows(store.folder, "SELECT answer, revokes FROM votes ORDER BY seq") == [
        ("left", None),
        ("right", recent["token"]),
    ]
    again = ada.vote(recent["pair"]["lease"], "tie", revokes=recent["token"])
    assert (again.status_code, again.json()["code"]) == (409, "cannot_undo")
    for _ in range(2):
        ada.vote(ada.work()["current"]["lease"])
    too_far = ada.vote(recent["pair"]["lease"], "tie", revokes=changed.json()["token"])
    assert (too_far.status_code, too_far.json()["code"]) == (409, "cannot_undo")


def test_a_quota_ends_an_annotators_work(open_campaign: Any) -> None:
    _, _, ada, ben = open_campaign("Ada", "Ben", quota=2)
    for done in (1, 2):
        answer = ada.vote(ada.work()["current"]["lease"]).json()
        assert answer["progress"] == {"done": done, "quota": 2, "practice_left": 0}
    assert answer["current"] is None
    assert answer["reason"] == "quota_reached"
    assert ben.work()["current"] is not None


def test_what_no_page_sends_is_refused_in_a_sentence(open_campaign: Any) -> None:
    store, _, ada = open_campaign("Ada", allow_tie=False)
    lease = ada.work()["current"]["lease"]
    for changes in (
        {"answers": {}},
        {"answers": {"2": {"answer": "left"}}},
        {"answers": {"1": {"answer": "best"}}},
        {"answers": {"1": {"answer": "left", "strength": 2}}},
        {"answers": {"1": {"answer": "tie"}}},
        {"shown_at": "NaN"},
        {"watched_left": -1},
        {"token": "short"},
        {"token": "a\u0000" * 16},
        {"reason": "\u0000"},
        {"reason": "\ud800"},
        {"lease": "../../etc/passwd"},
        {"extra": 1},
    ):
        answer = ada.vote(**{"lease": lease} | changes)
        assert answer.status_code == 422, changes
        assert set(answer.json()) == {"code", "message"}
    assert rows(store.folder, "SELECT count(*) FROM votes") == [(0,)]


def test_nothing_tells_an_annotator_what_a_clip_is(
    new_campaign: Any, serve: Any, visit: Any
) -> None:
    store = new_campaign()
    scores = {clip.take_id: 7654.321 + clip.id for clip in store.clips()}
    store.set_priors(scores, source="a checkpoint", now=time.time())
    url = serve(store.folder).url
    ada, ben = (visit(url, store.invite(name, now=time.time())) for name in ("Ada", "Ben"))
    texts = [ada.login.text]
    for visitor in (ada, ben, ada):
        work = visitor.work()
        answer = visitor.vote(work["current"]["lease"])
        clip = work["current"]["left"]["clip"]
        for response in (
            visitor.http.get("/api/work"),
            answer,
            visitor.http.get(f"/clips/{clip}"),
            visitor.http.post("/api/flags", json={"clip": clip, "reason": "private"}),
        ):
            texts.append(response.text + str(response.headers))
    for text in texts:
        for word in (
            "secret",
            "rating",
            "level",
            "exo1",
            "kind",
            "gold",
            "repeat",
            "prior",
            "7654.",
        ):
            assert word not in text.lower()
    assert all("Ben" not in text for text in texts[:4])


def test_the_page_knows_every_refusal_of_a_vote_as_final_or_passing() -> None:
    pages = Path(str(files("proskill.app"))) / "annotate" / "static"
    listed = re.search(r"FINAL_CODES = new Set\(\[(.*?)\]\)", (pages / "api.js").read_text(), re.S)
    assert listed is not None
    final = set(re.findall(r'"(\w+)"', listed[1]))
    passing = {"paused", "other_person", "storage_full", "unavailable"}
    assert final - {"invalid", "too_large"} == set(get_args(RefusalCode)) - passing
