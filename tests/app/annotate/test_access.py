from __future__ import annotations

import json
import re
import socket
import time
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest

from proskill.annotation.db.store import CampaignStore
from proskill.annotation.records import Role
from proskill.app.annotate.server import create_app
from proskill.app.annotate.sessions import cookie_name
from proskill.app.web.security import MAX_BODY_BYTES
from proskill.cli.main import main

PAGES = Path(str(files("proskill.app"))) / "annotate" / "static"


@pytest.fixture
def campaign(new_campaign: Any) -> CampaignStore:
    store: CampaignStore = new_campaign()
    return store


@pytest.fixture
def annotator(campaign: CampaignStore, serve: Any, visit: Any) -> Any:
    return visit(serve(campaign.folder).url, campaign.invite("Ada", now=time.time()))


@pytest.fixture
def organiser(campaign: CampaignStore, annotator: Any, visit: Any) -> Any:
    token = campaign.invite("Olga", role="organiser", now=time.time())
    return visit(str(annotator.http.base_url), token)


def cookies_of(campaign: CampaignStore) -> dict[str, str]:
    """Role -> the name of its cookie."""
    return {role: cookie_name(campaign.public_id(), role) for role in get_args(Role)}


def routes(campaign: CampaignStore) -> list[tuple[str, str]]:
    """Method and address of every route but the login."""
    example = {"clip": "f" * 24, "lease": "f" * 24, "annotator_id": "1", "flag_id": "1"}
    paths = create_app(campaign).openapi()["paths"]
    return [
        (method.upper(), path.format(**example))
        for path, methods in paths.items()
        for method in methods
        if path != "/api/session"
    ]


def test_without_a_link_no_route_gives_anything(campaign: CampaignStore, annotator: Any) -> None:
    assert len(routes(campaign)) >= 11
    names = cookies_of(campaign)
    for cookies in ({}, dict.fromkeys(names.values(), "guess"), {names["annotator"]: "é"}):
        with httpx.Client(base_url=annotator.http.base_url, trust_env=False) as stranger:
            for method, path in routes(campaign):
                cookie = "; ".join(f"{k}={v}" for k, v in cookies.items()).encode()
                answer = stranger.request(method, path, json={}, headers={b"cookie": cookie})
                assert answer.status_code == 401, (method, path)
                assert answer.json()["code"] == "no_session"


def test_each_role_has_its_own_routes(
    campaign: CampaignStore, annotator: Any, organiser: Any
) -> None:
    names = cookies_of(campaign)
    tokens = {"annotator": annotator.token, "organiser": organiser.token}
    for method, path in routes(campaign):
        if path.startswith("/clips/"):
            continue
        wrong = "annotator" if path.startswith("/api/organiser") else "organiser"
        # An honest cookie is not looked at; one under the other role's name is seen through.
        for name in names.values():
            status = 401 if name == names[wrong] else 403
            answer = httpx.request(
                method, annotator.http.base_url.join(path), json={}, trust_env=False,
                headers={"cookie": f"{name}={tokens[wrong]}"},
            )  # fmt: skip
            assert answer.status_code == status, (method, path, name)


def test_a_revoked_link_is_dead_at_once_and_a_new_one_replaces_it(
    campaign: CampaignStore, annotator: Any, organiser: Any, visit: Any
) -> None:
    lease = annotator.work()["current"]["lease"]
    (row,) = [row for row in campaign.annotators() if row.name == "Ada"]
    answer = organiser.http.post(f"/api/organiser/annotators/{row.id}", json={"revoked": True})
    assert answer.status_code == 200
    assert annotator.http.get("/api/work").status_code == 401
    assert annotator.vote(lease).status_code == 401
    link = organiser.http.post("/api/organiser/annotators", json={"name": "Ada"}).json()["link"]
    again = visit(str(annotator.http.base_url), link.split("#t=")[1])
    assert again.work()["annotator"]["name"] == "Ada"
    campaign.invite("Ada", now=time.time())  # by another process
    assert again.http.get("/api/work").status_code == 401


