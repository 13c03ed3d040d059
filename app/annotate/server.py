"""The web application of one campaign: pages, routes, and every error as one plain sentence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

import proskill.reports.toolkit
from proskill.annotation.db.store import CampaignStore
from proskill.annotation.refusals import Refusal
from proskill.errors import CampaignError, ProskillError

from ..web.security import RefusedRequest, SecurityMiddleware
from .annotator_routes import annotator_router
from .campaign_app import CampaignApp
from .organiser_routes import organiser_router

# What pages are made of; nothing else in their folder is served.
_TOOLKIT: Final = Path(proskill.reports.toolkit.__path__[0])
_MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}

_PAGES: Final = {"/": "index.html", "/organiser": "organiser.html"}

# Of a refusal by the database; any other one is about a lease.
_REFUSAL_STATUS: Final = {"storage_full": 507, "unavailable": 503, "wrong_answers": 422}

_HTTP_ERRORS: Final = {
    400: ("invalid", "The request cannot be read."),
    404: ("not_found", "There is nothing at this address."),
    405: ("not_allowed", "This address does not take such a request."),
    408: ("too_slow", "The request took too long to arrive; send it again."),
    413: ("too_large", "The request is too large; shorten its texts."),
}


def create_app(store: CampaignStore, *, pages: Path) -> FastAPI:
    """The application that serves a campaign.

    Args:
        store: an open campaign, to be closed by the caller after serving.
        pages: folder of the static pages.

    Raises:
        ProskillError: the pages are not there.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with CampaignApp.open(store) as campaign_app:
            app.state.campaign_app = campaign_app
            yield

    # The interactive documentation would load scripts from another site.
    app = FastAPI(
        title="proskill annotate",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
    )
    app.add_middleware(SecurityMiddleware)
    app.include_router(annotator_router)
    app.include_router(organiser_router)
    _add_pages(app, pages)
    _add_error_handlers(app)
    return app


def _add_pages(app: FastAPI, folder: Path) -> None:
    """Serve the files that are there now, each by its own address: no path is ever put together."""
    files = {
        f"/static/{path.relative_to(folder).as_posix()}": path
        for path in sorted(folder.rglob("*"))
        if path.suffix in _MEDIA_TYPES and path.is_file()
    }
    # One set of colours for all pages of proskill.
    files["/static/palette.css"] = _TOOLKIT / "templates" / "palette.css"
    for address, name in _PAGES.items():
        if not (folder / name).is_file():
            raise ProskillError(f"{folder / name}: this page is missing; install proskill again")
        files[address] = folder / name
    for address, path in files.items():
        app.add_api_route(address, _file_sender(path), include_in_schema=False)


def _file_sender(path: Path):  # type: ignore[no-untyped-def]
    async def send_file() -> Response:
        return FileResponse(
            path, media_type=_MEDIA_TYPES[path.suffix], headers={"cache-control": "no-cache"}
        )

    return send_file


def _add_error_handlers(app: FastAPI) -> None:
    @app.exception_handler(RefusedRequest)
    async def refuse(request: Request, error: RefusedRequest) -> JSONResponse:
        return error.response()

    @app.exception_handler(Refusal)
    async def refuse_write(request: Request, error: Refusal) -> JSONResponse:
        status = _REFUSAL_STATUS.get(error.code, 409)
        return RefusedRequest(status, error.code, str(error)).response()

    @app.exception_handler(CampaignError)
    async def refuse_change(request: Request, error: CampaignError) -> JSONResponse:
        return RefusedRequest(422, "invalid", str(error)).response()

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][1:])
        return RefusedRequest(
            422, "invalid", f"{place or 'the request'}: {first['msg']}."
        ).response()

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> JSONResponse:
        code, message = _HTTP_ERRORS.get(error.status_code, ("refused", "The request is refused."))
        answer = RefusedRequest(error.status_code, code, message).response()
        answer.headers.update(error.headers or {})
        return answer
