"""Sessions: links become cookies, and every route names the role that may use it.

The cookie contains the link's secret itself, which the database knows by its hash alone: sessions
survive a restart, work on every server process, and end at once when a link is revoked.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Final, get_args

from fastapi import Depends, Request, Response

from proskill.annotation.records import Annotator, Role
from proskill.annotation.refusals import Refusal

from ..web.security import RefusedRequest, SessionCookie, address_of
from .campaign_app import CampaignApp

_COOKIE_SECONDS: Final = 30 * 24 * 3600

# Who a page was opened for, by `person_id`. The tabs of a browser share one cookie, and the link
# opened last decides whose it is; programs, which have one session each, may leave this out.
_PERSON_HEADER: Final = "x-proskill-annotator"


async def _served_campaign(request: Request) -> CampaignApp:  # async: others run in threads
    campaign: CampaignApp = request.app.state.campaign
    return campaign


ServedCampaign = Annotated[CampaignApp, Depends(_served_campaign)]


def cookie_name(campaign: str, role: Role) -> str:
    """Return the name of a role's cookie in a campaign.

    One per role, so that an organiser who tries an annotator's link stays logged in; one per
    campaign, since browsers send a host's cookies to all of its ports.

    Args:
        campaign: its public id.
        role: of the person.
    """
    return f"proskill_{role}_{campaign}"


def person_id(campaign: CampaignApp, person: Annotator) -> str:
    """Return a page's name for its annotator, which no two annotators of any campaigns share."""
    return f"{campaign.public_id}-{person.id}"


async def log_in(
    campaign: CampaignApp, request: Request, response: Response, token: str
) -> Annotator:
    """Turn the secret of a link into a cookie.

    Raises:
        RefusedRequest: the link is unknown or revoked, or too many wrong ones came from there.
    """
    person = await _find(campaign, request, token)
    _cookie(campaign, person.role).give(response, request, token)
    return person


def log_out(campaign: CampaignApp, response: Response) -> None:
    """Take this campaign's cookies back."""
    for role in get_args(Role):
        _cookie(campaign, role).take_back(response)


def _cookie(campaign: CampaignApp, role: Role) -> SessionCookie:
    return SessionCookie(cookie_name(campaign.public_id, role), _COOKIE_SECONDS)


async def _annotator(request: Request, campaign: ServedCampaign) -> Annotator:
    person = await _person(campaign, request, "annotator")
    known = person_id(campaign, person)
    if request.headers.get(_PERSON_HEADER, known) != known:
        raise Refusal("other_person", "Another person opened their link in this browser.")
    return person


async def _organiser(request: Request, campaign: ServedCampaign) -> Annotator:
    return await _person(campaign, request, "organiser")


async def _anyone(request: Request, campaign: ServedCampaign) -> Annotator:
    is_annotator = _cookie(campaign, "annotator").secret(request) is not None
    return await _person(campaign, request, "annotator" if is_annotator else "organiser")


async def _person(campaign: CampaignApp, request: Request, role: Role) -> Annotator:
    token = _cookie(campaign, role).secret(request)
    if token is None:
        raise RefusedRequest(
            401, "no_session", f"This needs an {role}'s link; open the link you were sent again."
        )
    person = await _find(campaign, request, token)
    if person.role != role:  # a cookie under another name
        raise RefusedRequest(403, "wrong_role", f"Only an {role} may do this.")
    if not campaign.requests.take(str(person.id)):
        raise _too_fast("Too many requests; wait a second and try again.")
    return person


async def _find(campaign: CampaignApp, request: Request, token: str) -> Annotator:
    person = await asyncio.to_thread(campaign.store.find_annotator, token)
    if person is None:
        if not campaign.wrong_links.take(address_of(request)):
            raise _too_fast("Too many wrong links; wait a minute.")
        raise RefusedRequest(
            401, "no_session", "This link is not valid any more; ask the organiser for another."
        )
    return person


def _too_fast(message: str) -> RefusedRequest:
    return RefusedRequest(429, "too_fast", message, retry_seconds=1)


AnAnnotator = Annotated[Annotator, Depends(_annotator)]
AnOrganiser = Annotated[Annotator, Depends(_organiser)]
Anyone = Annotated[Annotator, Depends(_anyone)]
