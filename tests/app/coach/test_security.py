"""What a stranger tries on a running server, over HTTP."""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import imageio_ffmpeg
import pytest

from proskill.app.coach.accounts import add_account
from waiting import wait_until

FILE = {"_type": "gradio.FileData"}
_NOT_UPLOADED = "A file of the request was not uploaded here."
SECRET = "the content of a file of this server"


@pytest.fixture
def client(coach_server: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=coach_server.url, timeout=60, trust_env=False) as made:
        yield made


@dataclass(frozen=True)
class Guarded:
    """A server with accounts, and the clients of three of them."""

    server: Any
    anna: httpx.Client
    ben: httpx.Client
    carl: httpx.Client


@pytest.fixture(scope="module")
def guarded(
    tmp_path_factory: pytest.TempPathFactory, start_coach: Callable[..., Any]
) -> Iterator[Guarded]:
    accounts = tmp_path_factory.mktemp("accounts") / "file"
    for name in ("anna", "ben", "carl"):
        add_account(accounts, name, f"password of {name}")
    with (
        start_coach("--auth", accounts) as server,
        closing(_login(server.url, "anna")) as anna,
        closing(_login(server.url, "ben")) as ben,
        closing(_login(server.url, "carl")) as carl,
    ):
        yield Guarded(server, anna, ben, carl)


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
    assert (answer.status_code, answer.text) == (403, _NOT_UPLOADED)


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
        ("POST", "/gradio_api/call/on_added"),
        ("GET", "/gradio_api/upload_progress?upload_id=a"),
        ("GET", "/pwa_icon/100000"),
        ("GET", "/coach/static/launch.py"),
        ("GET", "/coach/static/..%2Flaunch.py"),
        ("GET", "/coach/media/guess/a.mp4"),
    ],
)
def test_routes_that_the_page_does_not_need_are_closed(
    client: httpx.Client, method: str, path: str
) -> None:
    answer = client.request(method, path, files={"file": b"x"} if method == "POST" else None)
    assert answer.status_code == 404
    assert "root:" not in answer.text


