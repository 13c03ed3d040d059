"""Who is asked what, whatever happens and however many processes ask."""

from __future__ import annotations

import itertools
import math
import multiprocessing
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proskill.annotation import (
    Answer,
    Assignment,
    CampaignStore,
    GoldTakes,
    LeasedPair,
    LeaseRow,
    Refusal,
    Vote,
    VoteResult,
    Work,
    effective_votes,
)
from proskill.annotation.assignment.memory import LeaseMemory
from proskill.annotation.counting import counted_table
from proskill.annotation.db.log import read_log

NewCampaign = Callable[..., CampaignStore]
_numbers = itertools.count()


def people(store: CampaignStore, number: int) -> list[int]:
    for place in range(number):
        store.invite(f"person {place}", now=0.0)
    return [person.id for person in store.annotators()]


def vote_on(pair: LeasedPair, choice: Any = "left", *, at: float = 1.0, **changes: Any) -> Vote:
    values = {
        "token": f"token number {next(_numbers)}",
        "lease": pair.lease,
        "answers": {1: Answer(choice)},
        "shown_at": max(at - 3.0, 0.0),
        "answered_at": at,
        "watched_left": 1.0,
        "watched_right": 1.0,
    }
    return Vote(**{**values, **changes})


def current(work: Work) -> LeasedPair:
    assert work.current is not None
    return work.current


def answer(
    assignment: Assignment, person: int, choice: str = "left", *, at: float = 1.0
) -> VoteResult:
    """Vote on the current pair."""
    pair = current(assignment.work(person, at))
    return assignment.vote(person, vote_on(pair, choice, at=at), at)


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(Refusal) as caught:
        act()
    return caught.value.code


def test_a_reload_shows_the_same_pairs_and_a_vote_moves_on_to_the_next(
    new_campaign: NewCampaign,
) -> None:
    with new_campaign() as store:
        [ann] = people(store, 1)
        assignment = Assignment(store, now=0.0)
        work = assignment.work(ann, 0.0)
        again = assignment.work(ann, 1.0)
        assert work.next is not None
        assert again.next is not None
        assert (current(again).lease, again.next.lease) == (current(work).lease, work.next.lease)
        result = assignment.vote(ann, vote_on(current(work)), 2.0)
        assert current(result.work).lease == work.next.lease
        assert result.work.progress.done == 1
        assert [answered.pair.lease for answered in result.work.recent] == [current(work).lease]


def test_the_same_token_counts_once_and_stands_for_one_answer(new_campaign: NewCampaign) -> None:
    with new_campaign() as store:
        ann, ben = people(store, 2)
        assignment = Assignment(store, now=0.0)
        pair = current(assignment.work(ann, 0.0))
        vote = vote_on(pair)
        first, second = (assignment.vote(ann, vote, at) for at in (1.0, 2.0))
        assert (first.is_duplicate, second.is_duplicate) == (False, True)
        assert second.work.progress.done == 1
        assert len(store.vote_log()) == 1
        other = vote_on(pair, "right", token=vote.token)
        assert refusal(lambda: assignment.vote(ann, other, 3.0)) == "token_taken"
        assert refusal(lambda: assignment.vote(ben, vote, 3.0)) == "token_taken"
        store.set_state("closed", who="lead", now=4.0)
        assert assignment.vote(ann, vote, 5.0).is_duplicate  # it was acknowledged


def test_a_pair_that_ran_out_or_belongs_to_another_is_refused(new_campaign: NewCampaign) -> None:
    with new_campaign(lease_seconds=100) as store:
        ann, ben = people(store, 2)
        assignment = Assignment(store, now=0.0)
        pair = current(assignment.work(ann, 0.0))
        assert refusal(lambda: assignment.vote(ben, vote_on(pair), 1.0)) == "lease_moved"
        for guess in ("guess", "0" * 24, "\0", "\ud800"):
            unknown = vote_on(pair, lease=guess)
            assert refusal(lambda vote=unknown: assignment.vote(ann, vote, 1.0)) == "lease_moved"
        assert assignment.keep(ann, pair.lease, 50.0) == 150.0
        assert refusal(lambda: assignment.keep(ann, pair.lease, 152.0)) == "lease_expired"
        fresh = current(assignment.work(ann, 153.0))
        assert fresh.lease != pair.lease
        assignment.vote(ann, vote_on(fresh), 154.0)
        assert refusal(lambda: assignment.vote(ann, vote_on(fresh), 155.0)) == "lease_moved"
        assert len(store.vote_log()) == 1


