"""Request bodies of the annotators' pages, checked field by field before anything is done."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from proskill.annotation.answers import MAX_TEXT_CHARACTERS, Answer, Vote
from proskill.annotation.records import AnswerChoice, CampaignState, FlagReason

# Ids of clips and leases; a text of another form names nothing.
PublicId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARACTERS, pattern=r"^[^\x00]*$")]
Name = Annotated[
    str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SessionBody(_Body):
    """The secret of an invite link."""

    token: Annotated[str, StringConstraints(max_length=200)]


class AnswerBody(_Body):
    """The answer to one criterion."""

    answer: AnswerChoice
    strength: int | None = None


class VoteBody(_Body):
    """One judgement of a pair, keyed by the id of the criterion; `Vote` checks its values."""

    token: str
    lease: PublicId
    answers: Annotated[
        dict[Annotated[str, StringConstraints(pattern=r"^[0-9]{1,6}$")], AnswerBody],
        Field(min_length=1, max_length=50),
    ]
    reason: str | None = None
    shown_at: float
    answered_at: float
    watched_left: float
    watched_right: float
    client: str | None = None
    revokes: str | None = None

    def vote(self) -> Vote:
        """Return the vote.

        Raises:
            ValueError: it cannot be stored.
        """
        answers = {
            int(criterion): Answer(given.answer, given.strength)
            for criterion, given in self.answers.items()
        }
        given = self.model_dump(exclude={"answers", "client"})
        return Vote(**given, answers=answers, client=self.client or "")


class FlagBody(_Body):
    """A report about a clip."""

    clip: PublicId
    reason: FlagReason
    note: Text | None = None


class StateBody(_Body):
    """The state that a campaign is to have."""

    state: CampaignState


class InvitationBody(_Body):
    """The name of an annotator to invite."""

    name: Name


class AnnotatorBody(_Body):
    """A change to an annotator; a field that is left out stays as it is."""

    excluded: bool | None = None
    revoked: bool | None = None


class FlagStateBody(_Body):
    """The new state of a flag."""

    resolved: bool
