from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from proskill.annotation import GoldTakes
from waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.needs_browser

UNLOCKED = "#judge:not(.locked):not([hidden]) .answer"


def ready(page: Page) -> None:
    """Wait until an answer to the pair on the page counts."""
    page.wait_for_selector(UNLOCKED)
    page.wait_for_timeout(350)  # a press right after the change of pairs is taken for a slip


def clips_on(page: Page) -> list[str]:
    """Addresses of the two clips that are seen."""
    videos = page.locator(".deck.shown video")
    return [video.get_attribute("src") or "" for video in videos.all()]


def answer(page: Page, key: str) -> None:
    """Press a key and wait for other clips."""
    ready(page)
    before = clips_on(page)
    page.keyboard.press(key)
    wait_until(lambda: clips_on(page) != before)


def saved(page: Page) -> None:
    page.wait_for_selector("#saving[data-state=saved]")


def players(page: Page, expression: str) -> Any:
    """Of the two clips on the page, left and right, what an expression on `v` says."""
    return page.evaluate(
        f"[...document.querySelectorAll('.deck.shown video')].map((v) => {expression})"
    )


def test_a_whole_session_by_keyboard(
    serve_campaign: Callable[..., Any], open_page: Callable[..., Page]
) -> None:
    gold = [GoldTakes("take 0", "take 5", "right", is_practice=True, feedback="Look at the bar.")]
    site = serve_campaign(
        gold=gold,
        min_watched=0.2,
        quota=3,
        guideline="# Look\n- at <i>hands</i>\n\nNot at clothes.",
    )
    page = open_page(site.link("Ada"))

    page.wait_for_selector("#guideline-dialog[open]")
    assert page.locator("#guideline-text li").inner_text() == "at <i>hands</i>"
    assert page.url == f"{site.url}/"  # the secret of the link is gone from the address
    page.keyboard.press("Enter")

    ready(page)
    assert "practice pair" in page.locator("#banner").inner_text()
    page.keyboard.press("1")
    page.wait_for_selector("#explanation:not([hidden])")
    assert "Look at the bar." in page.locator("#explanation").inner_text()
    page.keyboard.press("Space")

    answer(page, "ArrowLeft")
    answer(page, "=")
    ready(page)
    page.keyboard.press("s")
    page.wait_for_selector("#skip-dialog[open]")
    page.keyboard.press("2")
    page.wait_for_selector("#message-title:text-is('All 3 pairs are done')")
    saved(page)
    _, *votes = site.votes_of("Ada")
    assert [(vote[1], vote[2]) for vote in votes] == [
        ("left", None),
        ("tie", None),
        ("skip", "The performance cannot be seen well enough"),
    ]
    watched = site.rows("SELECT min(watched_left), min(watched_right) FROM votes")
    assert min(watched[0]) >= 0.2


def test_an_answer_before_enough_was_seen_is_not_taken(
    open_page: Callable[..., Page], kitchen: Any
) -> None:
    page = open_page(
        kitchen.link("Bo"), reduced_motion="reduce"
    )  # clips do not start by themselves
    page.wait_for_selector("#judge.locked")
    page.wait_for_selector(".deck.shown .clip[data-state=ready]")
    page.wait_for_timeout(400)
    before = clips_on(page)
    page.keyboard.press("1")
    assert "watch A and B" in page.locator("#gate").inner_text()
    assert clips_on(page) == before
    page.keyboard.press("Space")
    answer(page, "1")
    saved(page)
    assert len(kitchen.votes_of("Bo")) == 1


def test_a_reload_shows_the_same_pair_and_what_was_watched(
    open_page: Callable[..., Page], kitchen: Any
) -> None:
    page = open_page(kitchen.link("Cem"), reduced_motion="reduce")
    page.wait_for_selector(".deck.shown .clip[data-state=ready]")
    before = clips_on(page)
    page.keyboard.press("Space")
    ready(page)
    page.reload()
    page.wait_for_selector(UNLOCKED)
    assert clips_on(page) == before


def test_the_last_answers_can_be_changed(open_page: Callable[..., Page], kitchen: Any) -> None:
    page = open_page(kitchen.link("Dan"))
    pairs = []
    for key in ("1", "2"):
        ready(page)
        pairs.append(clips_on(page))
        answer(page, key)
    current = clips_on(page)
    page.keyboard.press("u")
    wait_until(lambda: clips_on(page) == pairs[1])
    assert "B is better" in page.locator("#banner").inner_text()
    page.keyboard.press("u")
    wait_until(lambda: clips_on(page) == pairs[0])
    answer(page, "0")
    assert clips_on(page) == current
    page.keyboard.press("u")
    page.keyboard.press("Escape")
    assert clips_on(page) == current
    saved(page)
    first, second, changed = kitchen.votes_of("Dan")
    assert [vote[1] for vote in (first, second, changed)] == ["left", "right", "tie"]
    assert (second[3], changed[3]) == (None, first[0])


