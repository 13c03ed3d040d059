"""A campaign at a glance: a pure function of its log, for the organiser's page and for `status`."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from proskill.annotation.counting import LEFT_OUT, why_left_out
from proskill.annotation.db.log import CampaignLog
from proskill.annotation.summary.activity import Activity, summarise_activity
from proskill.annotation.summary.advice import NextStep, advise, advise_campaign, next_step
from proskill.annotation.summary.annotators import (
    CONCERNS,
    AnnotatorSummary,
    summarise_annotators,
)
from proskill.annotation.summary.ratings import RatedCriterion, rate_criterion, summarise_run
from proskill.plain_json import plain_json
from proskill.rating import FLAGS


@dataclass(frozen=True)
class Counts:
    """Totals of a campaign.

    Attributes:
        clips: of the campaign.
        groups: of clips.
        annotators: who may vote now.
        voters: who gave an answer that was not taken back.
        answers: answered pairs that were not taken back.
        counted: of these, the ones that count in ratings, skips among them.
        skips: of the counted ones, pairs that could not be judged.
        left_out: keys of `LEFT_OUT` -> answers, of all that were ever given.
    """

    clips: int
    groups: int
    annotators: int
    voters: int
    answers: int
    counted: int
    skips: int
    left_out: dict[str, int]


@dataclass(frozen=True)
class CriterionSummary:
    """One criterion; `rated` is None while no vote on it counts."""

    id: int
    name: str
    rated: RatedCriterion | None
    advice: dict[str, str]


@dataclass(frozen=True)
class FlaggedClip:
    """A clip that an annotator reported.

    Attributes:
        id: of the report.
        clip: public id.
        take, view: of the manifest.
        reason, note: what the annotator said.
        by: their name.
        at: seconds since 1970.
        is_resolved: whether the organiser has dealt with it.
    """

    id: int
    clip: str
    take: str
    view: str
    reason: str
    note: str
    by: str
    at: float
    is_resolved: bool


@dataclass(frozen=True)
class CampaignSummary:
    """A campaign at a timestamp.

    Attributes:
        name, state: of the campaign.
        created_at, as_of: seconds since 1970.
        step: what to do now.
        counts: how much there is.
        activity: answers over time.
        criteria: what the votes say.
        annotators: how everybody works.
        flags: reported clips, open ones first.
        advice: section -> what to do about it, of what does not belong to a criterion.
    """

    name: str
    state: str
    created_at: float
    as_of: float
    step: NextStep
    counts: Counts
    activity: Activity
    criteria: tuple[CriterionSummary, ...]
    annotators: tuple[AnnotatorSummary, ...]
    flags: tuple[FlaggedClip, ...]
    advice: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        """Return plain values for JSON, with the meaning of every flag and reason."""
        meanings = {"flags": FLAGS, "concerns": CONCERNS, "left_out": LEFT_OUT}
        plain: dict[str, Any] = plain_json({**asdict(self), "meanings": meanings})
        return plain


def summarise(log: CampaignLog, *, now: float) -> CampaignSummary:
    """Look at everything that was recorded.

    The same log and timestamp give the same summary. It takes seconds for hundreds of clips and up
    to a minute for 20,000 (`benchmarks/annotation_summary.py`), so call it beside a server.

    Args:
        log: the campaign.
        now: seconds since 1970.

    Raises:
        ComparisonError: the votes cannot be fitted, which valid ones are not known to cause.
    """
    runs = [rate_criterion(log, one.id) for one in log.campaign.criteria]
    rated = [None if run is None else summarise_run(log, run) for run in runs]
    counts = _counts(log)
    revoked = {vote.revokes for vote in log.votes if vote.revokes}
    timestamps = {v.token: v.received_at for v in log.votes if v.token not in revoked}
    activity = summarise_activity(list(timestamps.values()), now=now)
    agreement = None if runs[0] is None else runs[0].agreement
    annotators = summarise_annotators(log, agreement)
    flags = _flags(log)
    return CampaignSummary(
        name=log.campaign.name,
        state=log.campaign.state,
        created_at=log.campaign.created_at,
        as_of=now,
        step=next_step(
            log.campaign.state,
            num_clips=counts.clips,
            num_annotators=counts.annotators,
            activity=activity,
            rated=rated,
        ),
        counts=counts,
        activity=activity,
        criteria=tuple(
            CriterionSummary(one.id, one.name, found, {} if found is None else advise(found))
            for one, found in zip(log.campaign.criteria, rated, strict=True)
        ),
        annotators=annotators,
        flags=flags,
        advice=advise_campaign(
            log.campaign.state,
            activity=activity,
            annotators=annotators,
            num_open_flags=sum(not flag.is_resolved for flag in flags),
            now=now,
        ),
    )


def _counts(log: CampaignLog) -> Counts:
    first = log.campaign.criteria[0].id
    rows = [
        (vote, reason)
        for vote, reason in zip(log.votes, why_left_out(log), strict=True)
        if vote.criterion_id == first
    ]
    reasons = Counter(reason for _, reason in rows)
    return Counts(
        clips=len(log.clips),
        groups=len({clip.group for clip in log.clips}),
        annotators=sum(
            one.role == "annotator" and one.revoked_at is None and one.excluded_at is None
            for one in log.annotators
        ),
        voters=len({vote.annotator_id for vote, reason in rows if reason != "revoked"}),
        answers=len(rows) - reasons["revoked"],
        counted=reasons[""],
        skips=sum(vote.answer == "skip" for vote, reason in rows if not reason),
        left_out={reason: reasons[reason] for reason in LEFT_OUT if reason in reasons},
    )


def _flags(log: CampaignLog) -> tuple[FlaggedClip, ...]:
    clip_of = {clip.id: clip for clip in log.clips}
    name_of = {one.id: one.name for one in log.annotators}
    found = [
        FlaggedClip(
            id=flag.id,
            clip=clip_of[flag.clip_id].public_id,
            take=clip_of[flag.clip_id].take_id,
            view=clip_of[flag.clip_id].view,
            reason=flag.reason,
            note=flag.note or "",
            by=name_of.get(flag.annotator_id, ""),
            at=flag.at,
            is_resolved=flag.resolved_at is not None,
        )
        for flag in log.flags
    ]
    return tuple(sorted(found, key=lambda flag: (flag.is_resolved, -flag.at)))