LATE: dict[str, Any] = {
    "repeat_share": 0, "swapped_share": 0, "gold_share": 0, "lease_seconds": 10,
}  # fmt: skip


def work_after_expiry(assignment: Assignment, person: int, at: float) -> Work:
    """What expires in one transaction is offered from the next one on."""
    assignment.work(person, at)
    return assignment.work(person, at)


def late_answers(store: CampaignStore) -> None:
    """Of a campaign of two clips whose leases last 10 s."""
    ann, ben = people(store, 2)
    assignment, other = Assignment(store, now=0.0), Assignment(store, now=0.0)
    pair = current(assignment.work(ann, 0.0))
    theirs = current(work_after_expiry(other, ben, 50.0))
    assert refusal(lambda: assignment.vote(ann, vote_on(pair), 51.0)) == "lease_expired"
    assert current(other.work(ben, 52.0)).lease == theirs.lease  # nothing was taken from them
    again = current(work_after_expiry(assignment, ann, 100.0))  # theirs ran out as well
    assert again.lease not in (pair.lease, theirs.lease)
    result = assignment.vote(ann, vote_on(pair), 101.0)
    assert not result.is_duplicate
    assert (result.work.progress.done, result.work.current) == (1, None)
    assert refusal(lambda: other.vote(ben, vote_on(theirs), 102.0)) == "lease_expired"
    assert refusal(lambda: other.vote(ann, vote_on(again), 103.0)) == "lease_expired"
    assert [lease.state for lease in store.leases()] == ["answered", "expired", "expired"]
    assert len(store.vote_log()) == 1


def test_a_late_answer_counts_unless_somebody_else_was_asked(new_campaign: NewCampaign) -> None:
    with new_campaign(2, **LATE) as store:
        late_answers(store)


@pytest.mark.needs_postgresql
def test_a_late_answer_counts_in_postgresql_too(
    new_campaign: NewCampaign, postgresql_url: str
) -> None:
    with new_campaign(2, url=postgresql_url, **LATE) as store:
        late_answers(store)


def test_a_late_practice_answer_is_explained_and_not_asked_again(
    new_campaign: NewCampaign,
) -> None:
    gold = [GoldTakes("secret take 0", "secret take 1", "left", is_practice=True)]
    with new_campaign(6, gold=gold, lease_seconds=10) as store:
        [ann] = people(store, 1)
        assignment = Assignment(store, now=0.0)
        pair = current(assignment.work(ann, 0.0))
        assignment.work(ann, 50.0)
        again = answer(assignment, ann, at=50.0).work.next
        assert again is not None
        assert again.is_practice  # the same pair under another lease
        result = assignment.vote(ann, vote_on(pair), 51.0)
        assert result.practice is not None
        assert (result.practice.is_right, result.work.progress.practice_left) == (True, 0)
        opened = [lease for lease in store.leases() if lease.state == "out"]
        assert [lease.kind for lease in opened] == ["new", "new"]


def test_watching_keeps_a_pair_but_not_for_ever(new_campaign: NewCampaign) -> None:
    with new_campaign(lease_seconds=10) as store:
        [ann] = people(store, 1)
        assignment = Assignment(store, now=0.0)
        pair = current(assignment.work(ann, 0.0))
        for now in range(5, 120, 5):
            assignment.keep(ann, pair.lease, float(now))
        assert refusal(lambda: assignment.keep(ann, pair.lease, 140.0)) == "lease_expired"


def test_answers_typed_while_no_server_ran_are_taken(new_campaign: NewCampaign) -> None:
    with new_campaign(lease_seconds=30) as store:
        [ann] = people(store, 1)
        pair = current(Assignment(store, now=0.0).work(ann, 0.0))
        restarted = Assignment(store, now=1000.0)
        assert not restarted.vote(ann, vote_on(pair, at=20.0), 1005.0).is_duplicate


