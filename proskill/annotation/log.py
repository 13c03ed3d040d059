"""A campaign as it was recorded: what summaries and exports are computed from.

Nothing here reads a database; `store.py` fills these records from one consistent read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CampaignState = Literal["open", "paused", "closed"]


@dataclass(frozen=True, slots=True)
class Criterion:
    """What annotators compare clips by."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class LoggedClip:
    """One clip of the campaign.

    Attributes:
        id: the key that votes name it by.
        public_id: random, what a page knows it by.
        take_id, view: of the manifest.
        group: clips of different groups are never compared; empty when there is one group.
    """

    id: int
    public_id: str
    take_id: str
    view: str
    group: str


@dataclass(frozen=True, slots=True)
class LoggedAnnotator:
    """Somebody who was invited.

    Attributes:
        id: the key that votes name them by.
        name: as they were invited.
        role: "annotator" or "organiser".
        created_at: seconds since 1970.
        is_excluded: their votes are in the log and in no rating.
        is_revoked: their link no longer works.
    """

    id: int
    name: str
    role: str
    created_at: float
    is_excluded: bool
    is_revoked: bool


@dataclass(frozen=True, slots=True)
class LoggedVote:
    """One answer to one criterion; nothing of it ever changes.

    Attributes:
        seq: place in the log.
        token: made by the page; shared by the answers to several criteria of one pair.
        criterion_id: which criterion.
        lease: public id of the lease that it answers.
        kind: "new", "repeat", "swapped", "gold" or "practice".
        left_clip, right_clip: ids of the clips shown on each side.
        annotator_id: who answered.
        answer: "left", "right", "tie" or "skip".
        strength: 1..3 for the chosen side, where asked for.
        reason: why the pair could not be judged.
        shown_at, answered_at: seconds since 1970 by the page's clock.
        received_at: the same by the server's.
        watched_left, watched_right: share of each clip that was watched.
        client: what the page says of itself.
        revokes: token of the earlier answer that this one takes back and replaces.
    """

    seq: int
    token: str
    criterion_id: int
    lease: str
    kind: str
    left_clip: int
    right_clip: int
    annotator_id: int
    answer: str
    strength: int | None
    reason: str | None
    shown_at: float | None
    answered_at: float | None
    received_at: float
    watched_left: float | None
    watched_right: float | None
    client: str | None
    revokes: str | None


@dataclass(frozen=True, slots=True)
class LoggedFlag:
    """A clip that an annotator reported."""

    id: int
    clip: int
    annotator_id: int
    reason: str
    note: str | None
    at: float
    is_resolved: bool


@dataclass(frozen=True, slots=True)
class GoldAnswer:
    """A pair whose answer the organiser knows, "left", "right" or "tie"."""

    left_clip: int
    right_clip: int
    answer: str
    is_practice: bool


@dataclass(frozen=True)
class CampaignLog:
    """Everything that was recorded.

    Attributes:
        name: of the campaign.
        state: whether votes are taken.
        created_at: seconds since 1970.
        seed: of every random number of the campaign.
        criteria: one or more, the first is the one that levels come from.
        clips, annotators: all of them.
        votes: by `seq`, revoked ones too.
        flags: of clips.
        gold: pairs of known answer, those for practice among them.
        min_comparisons: that the organiser wants of each clip.
        manifest: path of the manifest that the campaign was made from.
    """

    name: str
    state: CampaignState
    created_at: float
    seed: int
    criteria: tuple[Criterion, ...]
    clips: tuple[LoggedClip, ...]
    annotators: tuple[LoggedAnnotator, ...]
    votes: tuple[LoggedVote, ...]
    flags: tuple[LoggedFlag, ...]
    gold: tuple[GoldAnswer, ...]
    min_comparisons: int
    manifest: str
