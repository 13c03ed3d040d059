"""Routes of the organiser's page: the summary, and what an organiser may change."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from ..web.security import RefusedRequest
from .request_bodies import (
    AnnotatorBody,
    FlagStateBody,
    InvitationBody,
    StateBody,
)
from .sessions import AnOrganiser, TheCampaignApp

organiser_router = APIRouter(prefix="/api/organiser")

RowId = Annotated[int, Path(ge=1, le=2**31 - 1)]


@organiser_router.get("/summary")
async def get_summary(campaign_app: TheCampaignApp, person: AnOrganiser) -> dict[str, Any]:
    """The live page; asking for it keeps it being worked out."""
    campaign = await campaign_app.campaign()
    num_recorded = await asyncio.to_thread(campaign_app.store.num_recorded)
    campaign_app.note_look(num_recorded)
    now = {
        "name": campaign.name,
        "state": campaign.state,
        "failures": {what: asdict(failure) for what, failure in campaign_app.failures().items()},
        "num_votes_now": num_recorded[0],
        "server_time": time.time(),
    }
    if campaign_app.summary is None:
        return {"pending": True, **now}
    return {**campaign_app.summary, "refreshed_at": campaign_app.refreshed_at, **now}


@organiser_router.post("/state")
async def post_state(
    body: StateBody, campaign_app: TheCampaignApp, person: AnOrganiser
) -> dict[str, Any]:
    """Open, pause or close the campaign."""
    await campaign_app.write(
        lambda now: campaign_app.store.set_state(body.state, who=person.name, now=now)
    )
    campaign_app.note_change()
    return {"state": body.state}


@organiser_router.post("/annotators")
async def post_annotator(
    body: InvitationBody, request: Request, campaign_app: TheCampaignApp, person: AnOrganiser
) -> dict[str, Any]:
    """Invite an annotator; inviting a known one again replaces their link."""
    token = await campaign_app.write(
        lambda now: campaign_app.store.invite(body.name, role="annotator", now=now)
    )
    campaign_app.note_change()
    return {"name": body.name, "link": f"{request.url.scheme}://{request.url.netloc}/#t={token}"}


@organiser_router.post("/annotators/{annotator_id}")
async def change_annotator(
    annotator_id: RowId, body: AnnotatorBody, campaign_app: TheCampaignApp, person: AnOrganiser
) -> dict[str, Any]:
    """Exclude or revoke an annotator, or take that back."""
    known = {row.id: row for row in await asyncio.to_thread(campaign_app.store.annotators)}
    if annotator_id not in known:
        raise RefusedRequest(404, "not_found", "This campaign has no such annotator.")
    if known[annotator_id].role != "annotator":
        raise RefusedRequest(
            403, "wrong_role", "Organisers are changed by `proskill annotate invite` alone."
        )

    def change(now: float) -> None:
        if body.excluded is not None:
            campaign_app.store.set_excluded(annotator_id, body.excluded, who=person.name, now=now)
        if body.revoked is not None:
            campaign_app.store.set_revoked(annotator_id, body.revoked, who=person.name, now=now)

    await campaign_app.write(change)
    campaign_app.note_change()
    return {"id": annotator_id}


@organiser_router.post("/flags/{flag_id}")
async def change_flag(
    flag_id: RowId, body: FlagStateBody, campaign_app: TheCampaignApp, person: AnOrganiser
) -> dict[str, Any]:
    """Say that a flag was dealt with, or that it was not."""
    if flag_id not in {flag.id for flag in await asyncio.to_thread(campaign_app.store.flags)}:
        raise RefusedRequest(404, "not_found", "This campaign has no such flag.")
    await campaign_app.write(
        lambda now: campaign_app.store.resolve_flag(
            flag_id, body.resolved, who=person.name, now=now
        )
    )
    campaign_app.note_change()
    return {"id": flag_id}


@organiser_router.get("/clips")
async def get_clips(campaign_app: TheCampaignApp, person: AnOrganiser) -> dict[str, Any]:
    """Which take each clip shows."""
    return {
        "clips": [
            {
                "clip": clip.public_id,
                "url": f"/clips/{clip.public_id}",
                "take": clip.take_id,
                "view": clip.view,
                "seconds": clip.duration_seconds,
            }
            for clip in campaign_app.clips.values()
        ]
    }
