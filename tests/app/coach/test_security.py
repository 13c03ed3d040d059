"""What a stranger tries on a running server, over HTTP."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from proskill.app.coach.accounts import add_account

FILE = {"_type": "gradio.FileData"}
SECRET = "the content of a file of this server"


@pytest.fixture
def client(coach_server: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=coach_server.url, timeout=60, trust_env=False) as made:
        yield made


@dataclass(frozen=True)
class Guarded:
    """A server with accounts, and the clients of two of them."""

    server: Any
    anna: httpx.Client
    ben: httpx.Client


@pytest.fixture(scope="module")
def guarded(
    tmp_path_factory: pytest.TempPathFactory, start_coach: Callable[..., Any]
) -> Iterator[Guarded]:
    accounts = tmp_path_factory.mktemp("accounts") / "file"
    for name in ("anna", "ben"):
        add_account(accounts, name, f"password of {name}")
    with (
        start_coach("--auth", accounts) as server,
        closing(_login(server.url, "anna")) as anna,
        closing(_login(server.url, "ben")) as ben,
    ):
        yield Guarded(server, anna, ben)


def _login(url: str, name: str) -> httpx.Client:
    client = httpx.Client(base_url=url, timeout=60, trust_env=False)
    form = {"username": name, "password": f"password of {name}"}
    assert client.post("/login", data=form).json() == {"success": True}
    return client


def _upload(client: httpx.Client, content: bytes = b"x", name: str = "a.mp4") -> str:
    answer = client.post("/gradio_api/upload", files={"files": (name, content)})
    assert answer.status_code == 200, answer.text
    [path] = answer.json()
    return str(path)


def _call_score(client: httpx.Client, file: object) -> httpx.Response:
    return client.post("/gradio_api/call/score", json={"data": [[file], None]})


def _outcome(client: httpx.Client, answer: httpx.Response) -> str:
    """What the event of an accepted call ends with."""
    assert answer.status_code == 200, answer.text
    return client.get(f"/gradio_api/call/score/{answer.json()['event_id']}").text


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "http://127.0.0.1:9/x", ""])
def test_a_payload_cannot_name_a_file_that_was_not_uploaded(
    client: httpx.Client, path: str
) -> None:
    answer = _call_score(client, {"path": path, "meta": FILE})
    assert (answer.status_code, answer.text) == (
        403,
        "A file of the request was not uploaded here.",
    )


def test_a_payload_cannot_name_a_file_of_the_server_by_other_keys(
    client: httpx.Client, coach_server: Any
) -> None:
    secret = coach_server.folder / "tmp" / "secret.mp4"
    secret.write_text(SECRET)
    for file in (
        {"path": str(secret)},
        str(secret),
        {"path": str(secret), "meta": {"_type": "gradio.filedata"}},
        {"url": f"{coach_server.url}/x", "path": None},
    ):
        answer = _call_score(client, file)
        outcome = answer.text if answer.status_code == 403 else _outcome(client, answer)
        assert "was not uploaded here" in outcome
        assert SECRET not in outcome
    secret.unlink()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/gradio_api/process_recording"),
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", "/gradio_api/file/etc/passwd"),
        ("HEAD", "/gradio_api/file=/etc/passwd"),
        ("GET", "/gradio_api/proxy=https://example.org/"),
        ("POST", "/gradio_api/component_server"),
        ("POST", "/gradio_api/stream/abc"),
        ("GET", "/gradio_api/stream/a/b/1/playlist.m3u8"),
        ("POST", "/gradio_api/run/score"),
        ("POST", "/gradio_api/api/score"),
        ("POST", "/gradio_api/vibe-edit"),
        ("GET", "/gradio_api/vibe-code"),
        ("GET", "/gradio_api/deep_link"),
        ("GET", "/gradio_api/dev/reload"),
        ("GET", "/gradio_api/runs"),
        ("GET", "/gradio_api/token"),
        ("GET", "/gradio_api/custom_component/1/client/component/index.js"),
        ("GET", "/monitoring"),
        ("GET", "/monitoring/summary"),
        ("GET", "/gradio_api/openapi.json"),
        ("GET", "/coach/static/coach.py"),
        ("GET", "/coach/static/..%2Fcoach.py"),
        ("GET", "/coach/media/guess/a.mp4"),
    ],
)
def test_routes_that_the_page_does_not_need_are_closed(
    client: httpx.Client, method: str, path: str
) -> None:
    answer = client.request(method, path, files={"file": b"x"} if method == "POST" else None)
    assert answer.status_code == 404
    assert "root:" not in answer.text


def test_an_upload_cannot_be_fetched_back(client: httpx.Client) -> None:
    path = _upload(client, SECRET.encode())
    for address in (f"/gradio_api/file={path}", f"/gradio_api/file{path}", f"/file={path}"):
        assert client.get(address).status_code == 404


def test_only_the_one_endpoint_is_offered_to_programs(client: httpx.Client) -> None:
    assert list(client.get("/gradio_api/info").json()["named_endpoints"]) == ["/score"]


def test_an_upload_over_the_limit_is_refused_before_it_is_sent(coach_server: Any) -> None:
    host, port = coach_server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            b"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 600000000\r\n"
            b"Content-Type: multipart/form-data; boundary=B\r\n\r\n--B\r\n"
        )
        assert connection.recv(200).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("size", [2_000_000])
def test_a_payload_over_the_limit_is_refused(client: httpx.Client, size: int) -> None:
    answer = client.post("/gradio_api/queue/join", json={"data": ["x" * size]})
    assert answer.status_code == 413


def test_what_is_no_json_is_refused(client: httpx.Client) -> None:
    nested = "[" * 200_000
    for body in ("{", nested, "\xff"):
        answer = client.post("/gradio_api/queue/join", content=body.encode("latin-1"))
        assert answer.status_code == 400


@pytest.mark.parametrize(
    ("headers", "sentence"),
    [
        ({"Host": "evil.example"}, "its own machine only"),
        ({"Origin": "https://evil.example"}, "other sites"),
        ({"Sec-Fetch-Site": "cross-site"}, "other sites"),
    ],
)
def test_other_sites_cannot_use_a_visitors_browser(
    client: httpx.Client, headers: dict[str, str], sentence: str
) -> None:
    answer = client.post("/gradio_api/queue/join", json={}, headers=headers)
    assert answer.status_code == 403
    assert sentence in answer.text


def test_every_answer_keeps_browsers_from_loading_or_telling_anything_elsewhere(
    client: httpx.Client,
) -> None:
    for path in ("/", "/coach/static/look.css", "/gradio_api/file=/x"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "http" not in policy


def test_the_page_names_no_other_server(client: httpx.Client) -> None:
    page = client.get("/").text
    config = client.get("/config").json()
    assert config["enable_queue"] is True
    assert "mcp_server" not in config or not config["mcp_server"]
    assert "coach/static/views.js" in page


def test_a_video_that_is_none_is_refused_in_one_sentence_and_nothing_stays(
    client: httpx.Client, coach_server: Any
) -> None:
    before = len(coach_server.files())
    text = b"ffconcat version 1.0\nfile /etc/passwd\n"
    path = _upload(client, text, "-i evil;$(touch pwn) <b>.mp4")
    outcome = _outcome(client, _call_score(client, {"path": path, "meta": FILE}))
    message = json.loads(outcome.split("data: ", 1)[1])["error"]
    assert message.startswith("-i evil;$(touch pwn) <b>.mp4: ")
    assert str(coach_server.folder) not in message
    assert "Traceback" not in outcome
    assert "root:" not in outcome
    assert len(coach_server.files()) == before
    assert not (coach_server.folder / "pwn").exists()


def test_without_an_account_nothing_but_the_login_page_answers(guarded: Guarded) -> None:
    with httpx.Client(base_url=guarded.server.url, timeout=60, trust_env=False) as stranger:
        assert stranger.get("/").headers["location"] == "login"
        assert "Password" in stranger.get("/login").text
        for path in ("/config", "/gradio_api/info", "/gradio_api/heartbeat/abc", "/theme.css",
                     "/gradio_api/queue/data?session_hash=abc", "/coach/media/a/b.mp4",
                     "/gradio_api/app_id", "/manifest.json"):  # fmt: skip
            assert stranger.get(path).status_code == 401, path
        for path in ("/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/cancel",
                     "/gradio_api/reset", "/gradio_api/process_recording"):  # fmt: skip
            answer = stranger.post(path, files={"files": ("a.mp4", b"x")})
            assert answer.status_code == 401, path


def test_the_login_cookie_is_out_of_reach_of_scripts_and_other_sites(guarded: Guarded) -> None:
    form = {"username": "ben", "password": "password of ben"}
    with httpx.Client(base_url=guarded.server.url, timeout=60, trust_env=False) as browser:
        answer = browser.post("/login", data=form, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "./")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


def test_another_accounts_upload_cannot_be_used(guarded: Guarded) -> None:
    path = _upload(guarded.anna)
    answer = _call_score(guarded.ben, {"path": path, "meta": FILE})
    assert answer.status_code == 403
    outcome = _outcome(guarded.ben, _call_score(guarded.ben, {"path": path}))
    assert "was not uploaded here" in outcome
    assert Path(path).exists()  # and it is still there for its owner


def test_logging_out_ends_what_the_cookie_was_good_for(guarded: Guarded) -> None:
    cookies = dict(guarded.anna.cookies)
    assert guarded.anna.get("/logout").headers["location"] == "login"
    with httpx.Client(base_url=guarded.server.url, cookies=cookies, trust_env=False) as thief:
        assert thief.get("/config").status_code == 401


def test_a_wrong_password_lets_nobody_in_and_guessing_is_slowed_down(guarded: Guarded) -> None:
    with httpx.Client(base_url=guarded.server.url, timeout=60, trust_env=False) as stranger:
        answers = [
            stranger.post("/login", data={"username": "anna", "password": f"guess {number}"})
            for number in range(14)
        ]
        assert answers[0].status_code == 400
        assert answers[-1].status_code == 429
        assert not any("set-cookie" in answer.headers for answer in answers)
        assert stranger.get("/config").status_code == 401
