"""The layer between the network and the routes: headers, origin, sizes, rates, cookies, refusals.

Nothing here knows campaigns, videos or accounts: who may use a route is decided behind it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from proskill.errors import ProskillError

E = TypeVar("E", bound=ProskillError)

_LOGGER = logging.getLogger(__name__)

# The largest body an annotator's page sends: a vote with its reason, or a note on a clip.
MAX_BODY_BYTES: Final = 16 * 1024

# A body that trickles in must not keep its connection open for ever.
_BODY_SECONDS: Final = 20.0

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_EVERYWHERE: Final = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}

# Of pages whose scripts and styles are all files of ours.
STRICT_HEADERS: Final = {
    **_EVERYWHERE,
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; media-src 'self' blob:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cache-control": "no-store",
}

# Gradio's page needs inline scripts and evaluates its templates; nothing may leave the machine.
GRADIO_HEADERS: Final = {
    **_EVERYWHERE,
    "content-security-policy": "default-src 'self'; script-src 'self' 'unsafe-inline' "
    "'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "media-src 'self' blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
    # With "no-referrer", browsers would send forms of our own pages from the origin "null".
    "referrer-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
}


class RefusedRequest(HTTPException):
    """A request that is answered by an error.

    Args:
        status: of HTTP.
        code: for programs.
        message: one plain sentence for people.
        retry_seconds: when to ask again, of a refusal that passes.
        extra: more fields of a JSON answer.
    """

    def __init__(
        self, status: int, code: str, message: str, *, retry_seconds: int = 0, **extra: Any
    ) -> None:
        headers = {"retry-after": str(retry_seconds)} if retry_seconds else None
        super().__init__(status, message, headers)
        self.code, self.extra = code, extra

    def __str__(self) -> str:
        return self.detail


Answer = Callable[[Request, RefusedRequest], Coroutine[Any, Any, Response]]
Handlers = dict[int | type[Exception], Callable[[Request, Any], Coroutine[Any, Any, Response]]]


async def as_json(request: Request, refusal: RefusedRequest) -> Response:
    """Answer a page that reads JSON."""
    content = {"code": refusal.code, "message": str(refusal), **refusal.extra}
    return JSONResponse(content, refusal.status_code, refusal.headers)


async def as_text(request: Request, refusal: RefusedRequest) -> Response:
    """Answer a page that shows the sentence as it is."""
    return PlainTextResponse(str(refusal), refusal.status_code, refusal.headers)


def error_handlers(answer: Answer, kind: type[E], status_of: Callable[[E], int]) -> Handlers:
    """Return handlers that turn refused requests and errors into plain sentences.

    Args:
        answer: makes the answer.
        kind: of errors whose message is for the page; their `code`, if any, is told as well.
        status_of: error -> status of HTTP.
    """

    async def refuse(request: Request, error: E) -> Response:
        code = getattr(error, "code", "invalid")
        return await answer(request, RefusedRequest(status_of(error), code, str(error)))

    return {RefusedRequest: answer, kind: refuse}


class SecurityMiddleware:
    """Refuses requests that come from other sites or are too large; every answer gets its headers.

    A `RefusedRequest` raised behind it becomes an answer here, as does any other failure.

    Args:
        app: behind it.
        headers: of every answer; "cache-control" gives way to what the application says.
        answer: makes the answer to a refused request.
        max_body_bytes: of one request.
        streamed: paths whose route bounds the body itself.
        checks_reads: refuse reading, too, where the browser names another site as its origin.
        null_origin: paths that browsers post to from the origin "null".
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        headers: Mapping[str, str] = STRICT_HEADERS,
        answer: Answer = as_json,
        max_body_bytes: int = MAX_BODY_BYTES,
        streamed: Collection[str] = (),
        checks_reads: bool = False,
        null_origin: Collection[str] = (),
    ) -> None:
        self._app, self._headers, self._answer = app, headers, answer
        self._max_body_bytes, self._streamed = max_body_bytes, streamed
        self._checks_reads, self._null_origin = checks_reads, null_origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no page uses a websocket
            await send({"type": "websocket.close", "code": 1008})
            return

        has_begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    if name != "cache-control" or name not in headers:
                        headers[name] = value
            await send(message)

        try:
            await self._app(scope, self._checked(scope, receive), send_with_headers)
            return
        except ClientDisconnect:
            return
        except RefusedRequest as error:
            refusal = error
        except Exception:
            _LOGGER.exception("%s failed", scope["method"])  # without addresses, which are secrets
            if has_begun:
                raise
            refusal = RefusedRequest(
                500, "internal", "The server made a mistake; try again, and tell the organiser."
            )
        response = await self._answer(Request(scope), refusal)
        await response(scope, receive, send_with_headers)

    def _checked(self, scope: Scope, receive: Receive) -> Receive:
        """Refuse what is wrong with the head of a request; return its bounded body."""
        headers, path = Headers(scope=scope), scope["path"].rstrip("/")
        is_write = scope["method"] not in _SAFE_METHODS
        is_own = _is_same_origin(headers) or (
            headers.get("origin") == "null" and path in self._null_origin
        )
        if (is_write or (self._checks_reads and "origin" in headers)) and not is_own:
            raise RefusedRequest(
                403,
                "other_origin",
                "Requests from other sites are refused; open the page by its own address.",
            )
        if path in self._streamed:
            return receive
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > self._max_body_bytes:
            raise self._too_large()
        return self._limited(receive)

    def _limited(self, receive: Receive) -> Receive:
        """Cut the body off where it grows too large or takes too long."""
        num_bytes, is_whole = 0, False

        async def limited() -> Message:
            nonlocal num_bytes, is_whole
            if is_whole:  # what follows is the wait for the client to go
                return await receive()
            try:
                async with asyncio.timeout(_BODY_SECONDS):
                    message = await receive()
            except TimeoutError:
                raise RefusedRequest(
                    408, "too_slow", "The request took too long to arrive; send it again."
                ) from None
            if message["type"] == "http.request":
                num_bytes += len(message.get("body", b""))
                is_whole = not message.get("more_body", False)
            if num_bytes > self._max_body_bytes:
                raise self._too_large()
            return message

        return limited

    def _too_large(self) -> RefusedRequest:
        limit = self._max_body_bytes
        message = f"The request is larger than {limit} bytes; shorten its texts."
        return RefusedRequest(413, "too_large", message)


