"""Campaigns of pairwise comparisons: who is asked what, and a log of answers that loses nothing."""

from proskill.annotation.answers import (
    Answer,
    Answered,
    LeasedPair,
    PracticeFeedback,
    Progress,
    Vote,
    VoteResult,
    Work,
)
from proskill.annotation.assignment.assignment import Assignment
from proskill.annotation.assignment.gold import GoldTakes, read_gold
from proskill.annotation.campaign import CampaignSettings
from proskill.annotation.creation import create_campaign
from proskill.annotation.db.leases import effective_votes
from proskill.annotation.db.store import CampaignStore
from proskill.annotation.records import (
    Annotator,
    Campaign,
    Clip,
    Criterion,
    Event,
    Flag,
    GoldPair,
    LeaseRow,
    VoteRow,
)
from proskill.annotation.refusals import Refusal

__all__ = [
    "Annotator",
    "Answer",
    "Answered",
    "Assignment",
    "Campaign",
    "CampaignSettings",
    "CampaignStore",
    "Clip",
    "Criterion",
    "Event",
    "Flag",
    "GoldPair",
    "GoldTakes",
    "LeaseRow",
    "LeasedPair",
    "PracticeFeedback",
    "Progress",
    "Refusal",
    "Vote",
    "VoteResult",
    "VoteRow",
    "Work",
    "create_campaign",
    "effective_votes",
    "read_gold",
]
