"""The tab "Score" in a real browser, as a coach uses it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from proskill.app.coach.accounts import add_account

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.needs_browser

_READY = (
    "n => { const rows = [...document.querySelector('coach-views').rows.values()];"
    "return rows.length === n && rows.every(row => row.state !== 'working'); }"
)


@pytest.fixture
def open_page(browser: Browser, coach_server: Any) -> Iterator[Callable[..., Page]]:
    """Open the page in a context of its own; a script's error or a foreign address fails."""
    contexts, wrong = [], []

    def opened(url: str = coach_server.url, **options: Any) -> Page:
        context = browser.new_context(**options)
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: _note_foreign(request.url, url, wrong))
        page.goto(f"{url}/")
        page.wait_for_selector("coach-views .drop")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def _note_foreign(address: str, url: str, wrong: list[str]) -> None:
    if not address.startswith((url, "data:", "blob:")):
        wrong.append(address)


def _add(page: Page, *files: Path, num_rows: int | None = None) -> None:
    page.set_input_files("coach-views input[type=file]", [str(file) for file in files])
    page.wait_for_function(_READY, arg=num_rows or len(files))


def _score(page: Page) -> str:
    page.click("coach-views button.large")
    page.wait_for_selector("#coach-answer .level")
    return page.inner_text("#coach-answer .level")


def _wait_for_why(page: Page) -> None:
    page.wait_for_function(
        "(({explanation, busy} = {}) => explanation && !busy)"
        "(document.querySelector('coach-player').value ?? undefined)"
    )


def _times(page: Page) -> list[float]:
    return page.evaluate(
        "[...document.querySelectorAll('coach-player video')].map(v => v.currentTime)"
    )


def test_a_coach_drops_two_views_reads_the_level_and_jumps_to_a_moment(
    open_page: Callable[..., Page], simulated_take: dict[str, Path]
) -> None:
    page = open_page()
    _add(page, *simulated_take.values())
    rows = page.locator("li.view")
    assert rows.locator("input.name").evaluate_all("each => each.map(e => e.value)") == [
        "ego",
        "exo1",
    ]
    assert "224 x 224" in rows.first.inner_text()

    level = _score(page)
    assert level in ("Novice", "Early Expert", "Intermediate Expert", "Late Expert")
    answer = page.inner_text("#coach-answer")
    assert "This model learned from simulated motion; it is no judge of real athletes." in answer
    assert answer.count("%") >= 4

    _wait_for_why(page)
    lane = page.locator("coach-timeline .lane")
    box = lane.bounding_box()
    assert box is not None
    lane.click(position={"x": box["width"] / 2, "y": 4})
    end = page.evaluate("document.querySelector('coach-player').end")
    page.wait_for_function(
        "t => [...document.querySelectorAll('coach-player video')]"
        ".every(v => Math.abs(v.currentTime - t) < 0.1)", arg=end / 2,
    )  # fmt: skip
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "t => Math.abs(document.querySelector('coach-player video').currentTime - t) < 0.05",
        arg=end / 2 + 0.1,
    )
    assert "It is no proof" in page.inner_text("coach-player .method")
    assert page.locator("coach-player .importance .name").count() == 2


def test_a_file_that_is_no_video_says_so_and_the_rest_is_scored(
    open_page: Callable[..., Page], simulated_take: dict[str, Path], tmp_path: Path
) -> None:
    broken = tmp_path / "<img src=x onerror=alert(1)>.mp4"
    broken.write_bytes(b"not a video at all")
    page = open_page()
    _add(page, simulated_take["exo1"], broken)
    failed = page.locator("li.view.failed")
    assert "<img src=x onerror=alert(1)>.mp4" in failed.inner_text()
    assert "no video" in failed.inner_text() or "not a video" in failed.inner_text()
    _score(page)
    page.click(".details summary")
    assert "unreadable" in page.inner_text(".details")


def test_the_map_is_there_while_it_still_grows_surer(
    open_page: Callable[..., Page], simulated_take: dict[str, Path]
) -> None:
    page = open_page()
    page.evaluate("""() => {
      const player = document.querySelector('coach-player'), show = player.show.bind(player);
      window.seen = [];
      player.show = value => {
        show(value);
        const bars = player.querySelectorAll('.lane .bar').length;
        if (value?.busy) window.seen.push([bars, player.querySelector('.why-parts').innerText]);
      };
    }""")
    _add(page, *simulated_take.values())
    _score(page)
    _wait_for_why(page)
    seen = page.evaluate("window.seen")
    assert seen[0][0] == 0
    assert "Finding out why" in seen[0][1] or "before you" in seen[0][1]
    growing = [text for bars, text in seen if bars > 0]
    assert any("Making sure" in text for text in growing), seen
    assert not any("stand out" in text for text in growing)


@pytest.mark.slow
def test_a_view_begins_where_the_coach_says_and_all_views_move_together(
    open_page: Callable[..., Page], simulated_take: dict[str, Path]
) -> None:
    page = open_page()
    _add(page, *simulated_take.values())
    row = page.locator("li.view").nth(1)
    row.locator("summary").click()
    row.locator("input[type=range]").fill("1")
    row.get_by_text("The shared start is here").click()
    _score(page)
    page.evaluate("document.querySelector('coach-player').videos.seek(2)")
    page.wait_for_function(
        "[2, 3].every((t, k) => Math.abs("
        "document.querySelectorAll('coach-player video')[k].currentTime - t) < 0.06)"
    )
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(1500)
    one, two = _times(page)
    assert one > 2.4
    assert abs(two - one - 1) < 0.2