def test_the_database_knows_links_by_their_hash_alone(
    campaign: CampaignStore, annotator: Any
) -> None:
    token = annotator.token
    assert len(token) >= 40
    annotator.vote(annotator.work()["current"]["lease"])
    for path in campaign.folder.rglob("*"):
        assert path.is_dir() or token.encode() not in path.read_bytes()


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(annotator: Any) -> None:
    cookie = annotator.login.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie


def test_behind_https_the_cookie_travels_over_https_alone(annotator: Any) -> None:
    # The proxy is on this machine; nobody from elsewhere is believed.
    for address, is_secure in (("127.0.0.1", True), ("127.0.0.2", False)):
        transport = httpx.HTTPTransport(local_address=address)
        with httpx.Client(base_url=annotator.http.base_url, transport=transport) as http:
            answer = http.post(
                "/api/session",
                json={"token": annotator.token},
                headers={"X-Forwarded-Proto": "https"},
            )
        assert ("Secure" in answer.headers["set-cookie"].split("; ")) == is_secure


def test_one_browser_works_in_two_campaigns_of_one_host(
    new_campaign: Any, serve: Any, visit: Any
) -> None:
    """Cookies know hosts and no ports."""
    stores = [new_campaign(), new_campaign()]
    urls = [serve(store.folder).url for store in stores]
    assert {httpx.URL(url).host for url in urls} == {"127.0.0.1"}
    http = visit(urls[0], "nobody's").http
    for role in get_args(Role):
        for store, url in zip(stores, urls, strict=True):
            token = store.invite(f"the {role}", role=role, now=time.time())
            assert http.post(f"{url}/api/session", json={"token": token}).status_code == 200
    asked = []
    for url in urls * 2:
        assert http.get(f"{url}/api/organiser/summary").status_code == 200
        asked.append(http.get(f"{url}/api/work").json()["current"]["lease"])
    assert asked[:2] == asked[2:]
    assert len(set(asked)) == 2
    http.delete(f"{urls[0]}/api/session")
    assert [http.get(f"{url}/api/work").status_code for url in urls] == [401, 200]
    for cookie in http.cookies.jar:
        assert stores[1].public_id() in cookie.name
        assert all(clip.public_id not in cookie.name for clip in stores[1].clips())


def test_logging_out_takes_the_cookie_back(annotator: Any) -> None:
    assert annotator.http.delete("/api/session").status_code == 200
    assert annotator.http.get("/api/work").status_code == 401


def test_a_post_of_another_site_changes_nothing(campaign: CampaignStore, annotator: Any) -> None:
    lease = annotator.work()["current"]["lease"]
    annotator.http.headers["origin"] = "http://evil.example"
    assert annotator.vote(lease).json()["code"] == "other_origin"
    assert campaign.vote_log() == []
    annotator.http.headers["origin"] = str(annotator.http.base_url).rstrip("/")
    assert annotator.vote(lease).status_code == 200


def test_a_form_cannot_post_a_vote(annotator: Any) -> None:
    body = json.dumps({"clip": "f" * 24, "reason": "other"})
    for content_type in ("text/plain", "application/x-www-form-urlencoded", None):
        headers = {} if content_type is None else {"content-type": content_type}
        answer = annotator.http.post("/api/flags", content=body, headers=headers)
        assert answer.status_code == 422


