"""Who is asking: links become cookies, and every route names the role that may use it.

The cookie holds the link's secret itself, which the database knows by its hash alone: sessions
survive a restart, hold on every server process, and end at once when a link is revoked.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Final, get_args

from fastapi import Depends, Request, Response

from proskill.annotation.records import Annotator, Role
from proskill.annotation.refusals import Refusal

from ..web.security import RefusedRequest
from .campaign_app import CampaignApp

_COOKIE_SECONDS: Final = 30 * 24 * 3600

# Who a page was opened for, by `person_id`. The tabs of a browser share one cookie, and the link
# opened last decides whose it is; programs, which have one session each, may leave this out.
_PERSON_HEADER: Final = "x-proskill-annotator"


async def the_desk(request: Request) -> CampaignApp:
    """The campaign that this application serves; async, for FastAPI calls others in threads."""
    campaign_app: CampaignApp = request.app.state.campaign_app
    return campaign_app


TheCampaignApp = Annotated[CampaignApp, Depends(the_desk)]


def cookie_name(campaign: str, role: Role) -> str:
    """The cookie of a role in a campaign.

    One per role, so that an organiser who tries an annotator's link stays logged in; one per
    campaign, since browsers send a host's cookies to all of its ports.

    Args:
        campaign: its public id.
        role: whose.
    """
    return f"proskill_{role}_{campaign}"


def person_id(campaign_app: CampaignApp, person: Annotator) -> str:
    """What a page calls its annotator in `X-Proskill-Annotator`: no two of any campaigns share it.

    Args:
        campaign_app: of the campaign.
        person: one of its annotators.
    """
    return f"{campaign_app.public_id}-{person.id}"


async def log_in(
    campaign_app: CampaignApp, request: Request, response: Response, token: str
) -> Annotator:
    """Turn the secret of a link into a cookie.

    Raises:
        RefusedRequest: the link is unknown or revoked, or too many wrong ones came from there.
    """
    person = await _find(campaign_app, request, token)
    response.set_cookie(
        cookie_name(campaign_app.public_id, person.role),
        token,
        max_age=_COOKIE_SECONDS,
        path="/",
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return person


def log_out(campaign_app: CampaignApp, response: Response) -> None:
    """Take this campaign's cookies back."""
    for role in get_args(Role):
        name = cookie_name(campaign_app.public_id, role)
        response.delete_cookie(name, path="/", httponly=True, samesite="strict")


async def _annotator(request: Request, campaign_app: TheCampaignApp) -> Annotator:
    person = await _person(campaign_app, request, "annotator")
    if request.headers.get(_PERSON_HEADER, person_id(campaign_app, person)) != person_id(
        campaign_app, person
    ):
        raise Refusal("other_person", "Somebody else opened their link in this browser.")
    return person


async def _organiser(request: Request, campaign_app: TheCampaignApp) -> Annotator:
    return await _person(campaign_app, request, "organiser")


async def _anybody(request: Request, campaign_app: TheCampaignApp) -> Annotator:
    is_annotator = cookie_name(campaign_app.public_id, "annotator") in request.cookies
    return await _person(campaign_app, request, "annotator" if is_annotator else "organiser")


async def _person(campaign_app: CampaignApp, request: Request, role: Role) -> Annotator:
    token = request.cookies.get(cookie_name(campaign_app.public_id, role))
    if token is None:
        raise RefusedRequest(
            401, "no_session", f"This needs an {role}'s link; open the link you were sent again."
        )
    person = await _find(campaign_app, request, token)
    if person.role != role:  # a cookie under another name
        raise RefusedRequest(403, "wrong_role", f"Only an {role} may do this.")
    if not campaign_app.requests.take(str(person.id)):
        raise RefusedRequest(429, "too_fast", "Too many requests; wait a second and try again.")
    return person


async def _find(campaign_app: CampaignApp, request: Request, token: str) -> Annotator:
    person = await asyncio.to_thread(campaign_app.store.find_annotator, token)
    if person is None:
        address = request.client.host if request.client else ""
        if not campaign_app.wrong_links.take(address):
            raise RefusedRequest(429, "too_fast", "Too many wrong links; wait a minute.")
        raise RefusedRequest(
            401, "no_session", "This link is not valid any more; ask the organiser for another."
        )
    return person


AnAnnotator = Annotated[Annotator, Depends(_annotator)]
AnOrganiser = Annotated[Annotator, Depends(_organiser)]
Anybody = Annotated[Annotator, Depends(_anybody)]
