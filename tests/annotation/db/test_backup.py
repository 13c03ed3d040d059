"""A copy that was made while people voted is a campaign that goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from proskill.annotation import Answer, Assignment, CampaignStore, GoldTakes, Vote
from proskill.annotation.db.backup import back_up
from proskill.errors import CampaignError

NewCampaign = Callable[..., CampaignStore]
GOLD = [GoldTakes("secret take 0", "secret take 1", "left", is_practice=True)]


def cast(assignment: Assignment, number: int, *, first: int = 0) -> None:
    for place in range(first, first + number):
        pair = assignment.work(1, 0.0).current
        assert pair is not None
        vote = Vote(f"token number {place}", pair.lease, {1: Answer("tie")}, 1, 2, 1, 1)
        assignment.vote(1, vote, 2.0)


def content(store: CampaignStore) -> tuple[object, ...]:
    return (
        store.campaign(), store.annotators(), store.gold(), store.leases(), store.vote_log(),
        store.events(), [(clip.id, clip.public_id, clip.take_id) for clip in store.clips()],
    )  # fmt: skip


def test_a_copy_holds_everything_and_goes_on(new_campaign: NewCampaign, tmp_path: Path) -> None:
    with new_campaign(gold=GOLD) as store:
        token = store.invite("Ann", now=0.0)
        cast(Assignment(store, now=0.0), 5)
        back_up(store, tmp_path / "copy")
        with CampaignStore.open(tmp_path / "copy") as copy:
            assert content(copy) == content(store)
            assert copy.find_annotator(token) == store.find_annotator(token)
            cast(Assignment(copy, now=0.0), 3, first=5)
            assert len(copy.vote_log()) == 8
        assert len(store.vote_log()) == 5


def test_a_copy_of_a_campaign_in_use_is_one_moment_of_it(
    new_campaign: NewCampaign, tmp_path: Path
) -> None:
    with new_campaign() as store:
        store.invite("Ann", now=0.0)
        assignment = Assignment(store, now=0.0)
        cast(assignment, 5)
        voting = threading.Thread(target=cast, args=(assignment, 60), kwargs={"first": 5})
        voting.start()
        back_up(store, tmp_path / "copy")
        voting.join()
        with CampaignStore.open(tmp_path / "copy") as copy:
            log = copy.vote_log()
            assert log == store.vote_log()[: len(log)]
            answered = [lease.id for lease in copy.leases() if lease.state == "answered"]
            assert sorted(row.lease_id for row in log) == answered
            assert 5 <= len(log) <= 65
        assert len(store.vote_log()) == 65


def test_videos_come_along_when_asked(new_campaign: NewCampaign, tmp_path: Path) -> None:
    with new_campaign(2) as store:
        (store.folder / "proxies").mkdir()
        (store.folder / "proxies/a.mp4").write_bytes(b"pictures")
        store.set_proxy(1, "proxies/a.mp4", duration_seconds=2.0)
        back_up(store, tmp_path / "whole")
        back_up(store, tmp_path / "votes", with_videos=False)
    with CampaignStore.open(tmp_path / "whole") as copy:
        shown = copy.clips()[0].proxy
        assert shown is not None
        assert shown.read_bytes() == b"pictures"
    assert not (tmp_path / "votes/proxies").exists()


def test_a_copy_overwrites_nothing(new_campaign: NewCampaign) -> None:
    with new_campaign() as store, pytest.raises(CampaignError, match="must be an empty folder"):
        back_up(store, store.folder)


@pytest.mark.needs_postgresql
def test_a_campaign_moves_from_postgresql_to_a_file_and_back(
    new_campaign: NewCampaign, postgresql_url: str, tmp_path: Path
) -> None:
    with new_campaign(gold=GOLD) as store:
        store.invite("Ann", now=0.0)
        cast(Assignment(store, now=0.0), 4)
        back_up(store, tmp_path / "served", database_url=postgresql_url)
        with CampaignStore.open(tmp_path / "served") as served:
            assert content(served) == content(store)
            with pytest.raises(CampaignError, match="holds a campaign already"):
                back_up(store, tmp_path / "again", database_url=postgresql_url)
            served.invite("Ben", now=1.0)
            cast(Assignment(served, now=0.0), 4, first=4)
            back_up(served, tmp_path / "file")
            with CampaignStore.open(tmp_path / "file") as copy:
                assert content(copy) == content(served)
                assert [row.seq for row in copy.vote_log()][:4] == [1, 2, 3, 4]
    assert (tmp_path / "served/campaign.json").stat().st_mode & 0o077 == 0
