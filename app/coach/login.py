"""Logging in: a page, and the accounts that cookies belong to."""

from __future__ import annotations

import secrets
import time

import anyio
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from ..web.security import SessionCookie
from .accounts import Accounts
from .rendering import coach_environment

_COOKIE = SessionCookie("proskill_login", 12 * 3600)


class Logins:
    """The accounts that are logged in on a server.

    Args:
        accounts: that may log in.
    """

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._at_a_time = anyio.CapacityLimiter(2)
        self._tokens: dict[str, tuple[str, float]] = {}  # cookie -> (account, until)

    def account_of(self, request: Request) -> str | None:
        """Return the account that a request comes from, None where it is not logged in."""
        account, until = self._tokens.get(_COOKIE.secret(request) or "", ("", 0.0))
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
        self._tokens[token] = (name, now + _COOKIE.seconds)
        answer = RedirectResponse("./", 303) if is_page else JSONResponse({"success": True})
        _COOKIE.give(answer, request, token)
        return answer

    async def log_out(self, request: Request) -> Response:
        """Forget the cookie here and in the browser."""
        self._tokens.pop(_COOKIE.secret(request) or "", None)
        answer = RedirectResponse("login", 303)
        _COOKIE.take_back(answer)
        return answer


def login_page(sentence: str = "") -> Response:
    """Return the page that asks for name and password."""
    template = coach_environment().get_template("login.html")
    return HTMLResponse(template.render(sentence=sentence), 401 if sentence else 200)