@pytest.mark.parametrize("state", ["paused", "closed"])
def test_a_campaign_that_rests_asks_nothing_and_takes_nothing(
    new_campaign: NewCampaign, state: Any
) -> None:
    with new_campaign() as store:
        [ann] = people(store, 1)
        assignment = Assignment(store, now=0.0)
        pair = current(assignment.work(ann, 0.0))
        store.set_state(state, who="lead", now=1.0)
        work = assignment.work(ann, 2.0)
        assert (work.current, work.next, work.reason) == (None, None, state)
        assert refusal(lambda: assignment.vote(ann, vote_on(pair), 3.0)) == state
        store.set_state("open", who="lead", now=4.0)
        assert current(assignment.work(ann, 5.0)).lease == pair.lease


def test_who_is_excluded_gets_nothing_more(new_campaign: NewCampaign) -> None:
    with new_campaign() as store:
        [ann] = people(store, 1)
        assignment = Assignment(store, now=0.0)
        pair = current(assignment.work(ann, 0.0))
        store.set_excluded(ann, True, who="lead", now=1.0)
        assert assignment.work(ann, 2.0).reason == "nothing_left"
        assert refusal(lambda: assignment.vote(ann, vote_on(pair), 3.0)) == "lease_expired"
        store.set_excluded(ann, False, who="lead", now=4.0)
        assert assignment.work(ann, 5.0).current is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"token": "short"},
        {"token": "x" * 101},
        {"token": "half \ud800 of a pair"},
        {"revokes": "\0" * 9},
        {"reason": "x" * 2001},
        {"client": "half \ud800 of a pair"},
        {"shown_at": math.nan},
        {"answered_at": math.inf},
        {"watched_left": -0.1},
        {"revokes": "the same", "token": "the same"},
    ],
)
def test_a_vote_that_cannot_be_stored_is_no_vote(wrong: dict[str, Any]) -> None:
    right = {
        "token": "some token", "lease": "", "answers": {}, "shown_at": 0.0, "answered_at": 1.0,
        "watched_left": 1.0, "watched_right": 1.0,
    }  # fmt: skip
    Vote(**right)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Vote(**{**right, **wrong})


def test_a_judgement_needs_watching_and_a_skip_does_not(new_campaign: NewCampaign) -> None:
    with new_campaign(min_watched=0.5) as store:
        [ann] = people(store, 1)
        assignment = Assignment(store, now=0.0)
        pair = current(assignment.work(ann, 0.0))
        unseen = vote_on(pair, watched_right=0.49)
        assert refusal(lambda: assignment.vote(ann, unseen, 1.0)) == "not_watched"
        assignment.vote(ann, vote_on(pair, "skip", watched_left=0.0, reason="black"), 1.0)
        assert store.vote_log()[0].reason == "black"


@pytest.mark.parametrize(
    ("allowed", "answers"),
    [
        ({}, {}),
        ({}, {1: Answer("left"), 2: Answer("left")}),
        ({"allow_tie": False}, {1: Answer("tie")}),
        ({}, {1: Answer("left", 2)}),
        ({"strength": True}, {1: Answer("left")}),
    ],
)
def test_answers_to_other_questions_are_refused(
    new_campaign: NewCampaign, allowed: dict[str, Any], answers: dict[int, Answer]
) -> None:
    with new_campaign(**allowed) as store:
        [ann] = people(store, 1)
        assignment = Assignment(store, now=0.0)
        vote = vote_on(current(assignment.work(ann, 0.0)), answers=answers)
        assert refusal(lambda: assignment.vote(ann, vote, 1.0)) == "wrong_answers"


def test_every_criterion_has_its_line_in_the_log(new_campaign: NewCampaign) -> None:
    with new_campaign(criteria=("grip", "flow"), strength=True) as store:
        [ann] = people(store, 1)
        assignment = Assignment(store, now=0.0)
        answers = {1: Answer("left", 3), 2: Answer("tie")}
        vote = vote_on(current(assignment.work(ann, 0.0)), answers=answers)
        result = assignment.vote(ann, vote, 1.0)
        assert [(row.criterion_id, row.answer, row.strength) for row in store.vote_log()] == [
            (1, "left", 3), (2, "tie", None),
        ]  # fmt: skip
        assert result.work.recent[0].answers == answers
        assert (store.num_recorded()[0], len(counted_table(read_log(store), 2))) == (1, 1)


