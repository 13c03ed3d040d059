"""Values exchanged between pages and campaign: pairs out, answers in."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, get_args

from proskill.annotation.records import AnswerChoice, Clip

NoWorkReason = Literal["nothing_left", "quota_reached", "paused", "closed", "waiting"]

MAX_TEXT_CHARACTERS = 2000
_MAX_NUMBER = 1e11  # seconds that a calendar can show


def require_storable(name: str, text: str) -> None:
    """Refuse a text that is too long, or that a database cannot hold.

    Raises:
        ValueError: more than 2000 characters, a null character or half of a surrogate pair.
    """
    if len(text) > MAX_TEXT_CHARACTERS:
        raise ValueError(f"{name}: is longer than {MAX_TEXT_CHARACTERS} characters")
    if re.search("[\0\ud800-\udfff]", text):
        raise ValueError(f"{name}: holds a null character or half a surrogate pair")


@dataclass(frozen=True)
class Answer:
    """One criterion's answer.

    Attributes:
        answer: the side that shows more skill, "tie", or "skip" when it cannot be judged.
        strength: 1 to 3 for a side, where the campaign asks for it; else None.

    Raises:
        ValueError: a value is outside of what is said above.
    """

    answer: AnswerChoice
    strength: int | None = None

    def __post_init__(self) -> None:
        if self.answer not in get_args(AnswerChoice):
            raise ValueError(f"answer={self.answer!r}: allowed are left, right, tie and skip")
        if self.strength is None:
            return
        if self.strength not in (1, 2, 3) or self.answer not in ("left", "right"):
            raise ValueError(
                f"strength={self.strength!r}: allowed are 1, 2 and 3, with left or right only"
            )


@dataclass(frozen=True)
class Vote:
    """An annotator's answer to a pair, as the page sends it.

    Attributes:
        token: made by the page for this answer; sent again it counts once.
        lease: the pair's lease.
        answers: id of each criterion -> answer.
        shown_at, answered_at: UTC seconds by the page's clock.
        watched_left, watched_right: how often each clip was watched, as a share of its length.
        client: which page, for the log.
        reason: why it could not be judged, or None.
        revokes: the token of the earlier answer that this one replaces, or None.

    Raises:
        ValueError: a text is empty or too long, or a number is negative or far too large.
    """

    token: str
    lease: str
    answers: Mapping[int, Answer]
    shown_at: float
    answered_at: float
    watched_left: float
    watched_right: float
    client: str = ""
    reason: str | None = None
    revokes: str | None = None

    def __post_init__(self) -> None:
        for name in ("token", "revokes"):
            text = getattr(self, name)
            if text is not None and not (8 <= len(text) <= 100 and text.isprintable()):
                raise ValueError(f"{name}={text[:100]!r}: needs 8 to 100 printable characters")
        for name in ("client", "reason"):
            if (text := getattr(self, name)) is not None:
                require_storable(name, text)
        for name in ("shown_at", "answered_at", "watched_left", "watched_right"):
            value = getattr(self, name)
            if not (math.isfinite(value) and 0 <= value <= _MAX_NUMBER):
                raise ValueError(f"{name}={value}: must be a number from 0 to {_MAX_NUMBER:g}")
        if self.revokes == self.token:
            raise ValueError("revokes: an answer cannot replace itself")
        object.__setattr__(self, "answers", MappingProxyType(dict(self.answers)))


@dataclass(frozen=True)
class LeasedPair:
    """A pair as its annotator gets it.

    Attributes:
        lease: its public id.
        left, right: the clips on their sides; `public_id` is all to show of them.
        is_practice: whether the answer gets feedback and counts for nothing.
        expires_at: UTC seconds.
    """

    lease: str
    left: Clip
    right: Clip
    is_practice: bool
    expires_at: float


@dataclass(frozen=True)
class Answered:
    """An answer that may still be changed: with a new token, and this one in `revokes`."""

    pair: LeasedPair
    token: str
    answers: Mapping[int, Answer]


@dataclass(frozen=True)
class Progress:
    """An annotator's progress: answers so far, answers wanted, practice pairs to come."""

    done: int
    quota: int | None
    practice_left: int


@dataclass(frozen=True)
class Work:
    """An annotator's work.

    Attributes:
        current, next: the pair to judge, and the one to load meanwhile.
        reason: why there is no pair; None when there is one.
        progress: the annotator's.
        recent: the last answers, newest first.
    """

    current: LeasedPair | None
    next: LeasedPair | None
    reason: NoWorkReason | None
    progress: Progress
    recent: tuple[Answered, ...] = field(default=())


@dataclass(frozen=True)
class PracticeFeedback:
    """Feedback on a practice answer: the right answer and the reason."""

    is_right: bool
    answer: AnswerChoice
    feedback: str


@dataclass(frozen=True)
class VoteResult:
    """The result of a stored vote.

    Attributes:
        token: the vote's.
        is_duplicate: it was there before, and nothing changed.
        practice: feedback, after practice only.
        work: what comes next.
    """

    token: str
    is_duplicate: bool
    practice: PracticeFeedback | None
    work: Work
