"""Rules by which a campaign accepts answers: decisions only, no writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proskill.annotation.answers import Answer, PracticeFeedback, Vote
from proskill.annotation.campaign import CampaignSettings
from proskill.annotation.records import Campaign, CampaignState, GoldPair, LeaseRow, VoteRow
from proskill.annotation.refusals import Refusal


def require_answers(vote: Vote, campaign: Campaign) -> None:
    """Refuse answers to other questions than the campaign asks: `wrong_answers`."""
    settings = campaign.settings
    asked = {criterion.id for criterion in campaign.criteria}
    if set(vote.answers) != asked:
        raise Refusal("wrong_answers", f"answers are needed for the criteria {sorted(asked)}")
    for answer in vote.answers.values():
        if answer.answer == "tie" and not settings.allow_tie:
            raise Refusal("wrong_answers", "this campaign asks for a side; tie is no answer")
        if answer.strength is not None and not settings.strength:
            raise Refusal("wrong_answers", "this campaign does not ask for a strength")
        is_side = answer.answer in ("left", "right")
        if settings.strength and is_side and answer.strength is None:
            raise Refusal("wrong_answers", "this campaign asks how much better: strength 1, 2 or 3")


def require_open_campaign(state: CampaignState) -> None:
    """Refuse answers while the campaign rests: `paused` or `closed`."""
    if state == "paused":
        raise Refusal("paused", "the campaign is paused; answer when it goes on")
    if state == "closed":
        raise Refusal("closed", "the campaign is closed and takes no more answers")


def require_unanswered(lease: LeaseRow | None, annotator_id: int) -> LeaseRow:
    """Return a lease of this annotator, out or expired; refuse others: `lease_moved`."""
    if lease is None or lease.annotator_id != annotator_id:
        raise Refusal("lease_moved", "this pair is not yours to answer; here is another one")
    if lease.state == "answered":
        raise Refusal("lease_moved", "this pair was answered already; here is another one")
    return lease


def require_open(lease: LeaseRow | None, annotator_id: int, now: float) -> None:
    """Refuse what is not out to this annotator: `lease_moved`, `lease_expired`."""
    lease = require_unanswered(lease, annotator_id)
    if lease.state == "expired" or lease.expires_at < now:
        raise Refusal(
            "lease_expired", "this pair waited too long and was given back; here is another one"
        )


def require_watched(vote: Vote, settings: CampaignSettings) -> None:
    """Refuse a judgement of clips that were not seen: `not_watched`; a skip needs no watching."""
    if all(answer.answer == "skip" for answer in vote.answers.values()):
        return
    if min(vote.watched_left, vote.watched_right) < settings.min_watched:
        share = f"{100 * settings.min_watched:.0f} %"
        raise Refusal("not_watched", f"watch {share} of each clip before you answer")


def require_same(
    earlier: Sequence[VoteRow], vote: Vote, annotator_id: int, lease: LeaseRow | None
) -> None:
    """Refuse a token of another answer: `token_taken`."""
    given = {row.criterion_id: Answer(row.answer, row.strength) for row in earlier}
    is_same = (
        lease is not None
        and all(row.lease_id == lease.id for row in earlier)
        and all(row.annotator_id == annotator_id for row in earlier)
        and all(row.revokes == vote.revokes for row in earlier)
        and given == vote.answers
    )
    if not is_same:
        raise Refusal("token_taken", "this token stands for another answer; make a new one")


def practice_feedback(
    vote: Vote, lease: LeaseRow | None, gold: Sequence[GoldPair]
) -> PracticeFeedback | None:
    """Return feedback on a practice answer's first criterion; None for other pairs."""
    if lease is None or lease.kind != "practice":
        return None
    for pair in gold:
        if (pair.left_clip, pair.right_clip) == (lease.left_clip, lease.right_clip):
            given = vote.answers[min(vote.answers)].answer
            return PracticeFeedback(given == pair.answer, pair.answer, pair.feedback)
    return None


def vote_rows(vote: Vote, lease: LeaseRow, now: float) -> list[dict[str, Any]]:
    """Return the rows of the log for a vote on a lease, one per criterion."""
    return [
        {
            "token": vote.token,
            "criterion_id": criterion_id,
            "lease_id": lease.id,
            "left_clip": lease.left_clip,
            "right_clip": lease.right_clip,
            "annotator_id": lease.annotator_id,
            "answer": answer.answer,
            "strength": answer.strength,
            "reason": vote.reason,
            "shown_at": vote.shown_at,
            "answered_at": vote.answered_at,
            "received_at": now,
            "watched_left": vote.watched_left,
            "watched_right": vote.watched_right,
            "client": vote.client,
            "revokes": vote.revokes,
        }
        for criterion_id, answer in sorted(vote.answers.items())
    ]
