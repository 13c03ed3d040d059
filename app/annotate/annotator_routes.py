"""Routes of the annotator's page: the session, pairs, votes, flags and clips."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse

from proskill.annotation.answers import Answer, LeasedPair, VoteResult, Work
from proskill.annotation.records import Clip
from proskill.annotation.refusals import Refusal

from ..web.security import RefusedRequest
from .request_bodies import FlagBody, PublicId, SessionBody, VoteBody
from .sessions import AnAnnotator, Anyone, ServedCampaign, log_in, log_out, person_id

annotator_router = APIRouter()

# After these refusals of a vote there is other work to do.
_MOVED_ON: Final = frozenset(
    {
        "lease_expired",
        "lease_moved",
        "paused",
        "closed",
        "not_watched",
        "cannot_undo",
        "token_taken",
    }
)


@annotator_router.post("/api/session")
async def post_session(
    body: SessionBody, request: Request, response: Response, campaign: ServedCampaign
) -> dict[str, Any]:
    """Log in by the secret of a link."""
    person = await log_in(campaign, request, response, body.token)
    return {"role": person.role, "name": person.name}


@annotator_router.delete("/api/session")
async def delete_session(response: Response, campaign: ServedCampaign) -> dict[str, Any]:
    """Log out."""
    log_out(campaign, response)
    return {}


@annotator_router.get("/api/work")
async def get_work(campaign: ServedCampaign, person: AnAnnotator) -> dict[str, Any]:
    """Return the campaign, and the annotator's pairs: the same until they are answered."""
    work = await campaign.assign(lambda assignment, now: assignment.work(person.id, now))
    record = await campaign.record()
    settings = record.settings
    return {
        "campaign": {
            "name": record.name,
            "state": record.state,
            "criteria": [{"id": c.id, "name": c.name} for c in record.criteria],
            "guideline": settings.guideline,
            "settings": {
                "allow_tie": settings.allow_tie,
                "strength": settings.strength,
                "min_watched": settings.min_watched,
                "undo_depth": settings.undo_depth,
            },
        },
        "annotator": {"name": person.name, "id": person_id(campaign, person)},
        **_work_json(work),
        "server_time": time.time(),
    }


@annotator_router.post("/api/votes")
async def post_vote(
    body: VoteBody, campaign: ServedCampaign, person: AnAnnotator
) -> dict[str, Any]:
    """Record one vote; the answer means that it is in the database."""
    try:
        vote = body.vote()
    except ValueError as error:
        raise RefusedRequest(422, "invalid", str(error)) from None
    try:
        result: VoteResult = await campaign.assign(
            lambda assignment, now: assignment.vote(person.id, vote, now)
        )
    except Refusal as refusal:
        if refusal.code in _MOVED_ON:
            work = await campaign.assign(lambda assignment, now: assignment.work(person.id, now))
            raise RefusedRequest(409, refusal.code, str(refusal), **_work_json(work)) from None
        raise
    campaign.note_vote()
    answer = {"token": result.token, "duplicate": result.is_duplicate, **_work_json(result.work)}
    if result.practice is not None:
        answer["practice_feedback"] = asdict(result.practice)
    return answer


@annotator_router.post("/api/leases/{lease}/keep")
async def keep_lease(
    lease: PublicId, campaign: ServedCampaign, person: AnAnnotator
) -> dict[str, Any]:
    """Extend the lease of a pair while it is being watched."""
    expires_at = await campaign.assign(
        lambda assignment, now: assignment.keep(person.id, lease, now)
    )
    return {"expires_at": expires_at}


@annotator_router.post("/api/flags")
async def post_flag(
    body: FlagBody, campaign: ServedCampaign, person: AnAnnotator
) -> dict[str, Any]:
    """Report a clip."""
    if body.clip not in campaign.clips:
        raise _no_such_clip()
    flag_id = await campaign.write(
        lambda now: campaign.store.add_flag(
            body.clip, person.id, body.reason, body.note or "", now=now
        )
    )
    return {"id": flag_id}


@annotator_router.get("/clips/{clip}", response_class=FileResponse)
async def get_clip(clip: PublicId, campaign: ServedCampaign, person: Anyone) -> FileResponse:
    """Send a clip's video, whole or in ranges; found by its id, never by a path."""
    found = campaign.clips.get(clip)
    if found is None:
        raise _no_such_clip()
    if found.proxy is None or not found.proxy.is_file():
        raise RefusedRequest(
            404, "no_proxy", "The video of this clip is missing; tell the organiser."
        )
    return FileResponse(
        found.proxy,
        media_type="video/mp4",
        headers={"cache-control": "private, max-age=86400, immutable"},
    )


def _no_such_clip() -> RefusedRequest:
    return RefusedRequest(404, "not_found", "This campaign has no such clip.")


def _work_json(work: Work) -> dict[str, Any]:
    recent = [
        {
            "pair": _pair_json(answered.pair),
            "token": answered.token,
            "answers": {str(key): _answer_json(given) for key, given in answered.answers.items()},
        }
        for answered in work.recent
    ]
    return {
        "progress": asdict(work.progress),
        "current": _pair_json(work.current),
        "next": _pair_json(work.next),
        "recent": recent,
        **({"reason": work.reason} if work.current is None else {}),
    }


def _pair_json(pair: LeasedPair | None) -> dict[str, Any] | None:
    if pair is None:
        return None
    return {
        "lease": pair.lease,
        "left": _clip_json(pair.left),
        "right": _clip_json(pair.right),
        "practice": pair.is_practice,
        "expires_at": pair.expires_at,
    }


def _clip_json(clip: Clip) -> dict[str, Any]:
    """Return everything that an annotator's page learns of a clip."""
    url = f"/clips/{clip.public_id}"
    return {"clip": clip.public_id, "url": url, "seconds": clip.duration_seconds}


def _answer_json(answer: Answer) -> dict[str, Any]:
    return {key: value for key, value in asdict(answer).items() if value is not None}