def test_a_huge_body_is_refused(annotator: Any) -> None:
    answer = annotator.vote(annotator.work()["current"]["lease"], reason="x" * MAX_BODY_BYTES)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

    def endless() -> Any:
        for _ in range(3):
            yield b"[" * (MAX_BODY_BYTES // 2)

    answer = annotator.http.post(
        "/api/flags", content=endless(), headers={"content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_who_asks_too_fast_has_to_wait_and_nobody_else_does(
    campaign: CampaignStore, annotator: Any, visit: Any
) -> None:
    ben = visit(str(annotator.http.base_url), campaign.invite("Ben", now=time.time()))
    clip = "/clips/" + "f" * 24
    started = time.monotonic()
    answers = [annotator.http.get(clip) for _ in range(400)]
    seconds = time.monotonic() - started
    assert sum(answer.status_code == 404 for answer in answers) <= 120 + 30 * seconds + 1
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused[0].json()["code"] == "too_fast"
    assert float(refused[0].headers["retry-after"]) >= 1
    assert ben.work()["current"] is not None


def test_links_cannot_be_guessed_fast(annotator: Any) -> None:
    with httpx.Client(base_url=annotator.http.base_url, trust_env=False) as stranger:
        codes = [
            stranger.post("/api/session", json={"token": f"guess {place}"}).status_code
            for place in range(100)
        ]
    assert codes[0] == 401
    assert codes[-1] == 429
    assert annotator.work()["current"] is not None  # from the same address


@pytest.mark.parametrize(
    "path",
    [
        "/clips/../campaign.sqlite",
        "/clips/..%2fcampaign.sqlite",
        "/clips/%2e%2e/campaign.json",
        "/clips//etc/passwd",
        "/clips/1",
        "/static/../coach.py",
        "/static/..%2f__init__.py",
        "/static/%2e%2e/%2e%2e/pyproject.toml",
        "/campaign.sqlite",
        "/openapi.json",
        "/docs",
    ],
)
def test_no_address_leads_to_another_file(
    campaign: CampaignStore, annotator: Any, path: str
) -> None:
    with socket.create_connection(
        (annotator.http.base_url.host, annotator.http.base_url.port)
    ) as line:
        cookie = f"{cookies_of(campaign)['annotator']}={annotator.token}"
        head = ["GET " + path + " HTTP/1.1", "Host: here", "Connection: close", "Cookie: " + cookie]
        line.sendall("\r\n".join([*head, "", ""]).encode())
        answer = b"".join(iter(lambda: line.recv(65536), b""))
    assert answer.split(b" ", 2)[1] == b"404"


def test_pages_come_with_a_policy_that_forbids_foreign_code(annotator: Any) -> None:
    for path in ("/", "/organiser", *(f"/static/{p.name}" for p in PAGES.glob("*.js"))):
        answer = annotator.http.get(path)
        assert answer.status_code == 200
        assert "script-src 'self';" in answer.headers["content-security-policy"]
    page = annotator.http.get("/").text
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|<style|\sstyle=|https?://", page)


def test_the_server_is_reached_from_this_machine_alone(
    campaign: CampaignStore, serve_alone: Any
) -> None:
    """An address of this machine that the command was not told to listen on."""
    server = serve_alone(campaign.folder)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", server.port))


def test_names_are_data_and_never_markup(
    campaign: CampaignStore, annotator: Any, visit: Any
) -> None:
    name = "<script>alert(1)</script>"
    visitor = visit(str(annotator.http.base_url), campaign.invite(name, now=time.time()))
    answer = visitor.http.get("/api/work")
    assert answer.json()["annotator"]["name"] == name
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_what_cannot_be_served_is_one_sentence(
    tmp_path: Path, campaign: CampaignStore, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for folder, options, advice in (
            (tmp_path, [], "proskill annotate create"),
            (campaign.folder, ["--port", port], "choose another --port"),
        ):
            assert main(["annotate", "serve", str(folder), *options]) == 1
            error = capsys.readouterr().err
            assert error.startswith("Error: ")
            assert error.count("\n") == 1
            assert advice in error


def test_a_page_that_was_opened_for_another_person_changes_nothing(
    campaign: CampaignStore, annotator: Any
) -> None:
    """Ben opens his link in a browser where a page of Ada is open: the cookie becomes his."""
    work = annotator.work()
    adas = {"x-proskill-annotator": work["annotator"]["id"]}
    annotator.http.post("/api/session", json={"token": campaign.invite("Ben", now=time.time())})
    bens = annotator.work()
    clip, lease = work["current"]["left"]["clip"], bens["current"]["lease"]
    for method, path, body in (
        ("GET", "/api/work", None),
        ("POST", "/api/votes", annotator.body(lease)),
        ("POST", f"/api/leases/{lease}/keep", None),
        ("POST", "/api/flags", {"clip": clip, "reason": "broken"}),
    ):
        answer = annotator.http.request(method, path, json=body, headers=adas)
        assert (answer.status_code, answer.json()["code"]) == (409, "other_person"), path
        assert "Ben" not in answer.text
    assert (campaign.vote_log(), campaign.flags()) == ([], [])
    headers = {"x-proskill-annotator": bens["annotator"]["id"]}
    taken = annotator.http.post("/api/votes", json=annotator.body(lease), headers=headers)
    assert taken.status_code == 200
