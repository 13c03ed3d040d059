from __future__ import annotations

import io
import json
from collections import Counter
from typing import Any

import pytest

from proskill.annotation.db.store import CampaignStore
from proskill.annotation.simulated_truth import hidden_skill, invite_simulated
from proskill.app.annotate.simulated_annotators import ServerLostError, simulate_annotators


def vote_on_two_servers(store: CampaignStore, serve: Any) -> None:
    """Simulated annotators on both; no vote is lost or doubled, no pair asked anew."""
    urls = [serve(store.folder).url for _ in range(2)]
    log = io.StringIO()
    result = simulate_annotators(
        urls,
        tokens=invite_simulated(store, 6),
        skill=hidden_skill(store, seed=0),
        num_votes=120,
        log=log,
    )
    votes = Counter(row.token for row in store.vote_log())
    tokens = [json.loads(line)["token"] for line in log.getvalue().splitlines()]
    assert result.num_votes == len(tokens) == 120
    assert votes == Counter(tokens)
    assert max(votes.values()) == 1
    pairs = Counter(
        frozenset((lease.left_clip, lease.right_clip))
        for lease in store.leases()
        if lease.kind == "new"
    )
    assert max(pairs.values()) == 1


def test_two_servers_share_a_file(new_campaign: Any, serve: Any) -> None:
    vote_on_two_servers(new_campaign(60), serve)


@pytest.mark.needs_postgresql
def test_two_servers_share_a_database_server(
    new_campaign: Any, serve: Any, postgresql_url: str
) -> None:
    vote_on_two_servers(new_campaign(60, url=postgresql_url), serve)


def test_simulated_annotators_end_when_nothing_is_left(new_campaign: Any, serve: Any) -> None:
    store = new_campaign(4, repeat_share=0.0, swapped_share=0.0, quota=5)
    result = simulate_annotators(
        [serve(store.folder).url],
        tokens=invite_simulated(store, 2),
        skill=hidden_skill(store, seed=0),
        num_votes=100,
    )
    assert result.num_votes == 6  # every pair of four clips
    assert sum(result.ended.values()) == 2
    assert set(result.ended) <= {"nothing_left", "quota_reached"}


def test_the_hidden_truth_is_the_manifests_and_decides_most_votes(
    new_campaign: Any, serve: Any
) -> None:
    store = new_campaign(20)
    skill = hidden_skill(store, seed=0)
    ordered = [skill[clip.public_id] for clip in store.clips()]
    assert ordered == sorted(ordered)  # the ratings of the takes
    simulate_annotators(
        [serve(store.folder).url], tokens=invite_simulated(store, 3), skill=skill, num_votes=60
    )
    right = [
        (row.left_clip > row.right_clip) == (row.answer == "left")
        for row in store.vote_log()
        if row.answer != "tie"
    ]
    assert sum(right) > 0.6 * len(right)


def test_a_server_that_is_not_there_is_one_sentence(new_campaign: Any) -> None:
    store = new_campaign(4)
    with pytest.raises(ServerLostError, match=r"does not answer .*0 votes"):
        simulate_annotators(
            ["http://127.0.0.1:9"],
            tokens=invite_simulated(store, 1),
            skill=hidden_skill(store, seed=0),
            num_votes=1,
        )
