"""Frozen records of a campaign's database. Timestamps are UTC seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from proskill.annotation.campaign import CampaignSettings

Role = Literal["annotator", "organiser"]
CampaignState = Literal["open", "paused", "closed"]
LeaseKind = Literal["new", "repeat", "swapped", "gold", "practice"]
LeaseState = Literal["out", "answered", "expired"]
AnswerChoice = Literal["left", "right", "tie", "skip"]
FlagReason = Literal["broken", "unrelated", "private", "other"]


@dataclass(frozen=True)
class Criterion:
    """A criterion of judgement, such as "overall skill"."""

    id: int
    name: str


@dataclass(frozen=True)
class Campaign:
    """The campaign as a whole, as of now.

    Attributes:
        name: what annotators see.
        created_at: UTC seconds.
        state: "open" asks, "paused" asks later, "closed" asks no more.
        settings: fixed at creation.
        seed: of the choice of pairs.
        criteria: one or more, each judged for every pair.
    """

    name: str
    created_at: float
    state: CampaignState
    settings: CampaignSettings
    seed: int
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True)
class Clip:
    """One take as annotators see it.

    Attributes:
        id: 1, 2, ... in the manifest's order.
        public_id: random; the only name of it that annotators get.
        take_id, view, path: where it comes from.
        start_seconds, end_seconds: the part of the file, on the file's clock; None: to its end.
        proxy: the file to show; None until it is made.
        duration_seconds: of the proxy.
        group: pairs are made within it.
        prior: a model's score before any vote; None: unknown.
    """

    id: int
    public_id: str
    take_id: str
    view: str
    path: Path
    start_seconds: float
    end_seconds: float | None
    proxy: Path | None
    duration_seconds: float | None
    group: str
    prior: float | None


@dataclass(frozen=True)
class Annotator:
    """An annotator or organiser with a link.

    Attributes:
        revoked_at: since when the link opens nothing; None: it does.
        excluded_at: since when their votes do not count; None: they do.
    """

    id: int
    name: str
    role: Role
    created_at: float
    revoked_at: float | None
    excluded_at: float | None


@dataclass(frozen=True)
class LeaseRow:
    """A pair that was handed out to an annotator; clips are ids."""

    id: int
    public_id: str
    left_clip: int
    right_clip: int
    annotator_id: int
    kind: LeaseKind
    slot: int
    issued_at: float
    expires_at: float
    state: LeaseState
    change: int


@dataclass(frozen=True)
class VoteRow:
    """A line of the log: one answer to one criterion; `revokes` names the answer it replaces."""

    seq: int
    token: str
    criterion_id: int
    lease_id: int
    kind: LeaseKind
    left_clip: int
    right_clip: int
    annotator_id: int
    answer: AnswerChoice
    strength: int | None
    reason: str | None
    shown_at: float
    answered_at: float
    received_at: float
    watched_left: float
    watched_right: float
    client: str
    revokes: str | None


@dataclass(frozen=True)
class GoldPair:
    """A pair whose answer is known, by ids of clips; practice tells the annotator."""

    left_clip: int
    right_clip: int
    answer: Literal["left", "right", "tie"]
    is_practice: bool
    feedback: str


@dataclass(frozen=True)
class Flag:
    """An annotator's report about a clip."""

    id: int
    clip_id: int
    annotator_id: int
    reason: FlagReason
    note: str
    at: float
    resolved_at: float | None


@dataclass(frozen=True)
class Event:
    """A line of the audit trail."""

    seq: int
    at: float
    who: str
    what: Mapping[str, Any]