def test_the_last_answers_may_be_changed_again_and_again(new_campaign: NewCampaign) -> None:
    with new_campaign(undo_depth=2) as store:
        ann, ben = people(store, 2)
        assignment = Assignment(store, now=0.0)
        for _ in range(3):
            work = answer(assignment, ann).work
        last, earlier = work.recent
        changed = vote_on(last.pair, "right", revokes=last.token)
        assert assignment.vote(ann, changed, 2.0).work.progress.done == 3
        assert refusal(lambda: assignment.vote(ben, vote_on(
            earlier.pair, revokes=earlier.token), 2.0)) == "cannot_undo"  # fmt: skip
        again = vote_on(last.pair, "right", revokes=last.token)
        assert refusal(lambda: assignment.vote(ann, again, 3.0)) == "cannot_undo"
        final = vote_on(last.pair, "tie", revokes=changed.token)
        recent = assignment.vote(ann, final, 4.0).work.recent
        assert [item.token for item in recent] == [final.token, earlier.token]
        oldest = store.vote_log()[0]
        too_old = vote_on(last.pair, revokes=oldest.token)
        assert refusal(lambda: assignment.vote(ann, too_old, 5.0)) == "cannot_undo"
        standing = effective_votes(store.vote_log())
        assert [row.answer for row in standing] == ["left", "left", "tie"]


def test_the_quota_ends_the_work(new_campaign: NewCampaign) -> None:
    with new_campaign(quota=3) as store:
        [ann] = people(store, 1)
        assignment = Assignment(store, now=0.0)
        pairs_ahead = [answer(assignment, ann).work.next is not None for _ in range(3)]
        assert pairs_ahead == [True, False, False]
        work = assignment.work(ann, 2.0)
        assert (work.current, work.reason, work.progress.done) == (None, "quota_reached", 3)


def test_practice_comes_first_says_what_is_right_and_does_not_count(
    new_campaign: NewCampaign,
) -> None:
    takes = [f"secret take {place}" for place in range(4)]
    gold = [
        GoldTakes(takes[0], takes[1], "left", is_practice=True, feedback="Look at the feet."),
        GoldTakes(takes[2], takes[3], "tie"),
        GoldTakes(takes[3], takes[1], "right", is_practice=True),
    ]
    with new_campaign(gold=gold, quota=2) as store:
        [ann] = people(store, 1)
        assignment = Assignment(store, now=0.0)
        first = answer(assignment, ann, "right")
        assert first.practice is not None
        assert (first.practice.is_right, first.practice.answer) == (False, "left")
        assert first.practice.feedback == "Look at the feet."
        assert first.work.progress.practice_left == 1
        second = answer(assignment, ann, "right")
        assert second.practice is not None
        assert second.practice.is_right
        assert (second.work.progress.done, second.work.recent) == (0, ())
        undo = vote_on(current(second.work), revokes=store.vote_log()[0].token)
        assert refusal(lambda: assignment.vote(ann, undo, 2.0)) == "cannot_undo"
        third = answer(assignment, ann)
        assert (third.practice, third.work.progress.done) == (None, 1)
        assert len(counted_table(read_log(store), 1)) == 1


def test_shares_of_gold_repeats_and_swapped_repeats_are_as_asked(
    new_campaign: NewCampaign,
) -> None:
    takes = [f"secret take {place}" for place in range(60)]
    gold = [GoldTakes(takes[i], takes[i + 1], "left") for i in range(0, 60, 2)]
    with new_campaign(60, gold=gold, gold_share=0.1) as store:
        team = people(store, 6)
        assignment = Assignment(store, now=0.0)
        work = {person: assignment.work(person, 0.0) for person in team}
        for _ in range(80):
            for person in team:
                vote = vote_on(current(work[person]))
                work[person] = assignment.vote(person, vote, 1.0).work
        leases = store.leases()
    share = {kind: number / len(leases) for kind, number in kinds_of(leases).items()}
    assert share["gold"] == pytest.approx(0.1, abs=0.04)
    assert share["repeat"] == pytest.approx(0.15 * 0.9, abs=0.05)
    assert share["swapped"] == pytest.approx(0.05 * 0.9, abs=0.03)
    assert_rules_hold(leases, gold_keys={(i + 1, i + 2) for i in range(0, 60, 2)})
    lefts = Counter(lease.left_clip for lease in leases if lease.kind != "gold")
    rights = Counter(lease.right_clip for lease in leases if lease.kind != "gold")
    assert max(abs(lefts[clip] - rights[clip]) for clip in range(1, 61)) <= 5