def test_a_reload_while_an_answer_is_being_changed_loses_neither_answer(
    open_page: Callable[..., Page], kitchen: Any
) -> None:
    page = open_page(kitchen.link("Ola"))
    ready(page)
    answered = clips_on(page)
    answer(page, "1")
    current = clips_on(page)
    saved(page)
    page.keyboard.press("u")
    wait_until(lambda: clips_on(page) == answered)
    page.reload()
    page.wait_for_selector(UNLOCKED, state="attached")
    assert clips_on(page) == answered
    assert "A is better" in page.locator("#banner").inner_text()
    assert [vote[1] for vote in kitchen.votes_of("Ola")] == ["left"]  # it stands until then
    answer(page, "2")
    assert clips_on(page) == current  # the same pair as before
    saved(page)
    first, changed = kitchen.votes_of("Ola")
    assert (first[1], changed[1], changed[3]) == ("left", "right", first[0])
    page.keyboard.press("u")
    wait_until(lambda: clips_on(page) == answered)
    page.keyboard.press("Escape")
    page.reload()
    page.wait_for_selector(".deck.shown .clip[data-state=ready]")
    assert clips_on(page) == current


def test_an_answer_is_taken_back_altogether_by_a_skip(
    open_page: Callable[..., Page], kitchen: Any
) -> None:
    page = open_page(kitchen.link("Pia"))
    answer(page, "1")
    current = clips_on(page)
    page.keyboard.press("u")
    wait_until(lambda: clips_on(page) != current)
    page.keyboard.press("s")
    page.wait_for_selector("#skip-dialog[open]")
    page.keyboard.press("4")
    wait_until(lambda: clips_on(page) == current)
    saved(page)
    first, taken_back = kitchen.votes_of("Pia")
    assert (first[1], taken_back[1], taken_back[3]) == ("left", "skip", first[0])


def test_two_annotators_at_once_judge_different_pairs(
    open_page: Callable[..., Page], kitchen: Any
) -> None:
    pages = [open_page(kitchen.link(name)) for name in ("Eva", "Finn")]
    seen = []
    for _ in range(3):
        for page in pages:
            ready(page)
            seen.append(frozenset(clips_on(page)))
            answer(page, "1")
    for page in pages:
        saved(page)
    assert len(set(seen)) == 6
    assert len(kitchen.votes_of("Eva")) == len(kitchen.votes_of("Finn")) == 3


def test_answers_typed_while_the_server_is_away_are_kept_and_sent_again(
    open_page: Callable[..., Page], kitchen: Any
) -> None:
    page = open_page(kitchen.link("Gil"))
    answer(page, "1")
    saved(page)
    ready(page)
    page.wait_for_timeout(500)  # the next pair is loaded
    kitchen.stop()
    answer(page, "2")
    page.wait_for_selector("#saving[data-state=kept]")
    assert "1 answer kept in this browser" in page.locator("#saving").inner_text()
    ready(page)
    page.keyboard.press("0")
    page.wait_for_selector("#message:not([hidden])")
    assert page.locator("#message-title").inner_text() == "Waiting for the server"
    kitchen.start()
    saved(page)
    assert [vote[1] for vote in kitchen.votes_of("Gil")] == ["left", "right", "tie"]
    answer(page, "1")


def test_kept_answers_outlive_the_page_and_are_nobody_elses(
    open_page: Callable[..., Page], kitchen: Any
) -> None:
    link = kitchen.link("Hal")
    page = open_page(link)
    ready(page)
    page.route("**/api/votes", lambda route: route.abort())
    answer(page, "2")
    page.wait_for_selector("#saving[data-state=kept]")
    page.goto("about:blank")
    page.unroute("**/api/votes")
    page.goto(kitchen.link("Ida"))  # somebody else sits down at the same browser
    ready(page)
    assert kitchen.votes_of("Hal") == kitchen.votes_of("Ida") == []
    page.goto("about:blank")
    page.goto(kitchen.link("Hal"))
    wait_until(lambda: len(kitchen.votes_of("Hal")) == 1)
    assert kitchen.votes_of("Ida") == []


