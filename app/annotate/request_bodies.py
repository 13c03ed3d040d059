"""What pages may send, checked field by field before anything is done with it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# Databases refuse the null character in a text; other control characters are nobody's words.
Text = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")]
PublicId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
VoteToken = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{16,64}$")]
Seconds = Annotated[float, Field(ge=0, le=1e11, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SessionBody(_Body):
    """The secret of an invite link."""

    token: Annotated[str, StringConstraints(max_length=200)]


class AnswerBody(_Body):
    """The answer to one criterion; `strength` is for the chosen side."""

    answer: Literal["left", "right", "tie", "skip"]
    strength: Annotated[int, Field(ge=1, le=3)] | None = None


class VoteBody(_Body):
    """One judgement of a pair; `answers` is keyed by the id of the criterion."""

    token: VoteToken
    lease: PublicId
    answers: Annotated[
        dict[Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}$")], AnswerBody],
        Field(min_length=1, max_length=50),
    ]
    reason: Text | None = None
    shown_at: Seconds
    answered_at: Seconds
    watched_left: Share
    watched_right: Share
    client: Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00]*$")] | None = None
    revokes: VoteToken | None = None


class FlagBody(_Body):
    """Something wrong with a clip."""

    clip: PublicId
    reason: Literal["broken", "unrelated", "private", "other"]
    note: Text | None = None


class StateBody(_Body):
    """Whether votes are taken."""

    state: Literal["open", "paused", "closed"]


class InvitationBody(_Body):
    """Whom to invite as an annotator."""

    name: Name


class AnnotatorBody(_Body):
    """What to change about an annotator; what is left out stays as it is."""

    excluded: bool | None = None
    revoked: bool | None = None


class FlagStateBody(_Body):
    """Whether a flag was dealt with."""

    resolved: bool
