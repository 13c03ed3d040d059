"""Refusals: a campaign's answers to requests that it does not record."""

from __future__ import annotations

from typing import Literal

from proskill.errors import CampaignError

RefusalCode = Literal[
    "lease_expired", "lease_moved", "paused", "closed", "not_watched", "cannot_undo",
    "token_taken", "wrong_answers", "other_person", "storage_full", "unavailable",
]  # fmt: skip


class Refusal(CampaignError):
    """Nothing was recorded, and the message says why.

    Attributes:
        code: for programs:
            lease_expired: the time for this pair ran out, and for an answer: another annotator was
                asked meanwhile, or the annotator may not work any more;
            lease_moved: the pair is not the annotator's, or was answered before;
            paused, closed: the campaign takes no answers now, or any more;
            not_watched: too little of the clips was watched;
            cannot_undo: the earlier answer is not the annotator's, was changed already, or is
                too far back;
            token_taken: the token belongs to another answer;
            wrong_answers: not what the campaign asks;
            other_person: the page is not of whom the browser is signed in as;
            storage_full, unavailable: the database cannot record it.
    """

    def __init__(self, code: RefusalCode, message: str) -> None:
        self.code: RefusalCode = code
        super().__init__(message)

    def __reduce__(self) -> tuple[type[Refusal], tuple[RefusalCode, str]]:
        return type(self), (self.code, str(self))