def test_a_page_takes_no_answer_in_the_name_of_who_opened_a_link_in_another_tab(
    open_page: Callable[..., Page], kitchen: Any
) -> None:
    page = open_page(kitchen.link("Vera"))
    ready(page)
    assert page.locator("#person").inner_text() == "Vera"
    other = page.context.new_page()
    other.goto(kitchen.link("Wim"))
    ready(other)
    page.keyboard.press("1")
    page.wait_for_selector("#message:not([hidden])")
    text = page.locator("#message-text").inner_text()
    assert "Another person opened their link in this browser. Open your own link again." in text
    assert "1 answer kept in this browser" in page.locator("#saving").inner_text()
    page.wait_for_timeout(1500)
    assert kitchen.votes_of("Vera") == kitchen.votes_of("Wim") == []
    other.goto("about:blank")
    other.goto(kitchen.link("Vera"))
    wait_until(lambda: [vote[1] for vote in kitchen.votes_of("Vera")] == ["left"])
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # back to this tab
    ready(page)
    saved(page)
    assert kitchen.votes_of("Wim") == []


def test_an_answer_whose_acknowledgement_was_lost_counts_once(
    open_page: Callable[..., Page], kitchen: Any
) -> None:
    page = open_page(kitchen.link("Jo"))
    ready(page)
    lost = []

    def lose(route: Any) -> None:
        if lost:
            route.continue_()
            return
        lost.append(route.fetch())
        route.abort()

    page.route("**/api/votes", lose)
    answer(page, "1")
    page.wait_for_selector("#saving[data-state=kept]")
    saved(page)
    assert lost[0].status == 200
    assert len(kitchen.votes_of("Jo")) == 1


def test_an_answer_that_something_else_than_the_server_took_is_kept_and_sent_again(
    open_page: Callable[..., Page], kitchen: Any
) -> None:
    """The sign-in page of a network, a proxy: none of their words is the server's."""
    foreign = [
        {"status": 200, "content_type": "text/html", "body": "<h1>Sign in to the network</h1>"},
        {"status": 200, "content_type": "application/json", "body": '{"token": "of another"}'},
        {"status": 404, "content_type": "text/html", "body": "<h1>Not found</h1>"},
        {"status": 403, "content_type": "application/json", "body": '{"code": "blocked"}'},
        {"status": 401, "content_type": "text/html", "body": "<h1>Who are you?</h1>"},
    ]
    page = open_page(kitchen.link("Uma"))
    ready(page)
    sent: list[str] = []

    def intercept(route: Any) -> None:
        sent.append(route.request.post_data_json["token"])
        route.fulfill(**foreign[(len(sent) - 1) % len(foreign)])

    page.route("**/api/votes", intercept)
    page.keyboard.press("2")
    for number in range(1, len(foreign) + 1):
        wait_until(lambda number=number: page.evaluate("0") or len(sent) >= number)
        page.wait_for_selector("#saving[data-state=kept]")
        text = page.locator("#saving").inner_text()
        assert "Something else answered in the server's place" in text
        assert "1 answer kept in this browser, sent again by itself" in text
        if number == len(foreign):
            page.unroute("**/api/votes")
        page.evaluate("dispatchEvent(new Event('online'))")
    saved(page)
    assert len(set(sent)) == 1
    assert [vote[:2] for vote in kitchen.votes_of("Uma")] == [(sent[0], "right")]


def test_an_answer_to_a_pair_that_went_to_others_is_refused_aloud_and_work_goes_on(
    open_page: Callable[..., Page], kitchen: Any
) -> None:
    page = open_page(kitchen.link("Kim"))
    kitchen.link("Kai")
    ready(page)
    kitchen.hand_over("Kim", "Kai")
    page.keyboard.press("1")
    page.wait_for_selector("#toast:not([hidden])")
    assert "An answer was not counted." in page.locator("#toast").inner_text()
    answer(page, "1")
    saved(page)
    assert len(kitchen.votes_of("Kim")) == 1


def test_a_paused_campaign_waits_and_goes_on_by_itself(
    open_page: Callable[..., Page], kitchen: Any
) -> None:
    page = open_page(kitchen.link("Lu"))
    ready(page)
    kitchen.store.set_state("paused", who="organiser", now=time.time())
    page.keyboard.press("1")
    page.wait_for_selector("#message:not([hidden])")
    page.wait_for_selector("#saving[data-state=kept]")
    kitchen.store.set_state("open", who="organiser", now=time.time())
    saved(page)
    ready(page)
    assert len(kitchen.votes_of("Lu")) == 1


