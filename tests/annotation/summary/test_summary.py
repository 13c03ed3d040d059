import dataclasses
import json
from collections.abc import Callable

import numpy as np
import pytest

from proskill.annotation import Flag, GoldPair
from proskill.annotation.counting import counted_table, num_left_out
from proskill.annotation.db.log import CampaignLog
from proskill.annotation.summary.activity import summarise_activity
from proskill.annotation.summary.status_lines import status_lines
from proskill.annotation.summary.summary import CampaignSummary, summarise
from proskill.rating import rate

NOW = 1_750_000_000.0
HOUR = 3600.0

MakeLog = Callable[..., CampaignLog]


def summary_of(log: CampaignLog) -> CampaignSummary:
    return summarise(log, now=NOW)


def changed(log: CampaignLog, place: int, **values: object) -> CampaignLog:
    """The log with another vote at a place."""
    votes = list(log.votes)
    votes[place] = dataclasses.replace(votes[place], **values)
    return dataclasses.replace(log, votes=tuple(votes))


def test_an_answer_that_was_taken_back_practice_gold_and_excluded_people_count_in_no_rating(
    make_log: MakeLog,
) -> None:
    log = make_log(num_votes=100)
    log = changed(log, 0, kind="practice")
    log = changed(log, 1, kind="gold")
    log = changed(log, 3, revokes=log.votes[2].token, annotator_id=log.votes[2].annotator_id)
    one = log.votes[5].annotator_id
    people = tuple(
        dataclasses.replace(person, excluded_at=NOW) if person.id == one else person
        for person in log.annotators
    )
    log = dataclasses.replace(log, annotators=people)
    left_out = num_left_out(log, 1)
    assert (left_out["practice"], left_out["gold"], left_out["revoked"]) == (1, 1, 1)
    assert left_out["excluded"] == sum(vote.annotator_id == one for vote in log.votes[3:])
    table = counted_table(log, 1)
    assert len(table) == 100 - sum(left_out.values())
    assert log.annotators[one - 1].name not in table.annotators
    assert table.num_items == len(log.clips)  # also those without a vote


def test_a_clip_that_was_on_the_left_is_item_a(make_log: MakeLog) -> None:
    log = make_log(num_votes=40)
    table = counted_table(log, 1)
    takes = {clip.id: clip.take_id for clip in log.clips}
    for row, vote in enumerate(log.votes):
        assert table.items[table.item_a[row]] == takes[vote.left_clip]
        assert {1: "left", -1: "right", 0: "tie", 2: "skip"}[int(table.outcome[row])] == vote.answer
    assert (table.left == 1).all()


def test_the_summary_says_what_a_rating_of_the_same_votes_says(make_log: MakeLog) -> None:
    log = make_log(num_clips=20, num_votes=400)
    rated = summary_of(log).criteria[0].rated
    assert rated is not None
    run = rate(counted_table(log, 1), rng=np.random.default_rng(5))
    assert rated.headline.num_votes == 400
    assert rated.headline.reliability == pytest.approx(run.posterior.reliability()[0], abs=0.03)
    best = [clip.take for clip in rated.groups[0].top[:3]]
    assert set(best) <= set(run.ratings.items[:5])
    assert sum(map(sum, rated.ratings.bars)) == sum(rated.comparisons.bars) == 20
    assert rated.curve[-1].num_votes == 400


def test_the_same_log_gives_the_same_summary(make_log: MakeLog) -> None:
    one, other = (summary_of(make_log(num_votes=80)).as_json() for _ in range(2))
    assert one == other


def test_a_campaign_without_a_vote_asks_for_votes(make_log: MakeLog) -> None:
    summary = summary_of(make_log(num_votes=0))
    assert summary.criteria[0].rated is None
    assert summary.step.verdict == "No votes yet"
    assert "Send the links" in summary.advice["activity"]
    assert "No votes yet" in status_lines(summary)[0]
    nobody = dataclasses.replace(make_log(num_votes=0), annotators=())
    assert summary_of(nobody).step.verdict == "Nobody can vote"


def test_practice_alone_is_no_reason_to_rate(make_log: MakeLog) -> None:
    log = make_log(num_votes=3)
    for place in range(3):
        log = changed(log, place, kind="practice")
    summary = summary_of(log)
    assert summary.criteria[0].rated is None
    assert (summary.counts.answers, summary.counts.counted) == (3, 0)
    assert summary.counts.left_out == {"practice": 3}


def test_fewer_votes_than_clips_are_a_beginning_and_no_fault(make_log: MakeLog) -> None:
    summary = summary_of(make_log(num_clips=20, num_votes=10))
    assert summary.step.verdict == "Just begun"
    assert "Let people go on" in summary.step.sentence
    assert "item" not in summary_of(make_log(num_clips=20, num_votes=60)).step.sentence


def test_few_votes_ask_for_more_and_many_end_the_campaign(make_log: MakeLog) -> None:
    few = summary_of(make_log(num_clips=20, num_votes=60))
    assert not few.step.is_enough
    assert "Go on" in few.criteria[0].advice["reliability"]
    many = summary_of(make_log(num_clips=20, num_votes=1200))
    assert many.step.is_enough
    assert "Close the campaign" in many.step.sentence
    assert "Stop here" in many.criteria[0].advice["reliability"]


