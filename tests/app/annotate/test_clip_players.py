"""The two players as the page has them, and what decides about them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.needs_browser

FRAME_SECONDS = 1 / 30

# At each frame of the left clip: its place in seconds, and how far the clips are apart.
RECORD = """() => {
  window.places = [];
  window.distances = [];
  const [left, right] = document.querySelectorAll(".deck.shown video");
  const note = (now, frame) => {
    window.places.push(frame.mediaTime);
    window.distances.push(Math.abs(left.currentTime - right.currentTime));
    left.requestVideoFrameCallback(note);
  };
  left.requestVideoFrameCallback(note);
}"""


@pytest.fixture
def page(kitchen: Any, open_page: Callable[..., Page], request: pytest.FixtureRequest) -> Page:
    """A page whose clips stand at their first frame."""
    page = open_page(kitchen.link(request.node.name[:90]), reduced_motion="reduce")
    for side in ("side-a", "side-b"):
        page.wait_for_selector(f".deck.shown .{side}[data-state=ready]")
    page.wait_for_timeout(100)
    return page


@pytest.fixture(scope="module")
def scripts(kitchen: Any, browser: Browser) -> Iterator[Page]:
    """A page without a link, for the page's modules alone."""
    page = browser.new_page()
    page.goto(kitchen.url)
    yield page
    page.close()


def of_both(page: Page, expression: str) -> list[Any]:
    """What an expression on `v` says of the left and the right clip."""
    script = f"[...document.querySelectorAll('.deck.shown video')].map((v) => {expression})"
    found: list[Any] = page.evaluate(script)
    return found


def frames(page: Page) -> list[int]:
    """Which frames both clips show, once they have found them."""
    wait_until(lambda: not any(of_both(page, "v.seeking")))
    return [int(place / FRAME_SECONDS + 1e-3) for place in of_both(page, "v.currentTime")]


def call(page: Page, module: str, expression: str) -> Any:
    """The value of an expression on a module `m` of the page."""
    return page.evaluate(f"import('/static/{module}').then((m) => {expression})")


def test_steps_and_seconds_move_both_clips_alike(page: Page) -> None:
    for _ in range(3):
        page.keyboard.press(".")
    assert frames(page) == [3, 3]
    page.keyboard.press(",")
    assert frames(page) == [2, 2]
    page.keyboard.press("l")
    assert frames(page) == [32, 32]
    page.keyboard.press("Home")
    assert frames(page) == [0, 0]


def test_clips_start_together_and_pause_on_the_same_frame(page: Page) -> None:
    page.keyboard.press("Space")
    wait_until(lambda: min(of_both(page, "v.currentTime")) > 0.3)
    page.keyboard.press("Space")
    wait_until(lambda: of_both(page, "v.paused") == [True, True])
    left, right = frames(page)
    assert left == right >= 9


def test_a_clip_that_runs_ahead_is_caught_within_one_frame(page: Page) -> None:
    def distance() -> float:
        left, right = of_both(page, "v.currentTime")
        return abs(left - right)

    page.keyboard.press("<")
    page.keyboard.press("Space")
    wait_until(lambda: min(of_both(page, "v.currentTime")) > 0.1)
    page.evaluate("document.querySelectorAll('.deck.shown video')[1].currentTime += 4 / 30")
    wait_until(lambda: distance() > 2 * FRAME_SECONDS)
    wait_until(lambda: distance() <= FRAME_SECONDS)
    page.evaluate(RECORD)
    page.wait_for_timeout(500)
    assert sorted(page.evaluate("window.distances"))[-3] <= FRAME_SECONDS


def test_a_range_is_played_again_and_again(page: Page) -> None:
    for key in ("l", "[", ".", ".", ".", ".", ".", ".", "]"):
        page.keyboard.press(key)
        frames(page)
    page.evaluate(RECORD)
    page.keyboard.press("Space")

    def restarts() -> int:
        return sum(b < a for a, b in itertools.pairwise(page.evaluate("window.places")))

    wait_until(lambda: restarts() >= 2)
    places = page.evaluate("window.places")
    assert min(places) >= 1.0 - 2 * FRAME_SECONDS
    assert max(places) <= 1.5  # 1.2 where no frame comes late
    page.keyboard.press("c")
    page.wait_for_selector("#range-clear", state="hidden")


def test_speed_is_that_of_both_and_stays_for_the_next_visit(page: Page) -> None:
    page.keyboard.press("<")
    assert of_both(page, "v.playbackRate") == [0.5, 0.5]
    page.reload()
    page.wait_for_selector(".deck.shown")
    assert of_both(page, "v.playbackRate") == [0.5, 0.5]
    assert page.locator("#speed").input_value() == "0.5"