@pytest.mark.slow  # a server of its own
def test_several_criteria_with_strength_are_asked_one_after_the_other(
    open_page: Callable[..., Page], serve_campaign: Callable[..., Any]
) -> None:
    site = serve_campaign(
        criteria=["overall skill", "balance"], strength=True, allow_tie=False, min_watched=0.2
    )
    page = open_page(site.link("Mo"))
    ready(page)
    assert page.locator("#question").inner_text() == "Overall skill: which is better?"
    assert page.locator(".answer").count() == 2
    page.keyboard.press("2")
    assert page.locator("#question").inner_text() == "How much better is B?"
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    page.keyboard.press("3")
    assert page.locator("#question").inner_text() == "Balance: which is better?"
    before = clips_on(page)
    page.keyboard.press("2")
    page.keyboard.press("1")
    wait_until(lambda: clips_on(page) != before)
    saved(page)
    assert site.rows("SELECT answer, strength FROM votes ORDER BY criterion_id") == [
        ("left", 3),
        ("right", 1),
    ]


def test_who_watches_is_there_though_nothing_is_touched(
    open_page: Callable[..., Page], kitchen: Any
) -> None:
    page = open_page(kitchen.url)  # without a link: the page's module alone
    page.clock.install()
    page.evaluate("""async () => {
      const { Presence } = await import("/static/presence.js");
      window.watches = true;
      window.said = [];
      const presence = new Presence(() => window.watches);
      for (const kind of ["away", "woken"]) presence.addEventListener(kind, () => said.push(kind));
    }""")

    def pass_minutes(number: int) -> list[str]:
        for _ in range(2 * number):
            page.clock.fast_forward(30_000)
        said: list[str] = page.evaluate("window.said")
        return said

    assert pass_minutes(10) == []
    page.evaluate("window.watches = false")
    assert pass_minutes(2) == []
    assert pass_minutes(2) == ["away"]
    page.keyboard.press("Shift")
    assert pass_minutes(1) == ["away", "woken"]


def test_a_page_that_rests_says_so_until_somebody_is_back(
    open_page: Callable[..., Page], kitchen: Any
) -> None:
    page = open_page(kitchen.link("Xia"), reduced_motion="reduce")  # clips stand still
    page.wait_for_selector(".deck.shown .clip[data-state=ready]")
    page.clock.install()
    page.reload()
    page.wait_for_selector(".deck.shown .clip[data-state=ready]")
    for _ in range(8):
        page.clock.fast_forward(30_000)
    page.locator("#toast").get_by_text("The clips rest").wait_for()
    page.keyboard.press("Shift")
    page.locator("#toast").wait_for(state="hidden")


def test_a_browser_that_keeps_no_data_is_told_so(
    open_page: Callable[..., Page], kitchen: Any
) -> None:
    page = open_page("about:blank")
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() {"
        "throw new DOMException('The operation is insecure.', 'SecurityError'); }})"
    )
    page.goto(kitchen.link("Yan"))
    page.wait_for_selector("#message:not([hidden])")
    assert page.locator("#message-title").inner_text() == "This page could not start"
    assert "forbids this site to keep data" in page.locator("#message-text").inner_text()


def test_a_kept_answer_that_cannot_be_read_stays_and_hinders_nobody(
    open_page: Callable[..., Page], kitchen: Any
) -> None:
    broken = {
        f"proskill.answer/<b>Cooking</b>/Zoe/{text}": text
        for text in ("{half of an ans", "null", '{"vote": {"token": "alone"}}')
    }
    page = open_page(kitchen.link("Zoe"))
    ready(page)
    page.evaluate("(broken) => Object.assign(localStorage, broken)", broken)
    page.reload()
    answer(page, "1")
    saved(page)
    kept = page.evaluate("(keys) => keys.map((key) => localStorage.getItem(key))", list(broken))
    assert kept == list(broken.values())
    assert len(kitchen.votes_of("Zoe")) == 1


def test_a_clip_can_be_reported(open_page: Callable[..., Page], kitchen: Any) -> None:
    page = open_page(kitchen.link("Nia"))
    ready(page)
    reported = clips_on(page)[1].removeprefix("/clips/")
    page.keyboard.press("x")
    page.get_by_label("B", exact=True).check()
    page.get_by_label("It shows something private").check()
    page.get_by_label("Note (optional)").fill("a face")
    page.get_by_role("button", name="Report", exact=True).click()
    page.wait_for_selector("#toast:not([hidden])")
    [flag] = kitchen.store.flags()
    assert (flag.reason, flag.note) == ("private", "a face")
    [clip] = [clip for clip in kitchen.store.clips() if clip.id == flag.clip_id]
    assert clip.public_id == reported