def test_a_paused_campaign_says_first_that_it_is_paused(make_log: MakeLog) -> None:
    log = make_log(num_votes=60)
    paused = dataclasses.replace(log, campaign=dataclasses.replace(log.campaign, state="paused"))
    assert summary_of(paused).step.sentence.startswith("The campaign is paused")
    assert "while the campaign is paused" in summary_of(paused).advice["activity"]


def test_gold_tells_about_the_annotator_whichever_side_the_better_clip_is_on(
    make_log: MakeLog,
) -> None:
    log = make_log(num_votes=60, num_annotators=2)
    gold = GoldPair(left_clip=1, right_clip=2, answer="left", is_practice=False, feedback="")
    log = dataclasses.replace(log, gold=(gold,))
    for place in range(10):  # annotator 1 always right, annotator 2 always wrong
        turned, person = place % 2 == 1, place // 5 + 1
        right = "right" if turned else "left"
        wrong = "left" if turned else "right"
        log = changed(
            log, place, kind="gold", annotator_id=person,
            left_clip=2 if turned else 1, right_clip=1 if turned else 2,
            answer=right if person == 1 else wrong,
        )  # fmt: skip
    people = {one.name: one for one in summary_of(log).annotators}
    assert (people["person 1"].num_known_right, people["person 1"].num_known) == (5, 5)
    assert (people["person 2"].num_known_right, people["person 2"].num_known) == (0, 5)
    assert "gold" in people["person 2"].concerns
    assert "gold" not in people["person 1"].concerns


def test_somebody_who_votes_the_other_way_round_is_named(make_log: MakeLog) -> None:
    summary = summary_of(make_log(num_clips=20, num_votes=900, reversed_annotator=2))
    worst = summary.annotators[0]
    assert (worst.name, worst.concerns) == ("person 2", ("reversed",))
    assert "person 2" in summary.advice["annotators"]
    assert any("person 2" in line for line in status_lines(summary))


def test_an_excluded_annotator_stays_in_the_list_without_a_say(make_log: MakeLog) -> None:
    log = make_log(num_votes=200)
    people = (dataclasses.replace(log.annotators[0], excluded_at=NOW), *log.annotators[1:])
    summary = summary_of(dataclasses.replace(log, annotators=people))
    excluded = next(one for one in summary.annotators if one.id == 1)
    assert excluded.is_excluded
    assert excluded.num_votes > 0
    assert excluded.accuracy != excluded.accuracy  # nothing is said of votes that do not count
    assert summary.counts.annotators == len(people) - 1


def test_open_reports_come_first_and_are_asked_to_be_watched(make_log: MakeLog) -> None:
    flags = tuple(
        Flag(id=i, clip_id=i, annotator_id=1, reason="broken", note="n", at=NOW - i, resolved_at=at)
        for i, at in ((1, NOW), (2, None))
    )
    summary = summary_of(dataclasses.replace(make_log(num_votes=0), flags=flags))
    assert [flag.id for flag in summary.flags] == [2, 1]
    assert summary.flags[0].by == "person 1"
    assert summary.advice["flags"] == "Watch 1 reported clip and mark it as dealt with."


def test_groups_of_clips_are_ranked_by_themselves(make_log: MakeLog) -> None:
    rated = summary_of(make_log(num_clips=24, num_votes=300, num_groups=3)).criteria[0].rated
    assert rated is not None
    assert len(rated.groups) == 3
    assert [group.top[0].rank for group in rated.groups] == [1, 1, 1]
    assert rated.ratings.cuts == ()  # each group has cuts of its own


def test_a_long_ranking_shows_its_ends(make_log: MakeLog) -> None:
    rated = summary_of(make_log(num_clips=120, num_votes=300)).criteria[0].rated
    assert rated is not None
    (group,) = rated.groups
    assert len(group.top) == len(group.bottom)
    assert group.num_hidden == 120 - 2 * len(group.top)
    assert group.bottom[-1].rank == 120


def test_the_summary_is_json_without_nan(make_log: MakeLog) -> None:
    for num_votes in (0, 3, 150):
        plain = summary_of(make_log(num_votes=num_votes)).as_json()
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_answers_are_counted_in_bars_that_end_now() -> None:
    instants = [NOW - 90 * 60, NOW - 30 * 60, NOW - 29 * 60, NOW - 1]
    activity = summarise_activity(instants, now=NOW)
    assert sum(activity.bars) == 4
    end = activity.start + len(activity.bars) * activity.width_seconds
    assert end - activity.width_seconds <= NOW < end
    assert activity.last_hour == 3
    assert activity.last_at == NOW - 1


def test_bars_grow_wider_with_the_campaign() -> None:
    def width(age: float) -> float:
        return summarise_activity([NOW - age, NOW], now=NOW).width_seconds

    ages = (0, 3 * HOUR, 24 * HOUR, 24 * 7 * HOUR, 24 * 90 * HOUR)
    widths = [width(age) for age in ages]
    assert widths == sorted(widths)
    bars = summarise_activity([NOW - 24 * 90 * HOUR, NOW], now=NOW).bars
    assert len(bars) <= 48
    assert sum(bars) == 1  # what is older than the chart is not squeezed into it


def test_the_pace_is_that_of_the_time_when_somebody_was_at_work() -> None:
    at_work = [NOW - 5 * HOUR + 10 * place for place in range(30)]  # one answer every 10 s
    activity = summarise_activity(at_work, now=NOW)
    assert 180 <= activity.per_hour <= 360
    assert activity.last_hour == 0
