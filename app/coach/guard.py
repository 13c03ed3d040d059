"""What stands before every request: who it is from, what it may reach, how often.

Gradio answers on many routes that this page does not need, some of them without asking who is
there; only those named here are let through, and only to people who are logged in where there are
accounts. No request names a file that its sender did not upload.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .login import Logins
from .sessions import Sessions
from .uploads import UploadStore

_MAX_BODY_BYTES = 1_000_000  # but of an upload, which is bounded where it is written
_MAX_PAGES, _MAX_PAGE_LETTERS = 5000, 64
_OF_ANOTHER = "That page was opened by another account; reload it."
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

_HEADERS = {
    # Gradio's own page needs inline scripts and evaluates its templates; nothing may leave the
    # machine or be framed.
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline' "
    "'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    # With none at all, browsers would send forms of our own pages from the origin "null".
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}


class RateLimit:
    """At most so many requests in any stretch of time, with room for a burst.

    Args:
        per_minute: that may come on and on.
        burst: that may come at once.
    """

    def __init__(self, *, per_minute: float, burst: int) -> None:
        self._per_second, self._burst = per_minute / 60, float(burst)
        self._left: dict[str, tuple[float, float]] = {}  # who -> (tokens, when)

    def allows(self, who: str) -> bool:
        """Whether one more request of this sender is within the limit; counts it."""
        now = time.monotonic()
        if len(self._left) > 10_000:
            self._left = {key: kept for key, kept in self._left.items() if now - kept[1] < 60}
        tokens, then = self._left.get(who, (self._burst, now))
        tokens = min(self._burst, tokens + (now - then) * self._per_second)
        self._left[who] = (max(tokens - 1, 0.0), now)
        return tokens >= 1


@dataclass
class Guard:
    """Stands before the application; one for a server.

    Attributes:
        app: behind it.
        uploads: which files were uploaded by whom.
        sessions: the open pages; the connection that each holds is told to them.
        logins: who is logged in; None where there are no accounts.
        is_local: whether the server listens to this machine alone.
        requests: how often anything but a page's own files may be asked for.
        attempts: how often somebody may try to log in.
        pages: Gradio's name of a page -> the account that opened it. Whoever knows the name may
            listen to what the page is told, so that it is good for one account.
    """

    app: ASGIApp
    uploads: UploadStore
    sessions: Sessions
    logins: Logins | None
    is_local: bool
    requests: RateLimit = field(default_factory=lambda: RateLimit(per_minute=600, burst=300))
    attempts: RateLimit = field(default_factory=lambda: RateLimit(per_minute=10, burst=10))
    pages: dict[str, str] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":  # the page uses no websocket
            await send({"type": "websocket.close", "code": 1008})
            return
        request = Request(scope, receive)
        send = _with_headers(send)
        refused = self._refuse(request)
        if refused is None and request.method == "POST" and not _is_upload(request):
            try:
                body = await _read(request, max_bytes=_MAX_BODY_BYTES)
            except ClientDisconnect:
                return
            refused = self._refuse_body(body, request)
            receive = _again(body or b"", receive)
        heart = _heart_of(request)
        if refused is not None or heart is None:
            await (refused or self.app)(scope, receive, send)
            return
        with self.sessions.connected(heart, owner=request.state.account):
            await self.app(scope, receive, send)

    def _refuse(self, request: Request) -> Response | None:
        """An answer to a request that does not get through, None for one that does."""
        path, headers = _path(request), request.headers
        if self.is_local and _host(headers) not in _LOOPBACK:
            return PlainTextResponse("This server answers to its own machine only.", 403)
        if request.method not in ("GET", "HEAD", "POST"):
            return PlainTextResponse("Method not allowed.", 405)
        # The page to log in has a policy by which browsers send its form from the origin "null".
        origin = headers.get("origin")
        is_login = path == "/login" and origin == "null"
        if origin is not None and not is_login and _netloc(origin) != headers.get("host"):
            return PlainTextResponse("Requests from other sites are refused.", 403)
        if headers.get("sec-fetch-site") == "cross-site" and request.method == "POST":
            return PlainTextResponse("Requests from other sites are refused.", 403)
        account = "" if self.logins is None else self.logins.account_of(request)
        request.scope.setdefault("state", {})["account"] = account or ""
        is_open_to_all = _OPEN_TO_ALL.fullmatch(path) is not None
        if not is_open_to_all and account is None:
            if path == "/" and request.method == "GET":
                return RedirectResponse("login", 303)
            return PlainTextResponse("Log in first.", 401)
        if not (is_open_to_all or _OPEN.fullmatch(path)) or _LEADS_ELSEWHERE.search(path):
            return PlainTextResponse("There is nothing here.", 404)
        who = account or (request.client.host if request.client else "")
        is_attempt = path.startswith("/login") and request.method == "POST"
        limit = self.attempts if is_attempt else self.requests
        is_file = path.startswith(("/assets/", "/static/", "/svelte/", "/coach/"))
        if not is_file and not limit.allows(who):
            return PlainTextResponse(
                "Too many requests; wait a minute.", 429, headers={"Retry-After": "60"}
            )
        if account and any(self._is_of_another(page, account) for page in _pages_of(request)):
            return PlainTextResponse(_OF_ANOTHER, 403)
        return None

    def _refuse_body(self, body: bytes | None, request: Request) -> Response | None:
        if body is None:
            return PlainTextResponse("The request is too large.", 413)
        if _path(request).startswith("/login"):
            return None
        owner = request.scope["state"]["account"]
        try:
            data = json.loads(body or b"{}")
            files = list(_files_in(data))
        except (ValueError, RecursionError):
            return PlainTextResponse("The request is no JSON.", 400)
        if isinstance(data, dict) and self._is_of_another(data.get("session_hash"), owner):
            return PlainTextResponse(_OF_ANOTHER, 403)
        if any(not self.uploads.holds(path, owner=owner) for path in files):
            return PlainTextResponse("A file of the request was not uploaded here.", 403)
        return None

    def _is_of_another(self, page: object, account: str) -> bool:
        """Whether another account opened a page; the first who names one opens it."""
        if not isinstance(page, str):
            return False
        if len(page) > _MAX_PAGE_LETTERS:
            return True
        if page not in self.pages and len(self.pages) >= _MAX_PAGES:
            del self.pages[next(iter(self.pages))]
        return self.pages.setdefault(page, account) != account


def _pages_of(request: Request) -> list[str]:
    """Gradio's names of the pages that a request asks about."""
    heart = _heart_of(request)
    return request.query_params.getlist("session_hash") if heart is None else [heart]


