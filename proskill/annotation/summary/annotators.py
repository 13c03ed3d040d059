"""Figures and concerns per annotator, for the organiser."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from statistics import median
from typing import Final

from proskill.annotation.counting import answer_seconds, is_right, known_answers
from proskill.annotation.db.log import CampaignLog
from proskill.annotation.records import Annotator, VoteRow
from proskill.rating import ANNOTATOR_FLAGS, Agreement, AnnotatorReport

MIN_KNOWN: Final = 4  # fewer answers tell nothing
_FEW_RIGHT: Final = 0.75

CONCERNS: Final[dict[str, str]] = {
    **ANNOTATOR_FLAGS,
    "gold": "often wrong on pairs whose answer is known",
}
"""Sentences for the concerns about an annotator."""


@dataclass(frozen=True)
class AnnotatorSummary:
    """One annotator; a figure that the votes do not hold is NaN.

    Attributes:
        id, name, role, is_excluded, is_revoked: as in the log.
        num_votes: answered pairs, those of known answer and practice among them, without those
            that were taken back.
        num_skips: of these, those that could not be judged.
        last_at: when the last answer came, None before the first.
        accuracy, expected_accuracy, discrimination, discrimination_lower, discrimination_upper,
            left_share, too_fast_share, num_repeats, self_agreement: as in `AnnotatorReport`; NaN
            or 0 for an annotator whose votes do not count.
        median_seconds: of all answers.
        num_known, num_known_right: pairs of known answer that were judged, and those right.
        num_practice, num_practice_right: the same of practice.
        concerns: keys of `CONCERNS`.
    """

    id: int
    name: str
    role: str
    is_excluded: bool
    is_revoked: bool
    num_votes: int
    num_skips: int
    last_at: float | None
    accuracy: float
    expected_accuracy: float
    discrimination: float
    discrimination_lower: float
    discrimination_upper: float
    left_share: float
    median_seconds: float
    too_fast_share: float
    num_repeats: int
    self_agreement: float
    num_known: int
    num_known_right: int
    num_practice: int
    num_practice_right: int
    concerns: tuple[str, ...]


def summarise_annotators(
    log: CampaignLog, agreement: Agreement | None
) -> tuple[AnnotatorSummary, ...]:
    """One entry for each annotator, those with a concern first, then by name.

    Organisers come with a vote alone. Figures are those of the first criterion.

    Args:
        log: the campaign.
        agreement: of the first criterion; None while no vote counts.
    """
    revoked = {vote.revokes for vote in log.votes if vote.revokes}
    first = log.campaign.criteria[0].id
    votes_of: defaultdict[int, list[VoteRow]] = defaultdict(list)
    for vote in log.votes:
        if vote.criterion_id == first and vote.token not in revoked:
            votes_of[vote.annotator_id].append(vote)
    reports = {} if agreement is None else {one.annotator: one for one in agreement.annotators}
    known = known_answers(log)
    found = [
        _summary(one, votes_of[one.id], reports.get(one.name), known)
        for one in log.annotators
        if one.role == "annotator" or votes_of[one.id]
    ]
    return tuple(sorted(found, key=lambda one: (not one.concerns, one.is_excluded, one.name)))


def _summary(
    annotator: Annotator,
    votes: list[VoteRow],
    report: AnnotatorReport | None,
    known: dict[tuple[int, int], str],
) -> AnnotatorSummary:
    times = [seconds for vote in votes if not math.isnan(seconds := answer_seconds(vote))]
    gold = _right_answers(votes, known, "gold")
    practice = _right_answers(votes, known, "practice")
    concerns = () if report is None else report.flags
    if len(gold) >= MIN_KNOWN and sum(gold) < _FEW_RIGHT * len(gold):
        concerns += ("gold",)

    def figure(name: str) -> float:
        return math.nan if report is None else float(getattr(report, name))

    return AnnotatorSummary(
        id=annotator.id,
        name=annotator.name,
        role=annotator.role,
        is_excluded=annotator.excluded_at is not None,
        is_revoked=annotator.revoked_at is not None,
        num_votes=len(votes),
        num_skips=sum(vote.answer == "skip" for vote in votes),
        last_at=votes[-1].received_at if votes else None,
        accuracy=figure("accuracy"),
        expected_accuracy=figure("expected_accuracy"),
        discrimination=figure("discrimination"),
        discrimination_lower=figure("discrimination_lower"),
        discrimination_upper=figure("discrimination_upper"),
        left_share=figure("left_share"),
        median_seconds=median(times) if times else math.nan,
        too_fast_share=figure("too_fast_share"),
        num_repeats=0 if report is None else report.num_repeats,
        self_agreement=figure("self_agreement"),
        num_known=len(gold),
        num_known_right=sum(gold),
        num_practice=len(practice),
        num_practice_right=sum(practice),
        concerns=concerns,
    )


def _right_answers(
    votes: list[VoteRow], known: dict[tuple[int, int], str], kind: str
) -> list[bool]:
    """Return for each judged answer of a kind True when it is the known one."""
    rights = (is_right(vote, known) for vote in votes if vote.kind == kind)
    return [right for right in rights if right is not None]