def _is_same_origin(headers: Headers) -> bool:
    """Return whether no other site sent this; programs that are no browser send neither header."""
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
    try:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""
    except ValueError:
        return False


@dataclass(frozen=True)
class SessionCookie:
    """A cookie that scripts and other sites cannot reach; its value is a secret.

    Attributes:
        name: of the cookie.
        seconds: after which the browser forgets it.
    """

    name: str
    seconds: int

    def secret(self, request: Request) -> str | None:
        """Return what the browser sent, None where it sent nothing."""
        return request.cookies.get(self.name)

    def give(self, response: Response, request: Request, secret: str) -> None:
        """Hand the secret to the browser that sent a request."""
        response.set_cookie(
            self.name,
            secret,
            max_age=self.seconds,
            path="/",
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )

    def take_back(self, response: Response) -> None:
        """Let the browser forget it."""
        response.delete_cookie(self.name, path="/", httponly=True, samesite="strict")


@dataclass
class _Bucket:
    tokens: float
    filled_at: float


class RateLimiter:
    """Token buckets by name, in memory: each server process has its own.

    Args:
        rate: tokens that come back per second.
        burst: capacity of a bucket.
        clock: seconds that never go back.
    """

    # Names beyond this many make room by forgetting the full buckets, which lose nothing by it.
    _MAX_BUCKETS: Final = 10_000

    def __init__(
        self, *, rate: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._buckets: dict[str, _Bucket] = {}

    def take(self, name: str) -> bool:
        """Take one token; return whether there was one."""
        now = self._clock()
        bucket = self._buckets.get(name)
        if bucket is None:
            if len(self._buckets) >= self._MAX_BUCKETS:
                self._forget_full(now)
            bucket = self._buckets[name] = _Bucket(self._burst, now)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.filled_at) * self._rate)
        bucket.filled_at = now
        if bucket.tokens < 1:
            return False
        bucket.tokens -= 1
        return True

    def _forget_full(self, now: float) -> None:
        whole = self._burst / self._rate
        kept = {k: b for k, b in self._buckets.items() if now - b.filled_at < whole}
        # When all are in use, the oldest half goes: memory is worth more than their counts.
        self._buckets = dict(list(kept.items())[-self._MAX_BUCKETS // 2 :])


def address_of(request: Request) -> str:
    """Return the network address that a request came from."""
    return request.client.host if request.client else ""
