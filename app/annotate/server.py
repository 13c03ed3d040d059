"""The web application of one campaign: pages, routes, and every error as one plain sentence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from proskill.annotation.db.store import CampaignStore
from proskill.annotation.refusals import Refusal
from proskill.errors import CampaignError

from ..web.security import RefusedRequest, SecurityMiddleware, as_json, error_handlers
from ..web.static_files import static_routes
from .annotator_routes import annotator_router
from .campaign_app import CampaignApp
from .organiser_routes import organiser_router

_STATIC: Final = Path(__file__).parent / "static"
_PAGES: Final = {"/": "index.html", "/organiser": "organiser.html"}

# Of a refusal by the database; any other one is about a lease.
_REFUSAL_STATUS: Final = {"storage_full": 507, "unavailable": 503, "wrong_answers": 422}

_HTTP_ERRORS: Final = {
    400: ("invalid", "The request cannot be read."),
    404: ("not_found", "There is nothing at this address."),
    405: ("not_allowed", "This address does not take such a request."),
}


def create_app(store: CampaignStore) -> FastAPI:
    """Return the application that serves a campaign.

    Args:
        store: an open campaign, to be closed by the caller after serving.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with CampaignApp.open(store) as campaign:
            app.state.campaign = campaign
            yield

    app = FastAPI(
        title="proskill annotate",
        lifespan=lifespan,
        routes=list(static_routes("/static", _STATIC, pages=_PAGES)),
        exception_handlers={
            **error_handlers(as_json, CampaignError, _status_of),
            RequestValidationError: _answer_invalid,
            HTTPException: _answer_http_error,
        },
        # The interactive documentation would load scripts from another site.
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.add_middleware(SecurityMiddleware)
    app.include_router(annotator_router)
    app.include_router(organiser_router)
    return app


def _status_of(error: CampaignError) -> int:
    return _REFUSAL_STATUS.get(error.code, 409) if isinstance(error, Refusal) else 422


async def _answer_invalid(request: Request, error: RequestValidationError) -> Response:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:])
    message = f"{place or 'the request'}: {first['msg']}."
    return await as_json(request, RefusedRequest(422, "invalid", message))


async def _answer_http_error(request: Request, error: HTTPException) -> Response:
    code, message = _HTTP_ERRORS.get(error.status_code, ("refused", "The request is refused."))
    response = await as_json(request, RefusedRequest(error.status_code, code, message))
    response.headers.update(error.headers or {})
    return response
