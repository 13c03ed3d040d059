"""Several people at one server, coming and going, in a real browser."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from proskill.app.coach.accounts import add_account
from waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.needs_browser

_PASSWORDS = {"anna": "a long password", "ben": "another password"}


@pytest.fixture(scope="module")
def club(
    tmp_path_factory: pytest.TempPathFactory, start_coach: Callable[..., Any]
) -> Iterator[Any]:
    """A server that lets two accounts in."""
    accounts = tmp_path_factory.mktemp("accounts") / "file"
    for name, password in _PASSWORDS.items():
        add_account(accounts, name, password)
    with start_coach("--auth", accounts) as server:
        yield server


def test_who_waits_sees_their_place_and_comes_next_when_the_one_before_cancels(
    open_page: Callable[..., Any], simulated_take: dict[str, Path], coach_server: Any
) -> None:
    anna, ben = open_page(), open_page()
    ben.add(simulated_take["exo1"])
    anna.page.get_by_text("Juggling").click()
    anna.page.get_by_text("making the example").wait_for()
    ben.page.click("coach-views button.large")
    ben.page.get_by_text("1 before you").wait_for()
    assert ben.page.locator("#coach-answer .level").count() == 0
    anna.page.get_by_role("button", name="Cancel").click()
    anna.page.get_by_text("Cancelled.", exact=True).wait_for()
    ben.level()
    assert ben.page.inner_text(".folded span") == "One view: exo1"
    assert anna.page.locator("#coach-answer .level").count() == 0
    assert _commands_below(coach_server.process.pid, "simulate") == []


def test_a_page_that_is_reloaded_while_it_scores_begins_empty_and_scores_again(
    open_page: Callable[..., Any], simulated_take: dict[str, Path]
) -> None:
    coach = open_page()
    coach.add(*simulated_take.values())
    coach.page.click("coach-views button.large")
    coach.page.get_by_role("button", name="Cancel").wait_for()
    coach.page.reload()
    coach.page.wait_for_selector("coach-views .drop")
    assert coach.page.locator("li.view").count() == 0
    coach.add(simulated_take["ego"])
    coach.score()
    assert coach.page.inner_text(".folded span") == "One view: ego"


@pytest.mark.slow
@pytest.mark.parametrize("are_tabs_of_one", [False, True])
def test_two_pages_at_once_both_get_their_own_answer(
    open_page: Callable[..., Any], simulated_take: dict[str, Path], are_tabs_of_one: bool
) -> None:
    anna = open_page()
    ben = open_page(beside=anna if are_tabs_of_one else None)
    anna.add(*simulated_take.values())
    ben.add(simulated_take["exo1"])
    for coach in (anna, ben):
        coach.page.click("coach-views button.large")
    ben.page.get_by_text("1 before you").wait_for()
    for coach, said in ((anna, "2 views: ego, exo1"), (ben, "One view: exo1")):
        coach.level()
        assert coach.page.inner_text(".folded span") == said
        coach.wait_for_why()
        names = coach.page.evaluate(
            "document.querySelector('coach-player').value.views.map(v => v.name)"
        )
        assert names == said.split(": ")[1].split(", ")


@pytest.mark.slow
def test_an_example_that_is_cleared_while_it_is_copied_does_not_come_back(
    open_page: Callable[..., Any],
) -> None:
    coach = open_page()
    coach.page.evaluate("""() => {
      const views = document.querySelector('coach-views');
      new MutationObserver((changes, observer) => {
        if (!views.rows.size) return;
        observer.disconnect();
        views.clear();
        window.cleared = true;
      }).observe(views, {childList: true, subtree: true});
    }""")
    coach.page.get_by_text("Step and reach").click()
    coach.page.wait_for_function("window.cleared")
    coach.page.wait_for_timeout(4000)  # in which the other view would be copied and scored
    assert coach.page.locator("li.view").count() == 0
    assert coach.page.locator("#coach-answer .level").count() == 0


@pytest.mark.slow
def test_cancelling_ends_the_transcoder_and_leaves_no_file(
    open_page: Callable[..., Any], start_coach: Callable[..., Any], tmp_path: Path
) -> None:
    long = tmp_path / "long.mp4"
    _film(long, seconds=12)
    with start_coach() as server:
        page = open_page(server.url).page
        page.set_input_files("coach-views input[type=file]", [str(long)])
        wait_until(lambda: _commands_below(server.process.pid, "ffmpeg"))
        page.locator("li.view .remove").click()
        wait_until(lambda: not _commands_below(server.process.pid, "ffmpeg"))
        wait_until(lambda: not server.files())
        page.context.close()


@pytest.mark.slow
def test_closing_the_page_ends_its_work_and_ending_the_server_deletes_everything(
    open_page: Callable[..., Any],
    start_coach: Callable[..., Any],
    simulated_take: dict[str, Path],
    tmp_path: Path,
) -> None:
    with start_coach() as server:
        coach = open_page(server.url)
        coach.add(simulated_take["ego"])
        films = [tmp_path / f"long{number}.mp4" for number in range(4)]  # two wait for their turn
        for film in films:
            _film(film, seconds=12)
        coach.page.set_input_files("coach-views input[type=file]", [str(film) for film in films])
        wait_until(lambda: len(_commands_below(server.process.pid, "ffmpeg")) >= 2)
        coach.page.wait_for_function(
            "[...document.querySelector('coach-views').rows.values()].every(row => row.isKnown)"
        )
        coach.page.context.close()
        wait_until(lambda: not _commands_below(server.process.pid, "ffmpeg"))
        wait_until(lambda: not [path for path in server.files() if "uploads" in path.parts])
        assert server.files()  # a page that comes back soon finds its copies
        server.process.terminate()
        server.process.wait(timeout=60)
        assert not server.files()
        assert "Traceback" not in server.log()


@pytest.mark.slow
def test_a_coach_logs_in_scores_and_logs_out(
    open_page: Callable[..., Any],
    browser: Browser,
    club: Any,
    simulated_take: dict[str, Path],
) -> None:
    page = browser.new_page()
    page.goto(f"{club.url}/")
    assert page.url.endswith("/login")
    page.fill("input[name=username]", "anna")
    page.fill("input[name=password]", "wrong")
    page.click("form button")
    assert "do not belong together" in page.inner_text("[role=alert]")
    page.close()
    anna = open_page(club.url, account=("anna", _PASSWORDS["anna"]))
    anna.add(simulated_take["ego"])
    anna.score()
    anna.page.goto(f"{club.url}/logout")
    assert anna.page.url.endswith("/login")


@pytest.mark.slow
def test_what_one_account_keeps_another_neither_sees_nor_deletes(
    open_page: Callable[..., Any], club: Any, simulated_take: dict[str, Path]
) -> None:
    anna, ben = (open_page(club.url, account=each) for each in _PASSWORDS.items())
    sent: list[dict[str, Any]] = []
    anna.page.on("request", lambda request: _note_joined(request, sent))
    anna.add(simulated_take["ego"])
    anna.score()
    _open_history(anna.page)
    anna.page.get_by_role("button", name="Switch on").click()
    anna.page.get_by_label("Alias", exact=True).fill("Blue 7")
    anna.page.get_by_role("button", name="Keep under this alias").click()
    anna.page.get_by_text("Kept under Blue 7.", exact=True).wait_for()
    assert _kept(club) == [(1, "anna", "Blue 7")]

    _open_history(ben.page)
    ben.page.get_by_role("button", name="Switch on").click()
    ben.page.get_by_text("None.", exact=True).wait_for()
    assert "Blue" not in ben.page.content()
    ben.page.get_by_role("tab", name="Compare").click()
    ben.page.get_by_text("No session was kept yet.").wait_for()
    assert "Blue" not in ben.page.content()

    # Ben's browser, saying what anna's page said, and what it would say to delete: neither on her
    # page nor on one of his own.
    keep = next(each for each in sent if (each.get("event_data") or {}).get("what") == "keep")
    with closing(_client_of(ben.page, club.url)) as client:
        assert client.post("/gradio_api/queue/join", json=keep).status_code == 403
        keep["session_hash"] = "page-of-ben"
        assert "Blue" not in _said_again(client, keep, alias="")
        for forget in (
            {"what": "session", "id": 1}, {"what": "athlete", "alias": "Blue 7"}, {"what": "all"},
            {"what": "off"},
        ):  # fmt: skip
            assert "process_completed" in _said_again(client, keep, **forget)
    assert _kept(club) == [(1, "anna", "Blue 7")]

    other_tab = open_page(club.url, beside=anna)
    _open_history(other_tab.page)
    other_tab.page.locator("ul.sessions button").click()
    other_tab.page.get_by_text("Really? Press again").click()
    other_tab.page.get_by_text("One session was deleted.").wait_for()
    assert _kept(club) == []
    anna.page.get_by_role("tab", name="Score").click()
    _open_history(anna.page)
    anna.page.get_by_text("None.", exact=True).wait_for()


def _open_history(page: Page) -> None:
    page.get_by_role("tab", name="History").click()
    page.locator("coach-history h2").first.wait_for()


def _note_joined(request: Any, sent: list[dict[str, Any]]) -> None:
    if "/queue/join" in request.url:
        sent.append(request.post_data_json)


def _kept(server: Any) -> list[tuple[int, str, str]]:
    file = server.folder / "data/proskill/history.sqlite3"
    with closing(sqlite3.connect(file)) as database:
        return database.execute("SELECT id, owner, alias FROM sessions").fetchall()


def _client_of(page: Page, url: str) -> httpx.Client:
    """A program that is logged in as the browser is."""
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    return httpx.Client(base_url=url, cookies=cookies, timeout=60, trust_env=False)


def _said_again(client: httpx.Client, payload: dict[str, Any], **event: object) -> str:
    """Everything that the server answers to a page's event with other data."""
    answer = client.post("/gradio_api/queue/join", json={**payload, "event_data": event})
    assert answer.status_code == 200, answer.text
    hash_of_page = payload["session_hash"]
    said = []
    with client.stream("GET", f"/gradio_api/queue/data?session_hash={hash_of_page}") as stream:
        for line in stream.iter_lines():
            said.append(line)
            if line and json.loads(line.removeprefix("data: "))["msg"] == "process_completed":
                break
    return "\n".join(said)


def _film(path: Path, *, seconds: int) -> None:
    import imageio_ffmpeg

    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-f", "lavfi", "-i",
         f"testsrc2=size=1920x1080:rate=30:duration={seconds}", "-c:v", "libx264", "-preset",
         "ultrafast", "-y", str(path)],
        check=True, capture_output=True,
    )  # fmt: skip


def _commands_below(pid: int, word: str) -> list[str]:
    """Command lines with a word of the processes below a process."""
    found = subprocess.run(
        ["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 2) for line in found.stdout.splitlines()[1:]]
    below, more = {str(pid)}, True
    while more:
        new = {row[0] for row in rows if row[1] in below} - below
        below, more = below | new, bool(new)
    return [row[2] for row in rows if row[0] in below and word in row[2]]