def test_a_clip_plays_alone_and_the_other_joins_it_again(page: Page) -> None:
    page.keyboard.press("e")
    wait_until(lambda: of_both(page, "v.paused") == [True, False])
    assert page.locator("#solo-right").get_attribute("aria-pressed") == "true"
    page.wait_for_timeout(300)
    page.keyboard.press("e")
    wait_until(lambda: of_both(page, "v.paused") == [False, False])
    page.keyboard.press("Space")
    wait_until(lambda: of_both(page, "v.paused") == [True, True])
    left, right = frames(page)
    assert left == right


def test_in_the_same_place_one_clip_is_seen_and_the_other_after_a_flip(page: Page) -> None:
    page.keyboard.press("v")
    boxes = [clip.bounding_box() for clip in page.locator(".deck.shown .clip").all()]
    assert boxes[0] == boxes[1]
    behind = page.locator(".deck.shown .clip.behind figcaption")
    assert behind.inner_text() == "B"
    page.keyboard.press("f")
    assert behind.inner_text() == "A"


def test_what_is_behind_is_not_watched(page: Page) -> None:
    page.keyboard.press("v")
    page.keyboard.press("Space")
    wait_until(lambda: min(of_both(page, "v.currentTime")) > 0.5)
    page.keyboard.press("Space")
    widths = page.locator(".deck.shown .seen i").evaluate_all(
        "bars => bars.map((bar) => parseFloat(bar.style.width))"
    )
    assert widths[0] > 10
    assert widths[1] == 0


def test_the_following_clip_is_slowed_when_ahead_and_hurried_when_behind(scripts: Page) -> None:
    speeds = call(
        scripts,
        "sync.js",
        "[-2, -1, -0.5, -0.1, 0, 0.1, 0.5, 1, 2].map((n) => m.followingSpeed(n, 1))",
    )
    assert speeds == pytest.approx([1.5, 1.1, 1.05, 1, 1, 1, 0.95, 0.9, 0.5])


def test_clips_stand_side_by_side_unless_they_are_much_larger_one_above_the_other(
    scripts: Page,
) -> None:
    def direction(width: int, height: int, aspect: float) -> str:
        place = f"{{width: {width}, height: {height}}}"
        options = "{gap: 12, inPlace: false}"
        found: str = call(
            scripts,
            "arrangement.js",
            f"m.arrange({place}, [{aspect}, {aspect}], {options}).direction",
        )
        return found

    assert direction(1244, 518, 16 / 9) == "row"
    assert direction(796, 846, 1.0) == "row"
    assert direction(796, 846, 16 / 9) == "column"
    assert direction(1244, 518, 9 / 16) == "row"


def test_every_control_has_a_name_and_shows_the_focus(page: Page) -> None:
    nameless = page.locator("button:visible, input:visible, select:visible").evaluate_all(
        """controls => controls.filter((c) => !(c.ariaLabel || c.textContent.trim()
           || c.labels?.length)).map((c) => c.outerHTML)"""
    )
    assert nameless == []
    outlines = []
    for _ in range(8):
        page.keyboard.press("Tab")
        outlines.append(page.evaluate("getComputedStyle(document.activeElement).outlineStyle"))
    assert set(outlines) == {"solid"}
    assert page.locator("[role=status][aria-live=polite]").count() == 1


def test_keys_can_be_switched_off_for_those_who_dictate(page: Page) -> None:
    page.keyboard.press("?")
    page.get_by_label("Letters and digits are keys").uncheck()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("v")
    assert page.locator("#view").get_attribute("aria-pressed") == "false"
    page.keyboard.press("Space")
    wait_until(lambda: of_both(page, "v.paused") == [False, False])


def test_nothing_on_the_page_or_in_its_requests_tells_what_a_clip_is(
    kitchen: Any, open_page: Callable[..., Page]
) -> None:
    page = open_page("about:blank")
    texts = []
    page.on(
        "response",
        lambda answer: (
            texts.append(answer.url)
            if "/clips/" in answer.url
            else texts.append(answer.url + answer.text())
        ),
    )
    page.goto(kitchen.link("Zoe"))
    page.wait_for_selector(".deck.shown .clip[data-state=ready]")
    page.wait_for_timeout(300)
    texts.append(page.content())
    assert len(texts) > 10
    for clip in kitchen.store.clips():
        for secret in (clip.take_id, Path(clip.path).name):
            assert not any(secret in text for text in texts)
    for secret in ("secret", "scenario", "rating", "level"):
        assert not any(f'"{secret}' in text for text in texts)
