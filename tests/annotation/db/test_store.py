"""People, clips, flags and the campaign itself."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update

from proskill.annotation import Answer, Assignment, CampaignStore, Refusal, Vote
from proskill.annotation.counting import counted_table
from proskill.annotation.db.log import read_log
from proskill.annotation.db.schema import campaign
from proskill.errors import CampaignError

NewCampaign = Callable[..., CampaignStore]


def test_a_campaign_is_the_same_after_it_was_opened_again(new_campaign: NewCampaign) -> None:
    with new_campaign(criteria=("grip", "flow"), quota=7, guideline="Look at the hands.") as store:
        before, clips = store.campaign(), store.clips()
    with CampaignStore.open(store.folder) as store:
        assert (store.campaign(), store.clips()) == (before, clips)
    assert [criterion.name for criterion in before.criteria] == ["grip", "flow"]
    assert (before.settings.quota, before.settings.guideline) == (7, "Look at the hands.")
    assert [clip.id for clip in clips] == list(range(1, 31))
    assert len({clip.public_id for clip in clips}) == 30


def test_a_campaign_with_a_setting_of_an_earlier_version_opens(new_campaign: NewCampaign) -> None:
    with new_campaign(quota=7) as store:
        before = store.campaign()
        settings = {**json.loads(before.settings.to_json()), "target_votes_per_clip": 10}
        with store.write() as (connection, _):
            connection.execute(update(campaign).values(settings=json.dumps(settings)))
    with CampaignStore.open(store.folder) as store:
        assert store.campaign() == before


def test_a_link_opens_for_its_owner_until_it_is_revoked_or_renewed(
    new_campaign: NewCampaign,
) -> None:
    with new_campaign() as store:
        first = store.invite("Ann", now=1.0)
        ann = store.find_annotator(first)
        assert ann is not None
        assert (ann.name, ann.role) == ("Ann", "annotator")
        second = store.invite(" Ann ", now=2.0)
        assert store.find_annotator(first) is None
        store.set_revoked(ann.id, True, who="lead", now=3.0)
        assert store.find_annotator(second) is None
        store.set_revoked(ann.id, False, who="lead", now=4.0)
        assert store.find_annotator(second) == ann
        assert store.find_annotator("") is None


def test_the_database_holds_no_token(new_campaign: NewCampaign) -> None:
    with new_campaign() as store:
        token = store.invite("Ann", now=1.0)
    content = b"".join(
        file.read_bytes() for file in store.folder.iterdir() if "sqlite" in file.name
    )
    assert b"Ann" in content
    assert token.encode() not in content


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\x00b", "a\u202eb"])
def test_names_that_cannot_be_shown_are_refused(new_campaign: NewCampaign, name: str) -> None:
    with new_campaign() as store, pytest.raises(CampaignError, match="printable characters"):
        store.invite(name, now=1.0)


def test_nobody_changes_role_by_another_invitation(new_campaign: NewCampaign) -> None:
    with new_campaign() as store:
        store.invite("Ann", now=1.0)
        with pytest.raises(CampaignError, match="'Ann' is invited as annotator already"):
            store.invite("Ann", role="organiser", now=2.0)


def test_the_pairs_of_who_is_revoked_go_back(new_campaign: NewCampaign) -> None:
    with new_campaign() as store:
        ann = store.find_annotator(store.invite("Ann", now=1.0))
        assert ann is not None
        Assignment(store, now=1.0).work(ann.id, 1.0)
        store.set_revoked(ann.id, True, who="lead", now=2.0)
        assert [lease.state for lease in store.leases()] == ["expired", "expired"]


def test_flags_are_noted_resolved_and_kept(new_campaign: NewCampaign) -> None:
    with new_campaign() as store:
        store.invite("Ann", now=1.0)
        clip = store.clips()[3]
        flag = store.add_flag(clip.public_id, 1, "broken", "black pictures", now=2.0)
        store.resolve_flag(flag, True, who="lead", now=3.0)
        [kept] = store.flags()
        assert (kept.clip_id, kept.note, kept.resolved_at) == (clip.id, "black pictures", 3.0)
        for guess in ("guess", "0" * 24, "\0", "\ud800"):
            with pytest.raises(Refusal, match="no such clip"):
                store.add_flag(guess, 1, "broken", "", now=4.0)
        with pytest.raises(Refusal, match="half a surrogate pair"):
            store.add_flag(clip.public_id, 1, "broken", "\ud800", now=4.0)
        with pytest.raises(Refusal, match="longer than 2000"):
            store.add_flag(clip.public_id, 1, "broken", "x" * 2001, now=4.0)
        with pytest.raises(CampaignError, match="no flag with id 9"):
            store.resolve_flag(9, True, who="lead", now=4.0)


def test_what_was_done_to_the_campaign_can_be_read_later(new_campaign: NewCampaign) -> None:
    with new_campaign() as store:
        store.invite("Ann", now=1.0)
        store.set_state("paused", who="lead", now=2.0)
        store.set_state("paused", who="lead", now=3.0)  # nothing new
        store.set_excluded(1, True, who="lead", now=4.0)
        store.set_priors({"secret take 0": 1.5}, source="checkpoint", now=5.0)
        trail = [(event.who, event.what["event"]) for event in store.events()]
        assert store.clips()[0].prior == 1.5
    assert trail == [
        ("campaign", "created"), ("Ann", "invited"), ("lead", "state"), ("lead", "excluded"),
        ("campaign", "prior"),
    ]  # fmt: skip


def test_votes_that_count_are_those_that_stand(new_campaign: NewCampaign) -> None:
    """Undone votes and those of excluded people are in the log and not in the table."""
    with new_campaign(repeat_share=0, swapped_share=0) as store:
        for name in ("Ann", "Ben"):
            store.invite(name, now=1.0)
        assignment = Assignment(store, now=1.0)
        for person in (1, 2):
            pair = assignment.work(person, 1.0).current
            assert pair is not None
            token = f"first answer of {person}"
            vote = Vote(token, pair.lease, {1: Answer("left")}, 2.0, 5.0, 1.0, 1.0)
            assignment.vote(person, vote, 5.0)
        change = Vote(
            "another answer", pair.lease, {1: Answer("tie")}, 2.0, 9.0, 1.0, 1.0, revokes=token
        )
        assignment.vote(2, change, 9.0)
        table = counted_table(read_log(store), 1)
        assert table.items == tuple(clip.take_id for clip in store.clips())
        assert (table.outcome.tolist(), table.seconds.tolist()) == ([1, 0], [3.0, 7.0])
        assert [table.annotators[i] for i in table.annotator] == ["Ann", "Ben"]
        assert table.item_a[1] == pair.left.id - 1
        store.set_excluded(1, True, who="lead", now=10.0)
        assert counted_table(read_log(store), 1).outcome.tolist() == [0]
        assert (len(store.vote_log()), store.num_recorded()[0]) == (3, 3)
        store.set_excluded(1, False, who="lead", now=11.0)
        assert len(counted_table(read_log(store), 1)) == 2


def test_every_change_that_a_summary_shows_is_noticed(new_campaign: NewCampaign) -> None:
    with new_campaign() as store:
        clip = store.clips()[0].public_id
        seen = [store.num_recorded()]
        for change in (
            lambda: store.invite("Ann", now=1.0),
            lambda: store.add_flag(clip, 1, "other", "", now=2.0),
            lambda: store.resolve_flag(1, True, who="lead", now=3.0),
            lambda: store.set_state("paused", who="lead", now=4.0),
            lambda: store.set_excluded(1, True, who="lead", now=5.0),
        ):
            change()
            seen.append(store.num_recorded())
        assert len(set(seen)) == len(seen)


def test_threads_may_share_a_store(new_campaign: NewCampaign) -> None:
    with new_campaign() as store:
        names = [f"person {number}" for number in range(12)]

        def invite(name: str) -> None:
            assert store.find_annotator(store.invite(name, now=1.0)) is not None

        threads = [threading.Thread(target=invite, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(person.name for person in store.annotators()) == sorted(names)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "holds no campaign"),
        ("nonsense", "is not what `proskill annotate create` wrote"),
        ("[]", "is not what `proskill annotate create` wrote"),
        ('{"database_url": 3}', "database_url must be text"),
        ("{}", "campaign.sqlite: is missing"),
        ('{"database_url": "mysql://x/y"}', "'mysql' databases are not supported"),
        ('{"database_url": "x"}', "is not a database URL"),
    ],
)
def test_a_folder_that_is_no_campaign_is_refused(
    tmp_path: Path, content: str | None, complaint: str
) -> None:
    if content is not None:
        (tmp_path / "campaign.json").write_text(content)
    with pytest.raises(CampaignError, match=complaint):
        CampaignStore.open(tmp_path)


def test_a_password_in_the_url_is_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "campaign.json").write_text('{"database_url": "postgresql+nodriver://a:pw@h/d"}')
    with pytest.raises(Exception) as caught:  # noqa: PT011
        CampaignStore.open(tmp_path)
    assert "pw" not in str(caught.value)


def test_a_damaged_database_is_said_in_a_sentence_wherever_it_is_damaged(
    new_campaign: NewCampaign,
) -> None:
    with new_campaign() as store:
        store.invite("Ann", now=1.0)
    path = store.folder / "campaign.sqlite"
    whole, chance = path.read_bytes(), random.Random(5)
    damages = [
        chance.randbytes(len(whole)),
        whole[: len(whole) // 4],
        whole.replace(b"Ann", b"\xff" * 3),
    ]
    damages += [
        whole[:begin] + chance.randbytes(4096) + whole[begin + 4096 :]
        for begin in range(0, len(whole), 4096)
    ]
    said = []
    for content in damages:
        path.write_bytes(content)
        try:
            with CampaignStore.open(store.folder) as damaged:
                read_log(damaged)
            said.append("")  # a page of an index that this does not read
        except CampaignError as error:
            said.append(str(error))
    assert set(said) == {"", "campaign.sqlite: is damaged; bring it back from a backup"}
    assert all(said[:4])
    assert sum(map(bool, said)) > 10