def _heart_of(request: Request) -> str | None:
    """The page that holds this connection as long as it is open; None of any other request."""
    before, _, name = _path(request).rstrip("/").rpartition("/heartbeat/")
    return name if before else None


def _path(request: Request) -> str:
    """By which the application chooses a route; a request's `url` follows from its headers, too."""
    return str(request.scope["path"])


def _is_upload(request: Request) -> bool:
    return _path(request).rstrip("/") == "/gradio_api/upload"


def _host(headers: Headers) -> str | None:
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname
    except ValueError:
        return None


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc or origin
    except ValueError:
        return origin


def _files_in(data: Any) -> Iterator[str]:
    """Paths of all that Gradio would take for a file, wherever in a payload it stands."""
    if isinstance(data, Mapping):
        path, meta = data.get("path"), data.get("meta")
        is_marked = isinstance(meta, Mapping) and str(meta.get("_type", "")).startswith("gradio.")
        if is_marked or isinstance(path, str):
            yield str(path)
        for value in data.values():
            yield from _files_in(value)
    elif isinstance(data, list):
        for value in data:
            yield from _files_in(value)


async def _read(request: Request, *, max_bytes: int) -> bytes | None:
    """The body, None where it is longer."""
    parts, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > max_bytes:
            return None
        parts.append(chunk)
    return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """Hand a body that was read to the application behind."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def _with_headers(send: Send) -> Send:
    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sent
