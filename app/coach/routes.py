"""The server's own routes: uploads, files of a session, style and scripts, logging in.

They stand before Gradio's; what asks for them went through `guard.py` first.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route

from proskill.errors import ProskillError, StorageError

from .login import Logins, login_page
from .media import MediaStore
from .rendering import STATIC, style_sheet
from .uploads import TooLarge, UploadStore

_SCRIPTS = frozenset(path.name for path in STATIC.glob("*.js"))


def coach_routes(*, uploads: UploadStore, media: MediaStore, logins: Logins | None) -> list[Route]:
    """The routes of a server.

    Args:
        uploads: where videos arrive.
        media: which files the browser may fetch.
        logins: who may log in; None where there are no accounts.
    """
    return [
        Route("/gradio_api/upload", _receive(uploads), methods=["POST"]),
        Route("/coach/media/{token}/{name}", _send(media), methods=["GET"]),
        Route("/coach/static/{name}", _static, methods=["GET"]),
        *_login_routes(logins),
    ]


_Endpoint = Callable[[Request], Awaitable[Response]]


def _receive(uploads: UploadStore) -> _Endpoint:
    async def receive(request: Request) -> Response:
        try:
            received = await uploads.receive(
                request.stream(),
                content_type=request.headers.get("content-type", ""),
                num_bytes=_number(request.headers.get("content-length")),
                owner=request.state.account,
            )
        except ClientDisconnect:
            return Response(status_code=400)  # to nobody
        except TooLarge as error:
            return PlainTextResponse(str(error), 413)
        except StorageError as error:
            return PlainTextResponse(str(error), 507)
        except ProskillError as error:
            return PlainTextResponse(str(error), 400)
        return JSONResponse([str(upload.path) for upload in received])

    return receive


def _send(media: MediaStore) -> _Endpoint:
    async def send(request: Request) -> Response:
        file = media.find(request.path_params["token"], owner=request.state.account)
        if file is None:
            raise HTTPException(404, "The file is gone.")
        return FileResponse(
            file.path,
            media_type=file.media_type,
            filename=file.download_name or None,  # with a name it is an attachment
            headers={"Cache-Control": "private, no-store"},
        )

    return send


async def _static(request: Request) -> Response:
    name = request.path_params["name"]
    if name == "look.css":
        return Response(style_sheet(), media_type="text/css")
    if name not in _SCRIPTS:
        raise HTTPException(404, "There is nothing here.")
    return FileResponse(
        STATIC / name, media_type="text/javascript", headers={"Cache-Control": "no-cache"}
    )


def _login_routes(logins: Logins | None) -> list[Route]:
    async def show(request: Request) -> Response:
        return RedirectResponse("./", 303) if logins is None else login_page()

    async def log_in(request: Request) -> Response:
        return RedirectResponse("./", 303) if logins is None else await logins.log_in(request)

    async def log_out(request: Request) -> Response:
        return RedirectResponse("./", 303) if logins is None else logins.log_out(request)

    return [
        Route("/login", show, methods=["GET"]),
        Route("/login", log_in, methods=["POST"]),
        Route("/logout", log_out, methods=["GET"]),
    ]


def _number(text: str | None) -> int:
    return int(text) if text is not None and text.isdecimal() else 0
