"""The server's own routes: uploads, files of a session, style and scripts, logging in.

They come before Gradio's; requests went through `guard.py` first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from proskill.errors import ProskillError, StorageError

from ..web.security import RefusedRequest
from ..web.static_files import static_routes
from .login import Logins, login_page
from .media import MediaStore
from .rendering import STATIC, style_sheet
from .uploads import TooLarge, UploadStore

_Endpoint = Callable[[Request], Awaitable[Response]]


def coach_routes(*, uploads: UploadStore, media: MediaStore, logins: Logins | None) -> list[Route]:
    """Return the routes of a server.

    Args:
        uploads: where videos arrive.
        media: the files that browsers may fetch.
        logins: sessions of accounts; None where there are no accounts.
    """
    return [
        Route("/gradio_api/upload", _receive(uploads), methods=["POST"]),
        Route("/coach/media/{token}/{name}", _send(media), methods=["GET"]),
        Route("/coach/static/look.css", _look, methods=["GET"]),
        *static_routes("/coach/static", STATIC),
        *_login_routes(logins),
    ]


def status_of(error: ProskillError) -> int:
    """Return the status of HTTP that an error of these routes is told with."""
    return 413 if isinstance(error, TooLarge) else 507 if isinstance(error, StorageError) else 400


def _receive(uploads: UploadStore) -> _Endpoint:
    async def receive(request: Request) -> Response:
        length = request.headers.get("content-length", "")
        received = await uploads.receive(
            request.stream(),
            content_type=request.headers.get("content-type", ""),
            num_bytes=int(length) if length.isdecimal() else 0,
            owner=request.state.account,
        )
        return JSONResponse([str(upload.path) for upload in received])

    return receive


def _send(media: MediaStore) -> _Endpoint:
    async def send(request: Request) -> Response:
        file = media.find(request.path_params["token"], owner=request.state.account)
        if file is None:
            raise RefusedRequest(404, "not_found", "The file is gone.")
        return FileResponse(
            file.path,
            media_type=file.media_type,
            filename=file.download_name or None,  # with a name it is an attachment
            headers={"Cache-Control": "private, no-store"},
        )

    return send


async def _look(request: Request) -> Response:
    return Response(style_sheet(), media_type="text/css")


def _login_routes(logins: Logins | None) -> list[Route]:
    async def show(request: Request) -> Response:
        return login_page()

    async def to_page(request: Request) -> Response:
        return RedirectResponse("./", 303)

    return [
        Route("/login", show if logins else to_page, methods=["GET"]),
        Route("/login", logins.log_in if logins else to_page, methods=["POST"]),
        Route("/logout", logins.log_out if logins else to_page, methods=["GET"]),
    ]
