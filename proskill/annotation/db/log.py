"""A campaign's full record, read at once, for summaries and exports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from proskill.annotation.records import Annotator, Campaign, Clip, Flag, GoldPair, VoteRow

if TYPE_CHECKING:
    from proskill.annotation.db.store import CampaignStore


@dataclass(frozen=True)
class CampaignLog:
    """A campaign's full record.

    Attributes:
        campaign: its name, state, criteria and settings; the first criterion gives the levels.
        clips: all of them, by id.
        annotators: all of them, organisers too.
        votes: every vote ever, in order, with those that were taken back.
        flags: of clips.
        gold: pairs of known answer, those for practice among them.
    """

    campaign: Campaign
    clips: tuple[Clip, ...]
    annotators: tuple[Annotator, ...]
    votes: tuple[VoteRow, ...]
    flags: tuple[Flag, ...]
    gold: tuple[GoldPair, ...]


def read_log(store: CampaignStore) -> CampaignLog:
    """Read everything; votes come first, so that the annotator of each vote is known.

    Args:
        store: an open campaign.
    """
    votes = tuple(store.vote_log())
    return CampaignLog(
        campaign=store.campaign(),
        clips=tuple(store.clips()),
        annotators=tuple(store.annotators()),
        votes=votes,
        flags=tuple(store.flags()),
        gold=tuple(store.gold()),
    )
