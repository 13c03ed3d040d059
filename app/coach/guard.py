"""The guard of Gradio's routes: which of them are open, to whom, how often, about which files.

Gradio answers on many routes that this page does not need, some of them without a login; only
those named here are let through, and only to people who are logged in where there are accounts. No
request names a file that its sender did not upload.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..web.security import (
    GRADIO_HEADERS,
    RateLimiter,
    RefusedRequest,
    SecurityMiddleware,
    address_of,
    as_text,
)
from .login import Logins
from .sessions import Sessions
from .uploads import UploadStore

_MAX_BODY_BYTES = 1_000_000  # but of an upload, which is bounded where it is written
_UPLOAD = "/gradio_api/upload"
_MAX_PAGES, _MAX_PAGE_LETTERS = 5000, 64
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

# What the page, its own routes and gradio_client ask for; `file=` is not among it.
_OPEN_TO_ALL = re.compile(
    r"/(login|favicon\.ico|robots\.txt|coach/static/[\w.-]+|gradio_api/startup-events)/?"
)
_OPEN = re.compile(
    r"/(|config|logout|theme\.css|manifest\.json|assets/.+|static/.+|svelte/.+"
    r"|coach/media/[\w-]+/[^/]+"
    r"|gradio_api/(info|app_id|login_check|user|theme\.css|upload|cancel|reset"
    r"|heartbeat/[\w-]+|queue/(join|data|status)|call/(v2/)?score(/[\w-]+)?))/?"
)
_LEADS_ELSEWHERE = re.compile(r"\.\.|//|\\")  # none of the page's own addresses has that
_FILES = ("/assets/", "/static/", "/svelte/", "/coach/")  # as often as one likes


def coach_middleware(
    *, uploads: UploadStore, sessions: Sessions, logins: Logins | None, is_local: bool
) -> list[Middleware]:
    """Return the layers before Gradio, the outermost first.

    Args:
        uploads: the files of each account.
        sessions: the open pages; they are told of the connection that each of them keeps open.
        logins: sessions of accounts; None where there are no accounts.
        is_local: whether the server listens to this machine alone.
    """
    return [
        Middleware(
            SecurityMiddleware,
            headers=GRADIO_HEADERS,
            answer=as_text,
            max_body_bytes=_MAX_BODY_BYTES,
            streamed=(_UPLOAD,),
            checks_reads=True,  # Gradio lets other pages of this machine read its answers
            null_origin=("/login",),  # that page sends no referrer, and its form no origin
        ),
        Middleware(_Guard, uploads, sessions, logins, is_local),
    ]


class _Guard:
    def __init__(
        self,
        app: ASGIApp,
        uploads: UploadStore,
        sessions: Sessions,
        logins: Logins | None,
        is_local: bool,
    ) -> None:
        self._app, self._uploads, self._sessions = app, uploads, sessions
        self._logins, self._is_local = logins, is_local
        self._requests = RateLimiter(rate=10, burst=300)
        self._attempts = RateLimiter(rate=1 / 6, burst=10)  # to log in
        # Gradio's name of a page -> the account that opened it. With the name one may
        # listen to what the page is told, so that it is good for one account.
        self._pages: dict[str, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        self._check_address(request)
        account = None if self._logins is None else self._logins.account_of(request)
        request.scope.setdefault("state", {})["account"] = account or ""
        is_known = self._logins is None or account is not None
        if not is_known and not _OPEN_TO_ALL.fullmatch(_path(scope)):
            if _path(scope) != "/" or request.method != "GET":
                raise RefusedRequest(401, "no_session", "Log in first.")
            await RedirectResponse("login", 303)(scope, receive, send)
            return
        self._check_route(request, account or address_of(request))
        if is_known:
            self._check_pages(_pages_of(request), account or "")
        if request.method == "POST" and _path(scope) != _UPLOAD:
            body = await request.body()
            self._check_body(body, _path(scope), account or "")
            receive = _again(body, receive)
        before, _, heart = _path(scope).rpartition("/heartbeat/")
        if not before:
            await self._app(scope, receive, send)
            return
        with self._sessions.connected(heart, owner=account or ""):
            await self._app(scope, receive, send)

    def _check_address(self, request: Request) -> None:
        if self._is_local and _hostname(request.headers.get("host", "")) not in _LOOPBACK:
            raise RefusedRequest(403, "other_host", "This server answers to its own machine only.")
        if request.method not in ("GET", "HEAD", "POST"):
            raise RefusedRequest(405, "not_allowed", "Method not allowed.")

    def _check_route(self, request: Request, who: str) -> None:
        path = request.scope["path"]
        is_open = _OPEN_TO_ALL.fullmatch(path) or _OPEN.fullmatch(path)
        if not is_open or _LEADS_ELSEWHERE.search(path):
            raise RefusedRequest(404, "not_found", "There is nothing here.")
        is_attempt = path.startswith("/login") and request.method == "POST"
        limit = self._attempts if is_attempt else self._requests
        if not path.startswith(_FILES) and not limit.take(who):
            raise RefusedRequest(
                429, "too_fast", "Too many requests; wait a minute.", retry_seconds=60
            )

    def _check_body(self, body: bytes, path: str, account: str) -> None:
        if path == "/login":
            return
        try:
            data = json.loads(body or b"{}")
            files = list(_files_in(data))
        except (ValueError, RecursionError):
            raise RefusedRequest(400, "invalid", "The request is no JSON.") from None
        if isinstance(data, dict):
            self._check_pages([data.get("session_hash")], account)
        if not all(self._uploads.holds(path, owner=account) for path in files):
            message = "A file of the request was not uploaded here."
            raise RefusedRequest(403, "not_uploaded", message)

    def _check_pages(self, pages: list[Any], account: str) -> None:
        """Refuse pages that another account opened; the first who names one opens it."""
        for page in pages:
            if not isinstance(page, str):
                continue
            if page not in self._pages and len(self._pages) >= _MAX_PAGES:
                del self._pages[next(iter(self._pages))]
            is_long = len(page) > _MAX_PAGE_LETTERS
            if is_long or self._pages.setdefault(page, account) != account:
                message = "That page was opened by another account; reload it."
                raise RefusedRequest(403, "other_person", message)


def _path(scope: Scope) -> str:
    """Return the path by which the application chooses a route; `url` heeds headers, too."""
    return str(scope["path"]).rstrip("/") or "/"


def _pages_of(request: Request) -> list[str]:
    """Return Gradio's names of the pages that a request asks about."""
    before, _, heart = _path(request.scope).rpartition("/heartbeat/")
    return [*request.query_params.getlist("session_hash"), *([heart] if before else [])]


def _hostname(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _files_in(data: Any) -> Iterator[str]:
    """Yield the paths of everything in a payload that Gradio would take for a file."""
    if isinstance(data, Mapping):
        path, meta = data.get("path"), data.get("meta")
        is_marked = isinstance(meta, Mapping) and str(meta.get("_type", "")).startswith("gradio.")
        if is_marked or isinstance(path, str):
            yield str(path)
    if isinstance(data, Mapping | list):
        for value in data.values() if isinstance(data, Mapping) else data:
            yield from _files_in(value)


def _again(body: bytes, receive: Receive) -> Receive:
    """Hand a body that was read to the application behind."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay
