"""Logging in: a page, a cookie that scripts cannot read, and who it belongs to."""

from __future__ import annotations

import secrets
import time
from functools import cache

import anyio
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from .accounts import Accounts

_COOKIE = "proskill_login"
_SECONDS = 12 * 3600


class Logins:
    """Who is logged in on a server.

    Args:
        accounts: that may log in.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._at_a_time = anyio.CapacityLimiter(2)
        self._tokens: dict[str, tuple[str, float]] = {}  # cookie -> (account, until)

    def account_of(self, request: Request) -> str | None:
        """The account that a request comes from, None where nobody is logged in."""
        account, until = self._tokens.get(request.cookies.get(_COOKIE, ""), ("", 0.0))
        return account if account and time.monotonic() < until else None

    async def log_in(self, request: Request) -> Response:
        """Answer name and password: a browser gets a page, a program JSON."""
        form = await request.form(max_files=0, max_fields=4, max_part_size=4096)
        name, password = str(form.get("username", "")), str(form.get("password", ""))
        is_page = "text/html" in request.headers.get("accept", "")
        # scrypt takes time and memory on purpose: in a thread, so that the others' pages go on, and
        # few at a time.
        is_right = await anyio.to_thread.run_sync(
            self._accounts.admits, name, password, limiter=self._at_a_time
        )
        if not is_right:
            sentence = "Name and password do not belong together."
            return login_page(sentence) if is_page else JSONResponse({"detail": sentence}, 400)
        now = time.monotonic()
        self._tokens = {key: kept for key, kept in self._tokens.items() if kept[1] > now}
        token = secrets.token_urlsafe(32)
        self._tokens[token] = (name, now + _SECONDS)
        answer = RedirectResponse("./", 303) if is_page else JSONResponse({"success": True})
        answer.set_cookie(
            _COOKIE,
            token,
            max_age=_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    def log_out(self, request: Request) -> Response:
        """Forget the cookie here and in the browser."""
        self._tokens.pop(request.cookies.get(_COOKIE, ""), None)
        answer = RedirectResponse("login", 303)
        answer.delete_cookie(_COOKIE)
        return answer


def login_page(sentence: str = "") -> Response:
    """The page that asks for name and password."""
    return HTMLResponse(_template().render(sentence=sentence), 401 if sentence else 200)


@cache
def _template():  # type: ignore[no-untyped-def]
    from .rendering import coach_environment

    return coach_environment().get_template("login.html")