def kinds_of(leases: list[LeaseRow]) -> Counter[str]:
    return Counter(lease.kind for lease in leases)


def assert_rules_hold(leases: list[LeaseRow], *, gold_keys: set[tuple[int, int]]) -> None:
    """What must be true of the leases at any moment."""
    asked: defaultdict[tuple[int, int], list[LeaseRow]] = defaultdict(list)
    for lease in leases:
        key = (min(lease.left_clip, lease.right_clip), max(lease.left_clip, lease.right_clip))
        assert (key in gold_keys) == (lease.kind in ("gold", "practice"))
        if lease.state != "expired":
            asked[key].append(lease)
    for key, found in asked.items():
        found.sort(key=lambda lease: lease.id)
        if key in gold_keys:
            assert len({lease.annotator_id for lease in found}) == len(found)
            continue
        assert [lease.kind == "new" for lease in found] == [True] + [False] * (len(found) - 1)
        assert len(found) <= 2
        if len(found) == 2:
            first, second = found
            assert first.state == "answered"
            is_same = first.annotator_id == second.annotator_id
            assert second.kind == ("swapped" if is_same else "repeat")
            if is_same:
                assert (first.left_clip, first.right_clip) == (
                    second.right_clip, second.left_clip,
                )  # fmt: skip
    out = Counter(lease.annotator_id for lease in leases if lease.state == "out")
    assert max(out.values(), default=0) <= 2


_steps = st.lists(
    st.tuples(
        st.sampled_from(
            ["vote", "vote", "vote", "work", "wait", "restart", "undo", "twice", "late", "late"]
        ),
        st.integers(0, 1),  # which process
        st.integers(0, 2),  # which annotator
    ),
    min_size=20,
    max_size=70,
)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=_steps, num_clips=st.integers(3, 9), num_scenarios=st.integers(1, 2))
def test_whatever_happens_no_pair_is_asked_twice_without_need_and_no_vote_is_lost(
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, int, int]],
    num_clips: int,
    num_scenarios: int,
) -> None:
    """Two processes on one database; leases expire, servers restart, answers come twice or late."""
    folder = tmp_path_factory.mktemp("any") / "campaign"
    with small_campaign(folder, num_clips, num_scenarios) as store:
        team = people(store, 3)
        processes = [Assignment(store, now=0.0) for _ in range(2)]
        acknowledged: dict[str, str] = {}
        asked: defaultdict[int, dict[str, LeasedPair]] = defaultdict(dict)  # and never answered
        now = 0.0
        for what, process, place in steps:
            now += 1.0
            assignment, person = processes[process], team[place]
            work = assignment.work(person, now)
            asked[person] |= {pair.lease: pair for pair in (work.current, work.next) if pair}
            if what == "wait":
                now += 25.0
            elif what == "restart":
                processes[process] = Assignment(store, now=now)
            elif what == "undo" and work.recent:
                last = work.recent[0]
                vote = vote_on(last.pair, "tie", at=now, revokes=last.token)
                acknowledged[assignment.vote(person, vote, now).token] = "tie"
            elif what in ("vote", "twice") and work.current is not None:
                del asked[person][work.current.lease]
                vote = vote_on(work.current, at=now)
                for sender in processes[: 2 if what == "twice" else 1]:
                    acknowledged[sender.vote(person, vote, now).token] = "left"
            elif what == "late" and asked[person]:
                oldest = asked[person].pop(next(iter(asked[person])))
                vote = vote_on(oldest, at=now)
                if was_asked_elsewhere(store, oldest, person):
                    with pytest.raises(Refusal, match="waited too long"):
                        assignment.vote(person, vote, now)
                else:
                    acknowledged[assignment.vote(person, vote, now).token] = "left"
        assert_rules_hold(store.leases(), gold_keys={(1, 1 + num_scenarios)})
        log = store.vote_log()
        assert {row.token: row.answer for row in log} == acknowledged
        assert len(log) == len(acknowledged)
        standing = effective_votes(log)
        answered = [lease.id for lease in store.leases() if lease.state == "answered"]
        assert sorted(row.lease_id for row in standing) == sorted(answered)
        assert_same_memory(store, processes, now)