def _raw(url: str, request: str) -> str:
    """The answer to a request that a well-behaved client would not send."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode())
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode(errors="replace")


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../../../../../../etc/passwd",
        "/static/..%2f..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/assets/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/svelte//etc/passwd",
        "//etc/passwd",
        "/static/..%5c..%5cetc%5cpasswd",
        "/coach/static/../launch.py",
        "/coach/media/../static/views.js",
    ],
)
def test_no_address_leads_out_of_the_folders_that_are_served(coach_server: Any, path: str) -> None:
    answer = _raw(coach_server.url, f"GET {path} HTTP/1.1\nHost: localhost\nConnection: close\n\n")
    assert answer.startswith("HTTP/1.1 404 ")
    assert "root:" not in answer


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


@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/call/score", "/login"])
def test_a_payload_over_the_limit_is_refused(client: httpx.Client, path: str) -> None:
    form = "application/x-www-form-urlencoded"
    answer = client.post(path, content=b"a=" + bytes(2_000_000), headers={"Content-Type": form})
    assert answer.status_code == 413


def test_a_form_of_too_many_files_is_refused_and_nothing_of_it_stays(
    client: httpx.Client, coach_server: Any
) -> None:
    files = [("files", (f"{number}.mp4", b"x")) for number in range(9)]
    with coach_server.keeping_nothing():
        answer = client.post("/gradio_api/upload", files=files)
        assert (answer.status_code, answer.text) == (400, "at most 8 files may be sent in one form")


def test_an_upload_that_breaks_off_leaves_nothing(coach_server: Any) -> None:
    before = coach_server.files()
    host, port = coach_server.url.removeprefix("http://").split(":")
    address = (host, int(port))
    with coach_server.keeping_nothing(), socket.create_connection(address, 30) as connection:
        connection.sendall(
            b"POST /gradio_api/upload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60000000\r\n"
            b"Content-Type: multipart/form-data; boundary=B\r\n\r\n--B\r\nContent-Disposition: "
            b'form-data; name="files"; filename="a.mp4"\r\n\r\n' + bytes(100_000)
        )
        wait_until(lambda: coach_server.files() - before)
    assert "Traceback" not in coach_server.log()


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
        ({"Origin": "null"}, "other sites"),
        ({"Origin": "http://["}, "other sites"),
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


def test_the_page_names_no_other_server_and_no_folder_of_its_own(
    client: httpx.Client, coach_server: Any
) -> None:
    page = client.get("/").text
    config = client.get("/config").json()
    assert str(coach_server.folder) not in page
    assert str(coach_server.folder) not in json.dumps(config)
    assert config["enable_queue"] is True
    assert "mcp_server" not in config or not config["mcp_server"]
    assert "coach/static/views.js" in page


def test_a_video_that_is_none_is_refused_in_one_sentence_and_nothing_stays(
    client: httpx.Client, coach_server: Any
) -> None:
    text = b"ffconcat version 1.0\nfile /etc/passwd\n"
    with coach_server.keeping_nothing():
        path = _upload(client, text, "-i evil;$(touch pwn) <b>.mp4")
        outcome = _outcome(client, _call_score(client, {"path": path, "meta": FILE}))
    message = json.loads(outcome.split("data: ", 1)[1])["error"]
    assert message.startswith("-i evil;$(touch pwn) <b>.mp4: ")
    assert str(coach_server.folder) not in message
    assert "Traceback" not in outcome
    assert "root:" not in outcome
    assert not (coach_server.folder / "pwn").exists()


@pytest.mark.parametrize("event", ["added", "reference"])
def test_an_event_of_the_page_cannot_name_a_file_that_was_not_uploaded(
    client: httpx.Client, event: str
) -> None:
    functions = client.get("/config").json()["dependencies"]
    [number] = [each["id"] for each in functions for _, name in each["targets"] if name == event]
    body = {
        "data": [], "fn_index": number, "session_hash": f"stranger-{event}",
        "event_data": {"path": "/etc/passwd", "row": "r1"},
    }  # fmt: skip
    answer = client.post("/gradio_api/queue/join", json=body)
    assert (answer.status_code, answer.text) == (403, _NOT_UPLOADED)


@pytest.mark.parametrize(
    "detail",
    [
        None, 5, "text", [1], {"rows": 5, "row": [], "id": {}, "alias": 7, "suffix": None},
        {"rows": [5, None, {"id": "no such"}], "row": {}, "id": [], "alias": {}, "suffix": ".exe"},
    ],
    ids=str,
)  # fmt: skip
def test_no_event_that_no_page_sends_makes_the_server_fail(
    guarded: Guarded, detail: object
) -> None:
    page = secrets.token_hex(8)
    functions = guarded.anna.get("/config").json()["dependencies"]
    events = [
        (each["id"], [None] * len(each["inputs"]), name)
        for each in functions
        for _, name in each["targets"]
        if each["queue"] is not False
    ]
    assert {"added", "score", "align", "wanted", "opened", "choose"} <= {
        name for *_, name in events
    }
    for number, data, _ in events:
        body = {"data": data, "fn_index": number, "session_hash": page, "event_data": detail}
        assert guarded.anna.post("/gradio_api/queue/join", json=body).status_code == 200
    with guarded.anna.stream("GET", f"/gradio_api/queue/data?session_hash={page}") as answer:
        ended = [line for line in answer.iter_lines() if "process_completed" in line]
    assert len(ended) == len(events)
    assert "Traceback" not in guarded.server.log()


def test_a_call_of_a_program_leaves_no_page_behind(client: httpx.Client, coach_server: Any) -> None:
    def pages() -> int:
        return len(list((coach_server.folder / "tmp").glob("proskill-app-*/sessions/*")))

    before = pages()
    for _ in range(3):
        outcome = _outcome(client, _call_score(client, "/etc/passwd"))
        assert "was not uploaded here" in outcome
    assert pages() == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ("color=s=16x16:r=1:d=700", "lasts longer than 10 minutes"),
        ("color=s=16x16:r=1000:d=2", "shows 1000 frames a second; at most 240 are allowed"),
        ("color=s=8192x4608:r=1:d=1", "8192x4608 pixels; at most 36 million pixels are allowed"),
    ],
)
def test_videos_beyond_the_limits_are_refused_in_one_sentence(
    client: httpx.Client, coach_server: Any, tmp_path: Path, arguments: str, sentence: str
) -> None:
    video = tmp_path / "beyond.mp4"
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-nostdin", "-f", "lavfi",
         "-i", arguments, "-c:v", "libx264", "-preset", "ultrafast", str(video)],
        check=True,
    )  # fmt: skip
    with coach_server.keeping_nothing():
        path = _upload(client, video.read_bytes(), "beyond.mp4")
        outcome = _outcome(client, _call_score(client, {"path": path, "meta": FILE}))
    message = json.loads(outcome.split("data: ", 1)[1])["error"]
    assert message.startswith("beyond.mp4: ")
    assert sentence in message
    assert "max_" not in message


@pytest.mark.parametrize("data", [[5, None], ["abc", None], [{"a": 1}, None], [[], 5], [[], [1]]])
def test_a_call_of_another_form_is_refused_in_one_sentence(
    client: httpx.Client, data: list[object]
) -> None:
    outcome = _outcome(client, client.post("/gradio_api/call/score", json={"data": data}))
    assert "/score takes a list of videos" in outcome


def test_more_views_than_are_scored_together_are_refused(
    client: httpx.Client, coach_server: Any
) -> None:
    with coach_server.keeping_nothing():
        files = [{"path": _upload(client), "meta": FILE} for _ in range(9)]
        answer = client.post("/gradio_api/call/score", json={"data": [files, None]})
        assert "at most 8 are scored together" in _outcome(client, answer)


@pytest.mark.parametrize("names", [["a", "a"], ["", "a"], ["x" * 41, "a"], ["a\nb", "a"], ["a"]])
def test_no_refusal_of_names_tells_a_folder_of_the_server(
    client: httpx.Client, coach_server: Any, names: list[str]
) -> None:
    files = [{"path": _upload(client), "meta": FILE} for _ in range(2)]
    answer = client.post("/gradio_api/call/score", json={"data": [files, names]})
    message = json.loads(_outcome(client, answer).split("data: ", 1)[1])["error"]
    assert "name" in message
    assert "/" not in message


def test_texts_that_name_other_files_or_addresses_open_none(client: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/a.ts"
        for text in (
            f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{address}\n#EXT-X-ENDLIST\n",
            "#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
            f'<?xml version="1.0"?><MPD type="static"><BaseURL>{address}</BaseURL></MPD>',
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
        ):
            path = _upload(client, text.encode(), "clip.mp4")
            outcome = _outcome(client, _call_score(client, {"path": path, "meta": FILE}))
            assert "clip.mp4: is a" in outcome
            assert "root:" not in outcome
        with pytest.raises(TimeoutError):
            listener.accept()


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


@pytest.mark.parametrize("host", ["127.0.0.1/login?x=", "127.0.0.1/login#", "login", ""])
def test_no_host_header_makes_one_address_pass_for_another(guarded: Guarded, host: str) -> None:
    request = f"GET /config HTTP/1.1\nHost: {host}\nConnection: close\n\n"
    assert _raw(guarded.server.url, request).split(" ")[1] in ("400", "401", "403")


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
    for file in ({"path": path, "meta": FILE}, {"path": path}):
        assert _call_score(guarded.ben, file).status_code == 403
    outcome = _outcome(guarded.ben, _call_score(guarded.ben, path))
    assert "was not uploaded here" in outcome
    assert Path(path).exists()  # and it is still there for its owner


def test_another_accounts_page_can_neither_be_listened_to_nor_spoken_for(guarded: Guarded) -> None:
    event = {"data": [], "fn_index": 0, "session_hash": "page-of-anna"}
    assert guarded.anna.post("/gradio_api/queue/join", json=event).status_code == 200
    for answer in (
        guarded.ben.post("/gradio_api/queue/join", json=event),
        guarded.ben.get("/gradio_api/queue/data?session_hash=page-of-anna"),
        guarded.ben.get("/gradio_api/queue/data?session_hash=page-of-anna&session_hash=mine"),
        guarded.ben.get("/gradio_api/heartbeat/page-of-anna"),
        guarded.ben.get("/gradio_api/heartbeat/page-of-anna/"),
        guarded.ben.post("/gradio_api/cancel", json={**event, "event_id": "x"}),
        guarded.ben.post("/gradio_api/queue/join", json={**event, "session_hash": "x" * 65}),
    ):
        assert answer.status_code == 403
        assert answer.text == "That page was opened by another account; reload it."


def test_one_account_cannot_fill_the_disk_and_others_go_on(guarded: Guarded) -> None:
    for _ in range(16):
        _upload(guarded.carl)
    answer = guarded.carl.post("/gradio_api/upload", files={"files": ("a.mp4", b"x")})
    assert (answer.status_code, answer.text) == (
        400,
        "too many uploads wait to be used; use or wait for those first",
    )
    _upload(guarded.ben)


def test_one_account_cannot_keep_the_server_busy_and_others_go_on(guarded: Guarded) -> None:
    answers = [guarded.carl.get("/gradio_api/login_check").status_code for _ in range(350)]
    assert answers[0] == 200
    assert answers[-1] == 429
    assert guarded.ben.get("/gradio_api/login_check").status_code == 200


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
