"""Selection of the votes that count, and their comparison table."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from proskill.annotation.db.log import CampaignLog
from proskill.annotation.records import Clip, VoteRow
from proskill.rating import ComparisonTable
from proskill.rating.comparisons import A_WINS, B_WINS, SKIP, TIE

LEFT_OUT: Final[dict[str, str]] = {
    "revoked": "taken back by the annotator",
    "practice": "practice, asked before the work began",
    "gold": "the answer was known: it tells about the annotator, not about the clips",
    "excluded": "the annotator is excluded",
}
"""Why a vote counts in no rating; the first that holds is the one that is told."""

_OUTCOMES: Final = {"left": A_WINS, "right": B_WINS, "tie": TIE, "skip": SKIP}


def why_left_out(log: CampaignLog) -> list[str]:
    """For each vote a key of `LEFT_OUT`, or an empty text for a vote that counts.

    Pairs of known answer are chosen because their answer is known, so that counting them would push
    their clips apart and ask about them far more often than about others.
    """
    revoked = {vote.revokes for vote in log.votes if vote.revokes}
    excluded = {one.id for one in log.annotators if one.excluded_at is not None}
    reasons = []
    for vote in log.votes:
        if vote.token in revoked:
            reasons.append("revoked")
        elif vote.kind in ("practice", "gold"):
            reasons.append(vote.kind)
        else:
            reasons.append("excluded" if vote.annotator_id in excluded else "")
    return reasons


def empty_table(clips: Sequence[Clip]) -> ComparisonTable:
    """Return a table without votes whose items are all clips, by take id."""
    groups = tuple(sorted({clip.group for clip in clips})) or ("",)
    index = {group: number for number, group in enumerate(groups)}
    nothing = np.empty(0, np.int32)
    return ComparisonTable(
        items=tuple(clip.take_id for clip in clips),
        item_a=nothing,
        item_b=nothing,
        outcome=nothing,
        groups=groups,
        item_group=np.array([index[clip.group] for clip in clips], np.int32),
    )


def counted_table(log: CampaignLog, criterion_id: int) -> ComparisonTable:
    """The votes on one criterion that count, skips among them, as rating takes them.

    All clips are items, named by their take, in the order of the campaign; annotators are those
    with a vote that counts. Item a was on the left.

    Args:
        log: the campaign.
        criterion_id: which criterion.
    """
    place = {clip.id: index for index, clip in enumerate(log.clips)}
    reasons = why_left_out(log)
    rows = [
        vote
        for vote, reason in zip(log.votes, reasons, strict=True)
        if vote.criterion_id == criterion_id and not reason
    ]
    voters = {vote.annotator_id for vote in rows}
    known = [one for one in log.annotators if one.id in voters]
    who = {one.id: index for index, one in enumerate(known)}
    return replace(
        empty_table(log.clips),
        item_a=np.array([place[vote.left_clip] for vote in rows], np.int32),
        item_b=np.array([place[vote.right_clip] for vote in rows], np.int32),
        outcome=np.array([_OUTCOMES[vote.answer] for vote in rows], np.int8),
        annotators=tuple(one.name for one in known) or ("",),
        annotator=np.array([who[vote.annotator_id] for vote in rows], np.int32),
        left=np.ones(len(rows), np.int8),
        seconds=np.array([answer_seconds(vote) for vote in rows], np.float32),
    )


def num_left_out(log: CampaignLog, criterion_id: int) -> dict[str, int]:
    """Count the votes on a criterion that are left out, by reason; only reasons that occur."""
    reasons = why_left_out(log)
    found = Counter(
        reason
        for vote, reason in zip(log.votes, reasons, strict=True)
        if vote.criterion_id == criterion_id and reason
    )
    return {reason: found[reason] for reason in LEFT_OUT if reason in found}


def answer_seconds(vote: VoteRow) -> float:
    """From the pair's first frame to the answer; NaN where a clock was set back in between."""
    seconds = vote.answered_at - vote.shown_at
    return seconds if seconds >= 0 else math.nan


def is_right(vote: VoteRow, known: dict[tuple[int, int], str]) -> bool | None:
    """Compare an answer with the known one; None for a skip or a pair without one.

    Args:
        vote: an answer, its sides as they were shown.
        known: (left, right) -> answer, as in `known_answers`.
    """
    answer = known.get((vote.left_clip, vote.right_clip))
    return None if answer is None or vote.answer == "skip" else vote.answer == answer


def known_answers(log: CampaignLog) -> dict[tuple[int, int], str]:
    """(left, right) -> answer of every pair of known answer, in both orders."""
    turned = {"left": "right", "right": "left"}
    answers: dict[tuple[int, int], str] = {}
    for gold in log.gold:
        answers[gold.left_clip, gold.right_clip] = gold.answer
        answers[gold.right_clip, gold.left_clip] = turned.get(gold.answer, gold.answer)
    return answers