def was_asked_elsewhere(store: CampaignStore, pair: LeasedPair, person: int) -> bool:
    """Whether an expired pair is with somebody else, or was answered under another lease.

    A repeat is asked of a pair that was answered, and gold of everybody: only their like count.
    """
    rows = store.leases()
    [asked] = [row for row in rows if row.public_id == pair.lease]
    same = [
        row
        for row in rows
        if {row.left_clip, row.right_clip} == {asked.left_clip, asked.right_clip}
        and (row.kind in ("repeat", "swapped")) == (asked.kind in ("repeat", "swapped"))
        and (asked.kind != "gold" or row.annotator_id == person)
    ]
    return any(
        row.state == "answered" or (row.state == "out" and row.annotator_id != person)
        for row in same
    )


def assert_same_memory(store: CampaignStore, processes: list[Assignment], now: float) -> None:
    """All processes, and one that starts now, would offer the same pairs."""
    for assignment in processes:
        assignment.work(1, now)
    offers = []
    for assignment in [*processes, Assignment(store, now=now)]:
        assignment.work(1, now)
        memory: LeaseMemory = assignment._memory
        left = set()
        while (proposal := memory.propose(99)) is not None:  # somebody who never judged
            if proposal.kind != "gold":  # which comes by chance
                left.add(proposal.key)
        offers.append(left)
    assert offers[0] == offers[1] == offers[2]


def small_campaign(folder: Path, num_clips: int, num_scenarios: int) -> CampaignStore:
    from proskill.annotation import CampaignSettings, create_campaign
    from proskill.data import Take, View

    takes = [
        Take(f"take {i}", "p", f"s{i % num_scenarios}", {"exo": View(Path("none.mp4"), "exo")})
        for i in range(num_clips)
    ]
    return create_campaign(
        folder,
        takes=takes,
        name="any",
        now=0.0,
        settings=CampaignSettings(lease_seconds=20.0, swapped_share=0.2, gold_share=0.2),
        gold=[GoldTakes("take 0", f"take {num_scenarios}", "left")],
        group_by_scenario=True,
    )


def test_pairs_stay_within_a_scenario(new_campaign: NewCampaign) -> None:
    with new_campaign(12, num_scenarios=3) as store:
        [ann] = people(store, 1)
        assignment = Assignment(store, now=0.0)
        group = {clip.id: clip.group for clip in store.clips()}
        for _ in range(18):
            answer(assignment, ann)
        leases = store.leases()
        assert len(leases) == 18
        assert all(group[lease.left_clip] == group[lease.right_clip] for lease in leases)
        assert assignment.work(ann, 2.0).reason == "nothing_left"


def test_somebody_waits_while_the_last_pairs_are_out(new_campaign: NewCampaign) -> None:
    with new_campaign(2) as store:
        ann, ben = people(store, 2)
        assignment = Assignment(store, now=0.0)
        assert assignment.work(ann, 0.0).current is not None
        assert assignment.work(ben, 0.0).reason == "waiting"
        answer(assignment, ann)
        assert current(assignment.work(ben, 2.0)).left.id in (1, 2)  # a repeat
        assert [lease.kind for lease in store.leases()] == ["new", "repeat"]


def test_pairs_by_a_prior_are_of_like_score(new_campaign: NewCampaign) -> None:
    with new_campaign(100, repeat_share=0, swapped_share=0) as store:
        [ann] = people(store, 1)
        scores = {f"secret take {place}": float(place) for place in range(100)}
        store.set_priors(scores, source="checkpoint", now=0.0)
        assignment = Assignment(store, now=0.0)
        for _ in range(50):
            answer(assignment, ann)
        apart = [abs(lease.left_clip - lease.right_clip) for lease in store.leases()]
        assert np.median(apart) <= 10  # a third of the range at random


