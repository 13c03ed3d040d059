from __future__ import annotations

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI, Request
from hypothesis import given
from hypothesis import strategies as st

from proskill.app.web.security import MAX_BODY_BYTES, RateLimiter, SecurityMiddleware


def ask(
    method: str = "POST",
    *,
    headers: dict[str, str] | None = None,
    bodies: tuple[bytes, ...] = (b"",),
) -> dict[str, Any]:
    """Send one request through the middleware into an application that echoes its body."""
    inner = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    inner.add_middleware(SecurityMiddleware)

    @inner.api_route("/", methods=["GET", "POST"])
    async def echo(request: Request) -> int:
        if request.headers.get("fail"):
            raise RuntimeError("secret of the inside")
        return len(await request.body())

    messages = [
        {"type": "http.request", "body": body, "more_body": place < len(bodies) - 1}
        for place, body in enumerate(bodies)
    ]
    answer: dict[str, Any] = {}

    async def receive() -> dict[str, Any]:
        return messages.pop(0)

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer["status"] = message["status"]
            answer["headers"] = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            answer["body"] = answer.get("body", b"") + message["body"]

    scope = {
        "type": "http", "method": method, "path": "/", "raw_path": b"/", "query_string": b"",
        "root_path": "", "scheme": "http", "http_version": "1.1", "server": ("here", 80),
        "client": ("127.0.0.1", 1),
        "headers": [
            (name.lower().encode(), value.encode())
            for name, value in {"Host": "here:8000", **(headers or {})}.items()
        ],
    }  # fmt: skip
    asyncio.run(inner(scope, receive, send))
    return answer


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://here"},
        {"Origin": "http://here:8001"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://here:8000@evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_cannot_change_anything(headers: dict[str, str]) -> None:
    assert ask(headers=headers)["status"] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://here:8000"},
        {"Origin": "https://HERE:8000"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_the_own_page_and_programs_may_post(headers: dict[str, str]) -> None:
    assert ask(headers=headers)["status"] == 200


def test_reading_needs_no_origin() -> None:
    assert ask("GET", headers={"Origin": "http://evil.example"})["status"] == 200


def test_every_answer_forbids_foreign_code_framing_and_guessing_of_types() -> None:
    for answer in (ask("GET"), ask(headers={"Origin": "null"}), ask(headers={"fail": "yes"})):
        policy = answer["headers"]["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer["headers"]["x-content-type-options"] == "nosniff"
        assert answer["headers"]["referrer-policy"] == "no-referrer"
        assert answer["headers"]["cache-control"] == "no-store"


def test_a_failure_of_the_server_says_nothing_about_its_inside() -> None:
    answer = ask(headers={"fail": "yes"})
    assert answer["status"] == 500
    assert b'"internal"' in answer["body"]
    assert b"secret" not in answer["body"]


@pytest.mark.parametrize("length", [str(MAX_BODY_BYTES + 1), "-1", "1e3", "9" * 40, "²"])
def test_a_body_announced_as_too_large_is_not_read(length: str) -> None:
    answer = ask(headers={"Content-Length": length}, bodies=())
    assert answer["status"] == 413


def test_a_body_that_grows_too_large_on_the_way_is_cut_off() -> None:
    piece = b"x" * (MAX_BODY_BYTES // 2)
    assert ask(bodies=(piece, piece))["status"] == 200
    assert ask(bodies=(piece, piece, b"x"))["status"] == 413


def test_a_bucket_empties_and_fills_again() -> None:
    now = [0.0]
    limiter = RateLimiter(rate=2, burst=3, clock=lambda: now[0])
    assert [limiter.take("a") for _ in range(4)] == [True, True, True, False]
    assert limiter.take("b")  # somebody else's
    now[0] = 0.5
    assert [limiter.take("a") for _ in range(2)] == [True, False]
    now[0] = 100.0
    assert [limiter.take("a") for _ in range(4)] == [True, True, True, False]


@given(st.lists(st.floats(0, 10), max_size=60))
def test_nobody_gets_more_than_the_burst_and_what_flowed_back(pauses: list[float]) -> None:
    now = [0.0]
    limiter = RateLimiter(rate=1, burst=5, clock=lambda: now[0])
    taken = 0
    for pause in pauses:
        now[0] += pause
        taken += limiter.take("a")
    assert taken <= 5 + now[0]


def test_many_names_do_not_fill_the_memory_and_forgive_nobody() -> None:
    limiter = RateLimiter(rate=1e-9, burst=1, clock=lambda: 0.0)
    for place in range(25_000):
        assert limiter.take(f"name {place}")
    assert not limiter.take("name 24999")
    assert len(limiter._buckets) <= limiter._MAX_BUCKETS
