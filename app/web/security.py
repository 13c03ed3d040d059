"""What stands between the network and the routes: headers, origin, sizes, rates.

Nothing here knows campaigns or votes. Who may use a route is decided by `sessions`.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LOGGER = logging.getLogger(__name__)

# The largest body there is: a vote with its reason, or a note on a clip.
MAX_BODY_BYTES: Final = 16 * 1024

# A body that trickles in must not hold its connection for ever.
_BODY_SECONDS: Final = 20.0

_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_HEADERS: Final = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data:; media-src 'self' blob:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


class RefusedRequest(Exception):
    """A request that gets an error as its answer.

    Args:
        status: of HTTP.
        code: what a page tells apart.
        message: one plain sentence for people.
        extra: more fields of the answer.
    """

    def __init__(self, status: int, code: str, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.extra = status, code, message, extra

    def response(self) -> JSONResponse:
        """The answer."""
        answer = JSONResponse(
            {"code": self.code, "message": self.message, **self.extra}, status_code=self.status
        )
        if self.status == 429:
            answer.headers["retry-after"] = "1"
        return answer


class SecurityMiddleware:
    """Turns away what comes from other sites or is too large; every answer gets its headers.

    Failures of the application end here as well, so that their answers are no exception.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # there is nothing but HTTP, and the lifespan of the server
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        has_begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = _refusal(scope)
        if refusal is not None:
            await refusal.response()(scope, receive, send_with_headers)
            return
        try:
            await self._app(scope, _limited(receive), send_with_headers)
        except Exception:
            _LOGGER.exception("%s failed", scope["method"])  # without addresses, which are secrets
            if has_begun:
                raise
            failure = RefusedRequest(
                500, "internal", "The server made a mistake; try again, and tell the organiser."
            )
            await failure.response()(scope, receive, send_with_headers)


def _refusal(scope: Scope) -> RefusedRequest | None:
    """What is wrong with a request that can be seen before its body is read."""
    headers = Headers(scope=scope)
    if scope["method"] not in _SAFE_METHODS and not _is_same_origin(headers):
        return RefusedRequest(
            403,
            "other_origin",
            "This request comes from another site; open the campaign by its own link.",
        )
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdigit()) or int(length) > MAX_BODY_BYTES:
        return _too_large()
    return None


def _is_same_origin(headers: Headers) -> bool:
    """Whether no other site's page sent this; programs that are no browser send neither header."""
    origin = headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""
    return headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def _too_large() -> RefusedRequest:
    return RefusedRequest(
        413, "too_large", f"The request is larger than {MAX_BODY_BYTES} bytes; shorten its texts."
    )


def _limited(receive: Receive) -> Receive:
    """The same body, cut off where it grows too large or takes too long."""
    num_bytes, is_whole = 0, False

    async def limited() -> Message:
        nonlocal num_bytes, is_whole
        if is_whole:  # what follows is the wait for the client to go
            return await receive()
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408) from None
        if message["type"] == "http.request":
            num_bytes += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
        if num_bytes > MAX_BODY_BYTES:
            raise HTTPException(413)
        return message

    return limited


@dataclass
class _Bucket:
    tokens: float
    filled_at: float


class RateLimiter:
    """Token buckets by name, in memory: each server process has its own.

    Args:
        rate: tokens that come back per second.
        burst: how many a full bucket holds.
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
        """Take one token, and say whether there was one."""
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
