"""Routes of the organiser's page: the summary, and the changes that an organiser may make."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request

from ..web.security import RefusedRequest
from .request_bodies import AnnotatorBody, FlagStateBody, InvitationBody, StateBody
from .sessions import AnOrganiser, ServedCampaign

organiser_router = APIRouter(prefix="/api/organiser")

RowId = Annotated[int, Path(ge=1, le=2**31 - 1)]


@organiser_router.get("/summary")
async def get_summary(campaign: ServedCampaign, person: AnOrganiser) -> dict[str, Any]:
    """Return the figures of the live page; asking for them keeps them fresh."""
    record = await campaign.record()
    num_recorded = await asyncio.to_thread(campaign.store.num_recorded)
    campaign.note_look(num_recorded)
    now = {
        "name": record.name,
        "state": record.state,
        "failures": {what: asdict(failure) for what, failure in campaign.failures().items()},
        "num_votes_now": num_recorded[0],
        "server_time": time.time(),
    }
    if campaign.summary is None:
        return {"pending": True, **now}
    return {**campaign.summary, "refreshed_at": campaign.refreshed_at, **now}


@organiser_router.post("/state")
async def post_state(
    body: StateBody, campaign: ServedCampaign, person: AnOrganiser
) -> dict[str, Any]:
    """Open, pause or close the campaign."""
    await campaign.write(lambda now: campaign.store.set_state(body.state, who=person.name, now=now))
    campaign.note_change()
    return {"state": body.state}


@organiser_router.post("/annotators")
async def post_annotator(
    body: InvitationBody, request: Request, campaign: ServedCampaign, person: AnOrganiser
) -> dict[str, Any]:
    """Invite an annotator; inviting a known one again replaces their link."""
    token = await campaign.write(
        lambda now: campaign.store.invite(body.name, role="annotator", now=now)
    )
    campaign.note_change()
    return {"name": body.name, "link": f"{request.url.scheme}://{request.url.netloc}/#t={token}"}


@organiser_router.post("/annotators/{annotator_id}")
async def change_annotator(
    annotator_id: RowId, body: AnnotatorBody, campaign: ServedCampaign, person: AnOrganiser
) -> dict[str, Any]:
    """Exclude or revoke an annotator, or take that back."""
    known = {row.id: row for row in await asyncio.to_thread(campaign.store.annotators)}
    if annotator_id not in known:
        raise RefusedRequest(404, "not_found", "This campaign has no such annotator.")
    if known[annotator_id].role != "annotator":
        raise RefusedRequest(
            403, "wrong_role", "Organisers are changed by `proskill annotate invite` alone."
        )

    def change(now: float) -> None:
        if body.excluded is not None:
            campaign.store.set_excluded(annotator_id, body.excluded, who=person.name, now=now)
        if body.revoked is not None:
            campaign.store.set_revoked(annotator_id, body.revoked, who=person.name, now=now)

    await campaign.write(change)
    campaign.note_change()
    return {"id": annotator_id}


@organiser_router.post("/flags/{flag_id}")
async def change_flag(
    flag_id: RowId, body: FlagStateBody, campaign: ServedCampaign, person: AnOrganiser
) -> dict[str, Any]:
    """Mark a flag as dealt with, or as open."""
    if flag_id not in {flag.id for flag in await asyncio.to_thread(campaign.store.flags)}:
        raise RefusedRequest(404, "not_found", "This campaign has no such flag.")
    await campaign.write(
        lambda now: campaign.store.resolve_flag(flag_id, body.resolved, who=person.name, now=now)
    )
    campaign.note_change()
    return {"id": flag_id}


@organiser_router.get("/clips")
async def get_clips(campaign: ServedCampaign, person: AnOrganiser) -> dict[str, Any]:
    """Return the take that each clip shows."""
    return {
        "clips": [
            {
                "clip": clip.public_id,
                "url": f"/clips/{clip.public_id}",
                "take": clip.take_id,
                "view": clip.view,
                "seconds": clip.duration_seconds,
            }
            for clip in campaign.clips.values()
        ]
    }