@pytest.mark.slow
def test_what_cannot_be_judged_is_said_to_be_so(
    open_page: Callable[..., Page], write_clip: Callable[..., Path], tmp_path: Path
) -> None:
    page = open_page()
    _add(page, write_clip(tmp_path / "short.mp4", seconds=0.5))
    assert _score(page) == "No level"
    answer = page.inner_text("#coach-answer")
    assert "Not assessable" in answer
    assert "Why there is no answer" in answer


@pytest.mark.slow
def test_an_example_is_scored_at_a_click_and_a_new_performance_begins_empty(
    open_page: Callable[..., Page],
) -> None:
    page = open_page()
    page.get_by_text("Drumming").click()
    page.wait_for_selector("#coach-answer .level")
    _wait_for_why(page)
    page.get_by_role("button", name="New performance").click()
    page.wait_for_selector("#coach-answer .level", state="detached")
    assert page.locator("li.view").count() == 0
    assert page.locator("button.example").first.is_visible()


@pytest.mark.slow
def test_cancelling_ends_the_transcoder_and_leaves_no_file(
    open_page: Callable[..., Page], start_coach: Callable[..., Any], tmp_path: Path
) -> None:
    long = tmp_path / "long.mp4"
    _film(long, seconds=12)
    with start_coach() as server:
        page = open_page(server.url)
        page.set_input_files("coach-views input[type=file]", [str(long)])
        _until(lambda: _ffmpegs_of(server.process.pid))
        page.locator("li.view .remove").click()
        _until(lambda: not _ffmpegs_of(server.process.pid))
        _until(lambda: not server.files())
        page.context.close()


@pytest.mark.slow
def test_closing_the_page_ends_its_work_and_ending_the_server_deletes_everything(
    open_page: Callable[..., Page],
    start_coach: Callable[..., Any],
    simulated_take: dict[str, Path],
    tmp_path: Path,
) -> None:
    with start_coach() as server:
        page = open_page(server.url)
        _add(page, simulated_take["ego"])
        _film(tmp_path / "long.mp4", seconds=12)
        page.set_input_files("coach-views input[type=file]", [str(tmp_path / "long.mp4")])
        _until(lambda: _ffmpegs_of(server.process.pid))
        page.context.close()
        _until(lambda: not _ffmpegs_of(server.process.pid))
        assert server.files()  # a page that comes back soon finds its copies
        server.process.terminate()
        server.process.wait(timeout=60)
        assert server.files() == []
        assert "Traceback" not in server.log()


@pytest.mark.slow
def test_a_coach_logs_in_scores_and_logs_out(
    open_page: Callable[..., Page],
    browser: Browser,
    start_coach: Callable[..., Any],
    simulated_take: dict[str, Path],
    tmp_path: Path,
) -> None:
    accounts = tmp_path / "accounts"
    add_account(accounts, "anna", "a long password")
    with start_coach("--auth", accounts) as server:
        page = browser.new_page()
        page.goto(f"{server.url}/")
        assert page.url.endswith("/login")
        page.fill("input[name=username]", "anna")
        page.fill("input[name=password]", "wrong")
        page.click("form button")
        assert "do not belong together" in page.inner_text("[role=alert]")
        page.fill("input[name=username]", "anna")
        page.fill("input[name=password]", "a long password")
        page.click("form button")
        page.wait_for_selector("coach-views .drop")
        _add(page, simulated_take["ego"])
        _score(page)
        page.goto(f"{server.url}/logout")
        assert page.url.endswith("/login")
        page.close()


@pytest.mark.slow
def test_two_coaches_at_once_both_get_their_own_answer(
    open_page: Callable[..., Page], simulated_take: dict[str, Path]
) -> None:
    anna, ben = open_page(), open_page()
    for page, name in ((anna, "ego"), (ben, "exo1")):
        page.set_input_files("coach-views input[type=file]", [str(simulated_take[name])])
    for page in (anna, ben):
        page.wait_for_function(_READY, arg=1)
        page.click("coach-views button.large")
    for page, name in ((anna, "ego"), (ben, "exo1")):
        page.wait_for_selector("#coach-answer .level")
        assert page.inner_text(".folded span") == f"One view: {name}"
        addresses = page.evaluate(
            "document.querySelector('coach-player').value.views.map(v => v.url)"
        )
        assert len(addresses) == 1


def _film(path: Path, *, seconds: int) -> None:
    import imageio_ffmpeg

    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-f", "lavfi", "-i",
         f"testsrc2=size=1920x1080:rate=30:duration={seconds}", "-c:v", "libx264", "-preset",
         "ultrafast", "-y", str(path)],
        check=True, capture_output=True,
    )  # fmt: skip


def _ffmpegs_of(pid: int) -> list[str]:
    """Command lines of the processes below a process."""
    found = subprocess.run(
        ["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 2) for line in found.stdout.splitlines()[1:]]
    below, more = {str(pid)}, True
    while more:
        new = {row[0] for row in rows if row[1] in below} - below
        below, more = below | new, bool(new)
    return [row[2] for row in rows if row[0] in below and "ffmpeg" in row[2]]


def _until(is_so: Callable[[], object], *, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"still not so after {seconds:g} s"
        time.sleep(0.05)