def test_ratings_steer_the_pairs_and_survive_a_disagreement(new_campaign: NewCampaign) -> None:
    """A lease that no process was told of is noticed by the database, and then known."""
    from sqlalchemy import update

    from proskill.annotation.db.schema import leases

    with new_campaign(3, repeat_share=0, swapped_share=0) as store:
        ann, ben = people(store, 2)
        assignment = Assignment(store, now=0.0)
        assignment.update_params(np.array([0.0, 1.0, 2.0]))
        Assignment(store, now=0.0).work(ben, 0.0)  # 2 of the 3 pairs
        with store.write() as (connection, _):
            connection.execute(update(leases).values(change=0).where(leases.c.id == 1))
        work = assignment.work(ann, 1.0)
        assert work.current is not None
        assert work.next is None
        assert len({(row.left_clip, row.right_clip) for row in store.leases()}) == 3


def _vote_apart(folder: Path, person: int, number: int) -> list[str]:
    """As a server of its own: vote as fast as possible; the tokens that were acknowledged."""
    with CampaignStore.open(folder) as store:
        assignment = Assignment(store, now=0.0)
        work, tokens = assignment.work(person, 1.0), []
        for place in range(number):
            vote = vote_on(current(work), token=f"{person} gave answer {place}")
            result = assignment.vote(person, vote, 1.0)
            tokens.append(result.token)
            work = result.work
    return tokens


def race(store: CampaignStore, pool: Executor, number: int = 40) -> None:
    """Two servers of one campaign, which share nothing else; nothing is lost or asked twice."""
    team = people(store, 2)
    jobs = [pool.submit(_vote_apart, store.folder, person, number) for person in team]
    acknowledged = sorted(token for job in jobs for token in job.result(timeout=120))
    assert sorted(row.token for row in store.vote_log()) == acknowledged
    assert len(set(acknowledged)) == len(acknowledged) == 2 * number
    assert_rules_hold(store.leases(), gold_keys=set())


def test_two_servers_share_a_sqlite_campaign(new_campaign: NewCampaign) -> None:
    with new_campaign(40) as store, ThreadPoolExecutor(2) as pool:
        race(store, pool)


@pytest.mark.slow
def test_two_processes_share_a_sqlite_campaign(new_campaign: NewCampaign) -> None:
    context = multiprocessing.get_context("spawn")
    with new_campaign(60) as store, ProcessPoolExecutor(2, mp_context=context) as pool:
        race(store, pool, number=150)


@pytest.mark.needs_postgresql
def test_two_servers_share_a_postgresql_campaign(
    new_campaign: NewCampaign, postgresql_url: str
) -> None:
    with new_campaign(40, url=postgresql_url) as store, ThreadPoolExecutor(2) as pool:
        race(store, pool)
        flag = store.add_flag(store.clips()[0].public_id, 1, "other", "", now=1.0)
        store.resolve_flag(flag, True, who="lead", now=2.0)
        assert store.flags()[0].resolved_at == 2.0
        assert len(counted_table(read_log(store), 1)) == store.num_recorded()[0]


def test_no_statement_of_a_vote_reads_a_long_table_from_end_to_end(
    new_campaign: NewCampaign,
) -> None:
    """Nor all that an annotator ever did: SQLite's plans are those of a campaign of any size."""
    from sqlalchemy import event

    plans = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.split()[0] in ("SELECT", "UPDATE", "INSERT"):
            plan = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plans.append((statement, " / ".join(row[3] for row in plan)))

    with new_campaign() as store:
        [ann] = people(store, 1)
        assignment = Assignment(store, now=0.0)
        answer(assignment, ann)
        event.listen(store.database._writer, "before_cursor_execute", explain)
        answer(assignment, ann)
    assert len(plans) > 10
    for statement, plan in plans:
        assert not any(f"SCAN {table}" in plan for table in ("leases", "votes", "clips")), statement
        if "change" not in statement.partition("WHERE")[2]:
            assert "USING INDEX leases_by_annotator (annotator_id=?)" not in plan, statement
