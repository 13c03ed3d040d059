"""The organiser's live page in Chromium, on a campaign that is being served."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from proskill.annotation import Answer, Assignment, Vote
from waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Dialog, Page

pytestmark = pytest.mark.needs_browser

NAMES = ("Ann", "Ben")


@pytest.fixture(scope="module")
def serve_to_two(serve_campaign: Callable[..., Any]) -> Callable[..., Any]:
    """Serve a new campaign of two annotators; keywords are its settings."""

    def start(**settings: Any) -> Any:
        site = serve_campaign(gold_share=0.0, **settings)
        for name in NAMES:
            site.store.invite(name, now=time.time())
        return site

    return start


@pytest.fixture(scope="module")
def site(serve_to_two: Callable[..., Any]) -> Any:
    """A campaign with votes, for all tests that do not need one of their own."""
    site = serve_to_two(name="Cooking <b>2026</b>")
    let_vote(site, 50)
    return site


def page_of(site: Any, open_page: Callable[..., Page], **options: Any) -> Page:
    """The page of a campaign, opened with a link of an organiser."""
    token = site.store.invite("Olga", role="organiser", now=time.time())
    page = open_page(f"{site.url}/organiser#t={token}", **options)
    page.set_default_timeout(120_000)  # figures are worked out beside the server, with patience
    page.locator("#page").wait_for(state="visible")
    return page


@pytest.fixture
def organiser(site: Any, open_page: Callable[..., Page]) -> Callable[..., Page]:
    """Open the page of the campaign with votes; keywords are those of the browser."""
    return lambda **options: page_of(site, open_page, **options)


def let_vote(site: Any, number: int) -> None:
    """Answers of both annotators, who mostly see the clips as they are numbered.

    On a second criterion they see them the other way round.
    """
    assignment = Assignment(site.store, now=time.time())
    criteria = [criterion.id for criterion in site.store.campaign().criteria]
    ids = [one.id for one in site.store.annotators() if one.name in NAMES]
    chance = random.Random(number)
    for place in range(number):
        person, now = ids[place % len(ids)], time.time()
        pair = assignment.work(person, now).current
        if pair is None:
            continue
        is_left = (pair.left.id > pair.right.id) != (chance.random() < 0.15)
        vote = Vote(
            token=str(uuid.uuid4()),
            lease=pair.lease,
            answers={one: Answer("left" if is_left == (one == 1) else "right") for one in criteria},
            shown_at=now - 6,
            answered_at=now,
            watched_left=1.0,
            watched_right=1.0,
        )
        assignment.vote(person, vote, now)


def annotators_work(site: Any, name: str) -> dict[str, Any]:
    with httpx.Client(base_url=site.url, trust_env=False, timeout=20) as http:
        token = site.store.invite(name, now=time.time())
        assert http.post("/api/session", json={"token": token}).status_code == 200
        work: dict[str, Any] = http.get("/api/work").json()
    return work


def test_votes_are_asked_for_while_there_are_none_and_figures_grow_with_them(
    serve_to_two: Callable[..., Any], open_page: Callable[..., Page]
) -> None:
    site = serve_to_two(name="Cooking <b>2026</b>")
    page = page_of(site, open_page)
    page.locator("#step").get_by_text("No votes yet").wait_for()
    assert "Send the links" in page.locator("#activity").inner_text()
    assert not page.locator("#ranking").is_visible()
    assert "#t=" not in page.url  # nobody reads the secret from a screenshot
    assert page.locator("#campaign").inner_text() == "Cooking <b>2026</b>"
    let_vote(site, 60)
    page.locator("#ranking").wait_for(state="visible")
    wait_until(lambda: page.locator("#step .figure-number").first.inner_text() == "60")
    for name in ("activity", "reliability", "comparisons", "levels"):
        chart = page.locator(f"#{name} svg.chart")
        assert chart.get_attribute("aria-label")
        assert page.locator(f"#{name} .todo").inner_text().endswith(".")
    takes = page.locator("#ranking .item").all_inner_texts()
    assert len(takes) == 16
    assert takes[0].startswith(("take 15", "take 14", "take 13"))  # as the clips were judged
    rows = page.locator("#annotators tbody tr")
    assert rows.all_inner_texts()[0].startswith("Ann")


def test_a_clip_plays_in_a_preview(organiser: Callable[..., Page]) -> None:
    page = organiser()
    page.locator("#ranking button.link").first.click()
    wait_until(lambda: page.locator("#preview-video").evaluate("video => video.currentTime > 0.1"))
    page.keyboard.press("Escape")
    assert not page.locator("#preview").is_visible()


def test_an_invitation_shows_a_link_that_works(organiser: Callable[..., Page], site: Any) -> None:
    page = organiser()
    page.get_by_label("Invite a person").fill("Zoë <img src=x>")
    page.get_by_role("button", name="Make a link").click()
    page.locator("#invited").wait_for(state="visible")
    address, _, token = page.locator("#invited-link").input_value().partition("/#t=")
    assert address == site.url
    answer = httpx.post(f"{site.url}/api/session", json={"token": token}, trust_env=False)
    assert answer.json() == {"role": "annotator", "name": "Zoë <img src=x>"}
    page.locator("#annotators").get_by_text("Zoë <img src=x>").wait_for()
    assert page.locator("#annotators img").count() == 0


def test_a_name_that_has_a_link_is_asked_about_before_that_link_ends(
    organiser: Callable[..., Page], site: Any
) -> None:
    page = organiser()
    said: list[str] = []

    def invite(name: str, *, agree: bool) -> None:
        def answer(dialog: Dialog) -> None:
            said.append(dialog.message)
            dialog.accept() if agree else dialog.dismiss()

        page.once("dialog", answer)
        page.get_by_label("Invite a person").fill(name)
        page.get_by_role("button", name="Make a link").click()

    def works(link: str) -> bool:
        return site.store.find_annotator(link.partition("#t=")[2]) is not None

    page.get_by_label("Invite a person").fill("Dora Vale")
    page.get_by_role("button", name="Make a link").click()
    page.locator("#invited").wait_for(state="visible")
    first = page.locator("#invited-link").input_value()
    assert said == []
    invite(" Dora   Vale ", agree=False)  # at once, before the figures know her
    page.locator("#annotators").get_by_text("Dora Vale").wait_for()
    invite("Dora Vale", agree=False)
    question = "Dora Vale has a link already; it will stop working. Make a new one?"
    assert said == [question] * 2
    assert works(first)
    invite("Dora Vale", agree=True)
    wait_until(lambda: page.locator("#invited-link").input_value() != first)
    assert not works(first)
    assert works(page.locator("#invited-link").input_value())


def test_a_change_that_was_refused_stays_said_until_the_next_one(
    organiser: Callable[..., Page],
) -> None:
    page = organiser()
    problem = page.locator("#problem")
    page.get_by_label("Invite a person").fill("Olga")
    page.get_by_role("button", name="Make a link").click()
    problem.wait_for(state="visible")
    assert "'Olga' is invited as organiser already" in problem.inner_text()
    for _ in range(2):
        with page.expect_response("**/api/organiser/summary"):
            pass
    assert "'Olga' is invited as organiser already" in problem.inner_text()
    page.get_by_role("button", name="Pause").click()
    problem.wait_for(state="hidden")
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Pause").wait_for()


def test_excluding_somebody_can_be_taken_back_and_deletes_nothing(
    organiser: Callable[..., Page], site: Any
) -> None:
    page = organiser()
    num_votes = len(site.votes_of("Ben"))
    page.get_by_role("button", name="Exclude: Ben").click()
    page.get_by_role("button", name="Include again: Ben").wait_for()
    left_out = page.locator("#step details")
    left_out.locator("summary").click()
    assert "the annotator is excluded" in left_out.inner_text()
    assert annotators_work(site, "Ben")["current"] is None
    page.get_by_role("button", name="Include again: Ben").click()
    page.get_by_role("button", name="Exclude: Ben").wait_for()
    assert len(site.votes_of("Ben")) == num_votes > 0


def test_a_paused_campaign_asks_nobody_until_it_is_resumed(
    organiser: Callable[..., Page], site: Any
) -> None:
    page = organiser()
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Resume").wait_for()
    assert page.locator("#state").inner_text() == "paused"
    assert annotators_work(site, "Ann")["reason"] == "paused"
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("button", name="Pause").wait_for()
    assert annotators_work(site, "Ann")["current"] is not None


def test_closing_asks_first(organiser: Callable[..., Page], site: Any) -> None:
    page = organiser()
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.locator("#close").click()
    assert site.store.campaign().state == "open"
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("#close").click()
    page.get_by_role("button", name="Open again").wait_for()
    assert site.store.campaign().state == "closed"
    page.get_by_role("button", name="Open again").click()
    page.get_by_role("button", name="Pause").wait_for()


def test_a_reported_clip_is_watched_and_dealt_with(
    organiser: Callable[..., Page], site: Any
) -> None:
    ann = next(one for one in site.store.annotators() if one.name == "Ann")
    clip = site.store.clips()[3]
    site.store.add_flag(clip.public_id, ann.id, "private", "a <i>face</i>", now=time.time())
    page = organiser()
    report = page.locator("#flags li")
    report.wait_for()
    assert "shows something private" in report.inner_text()
    assert "a <i>face</i>" in report.inner_text()
    report.get_by_role("button", name="Watch").click()
    wait_until(lambda: page.locator("#preview-video").evaluate("video => video.readyState >= 2"))
    assert clip.public_id in page.locator("#preview-video").get_attribute("src")
    page.keyboard.press("Escape")
    report.get_by_role("button", name="Dealt with").click()
    report.get_by_role("button", name="Open again").wait_for()
    assert site.store.flags()[0].resolved_at is not None


def test_focus_and_opened_details_survive_new_figures(
    organiser: Callable[..., Page], site: Any
) -> None:
    page = organiser()
    button = page.get_by_role("button", name="Revoke link: Ann")
    button.focus()
    before = page.locator("#step .figure-number").first.inner_text()
    let_vote(site, 6)
    wait_until(lambda: page.locator("#step .figure-number").first.inner_text() != before)
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused == "Revoke link: Ann"


def test_an_annotator_cannot_open_the_page(open_page: Callable[..., Page], site: Any) -> None:
    token = site.store.invite("Ann", now=time.time())
    page = open_page(f"{site.url}/organiser#t={token}")
    page.locator("#problem").wait_for(state="visible")
    assert "needs an organiser's link" in page.locator("#problem").inner_text()
    assert not page.locator("#page").is_visible()
    assert not page.locator("#state-buttons").is_visible()


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1000, "light"), (820, "dark"), (390, "light")]
)
def test_nothing_is_cut_off_at_the_width_of_a_laptop_a_tablet_or_a_phone(
    organiser: Callable[..., Page], width: int, scheme: str
) -> None:
    page = organiser(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.locator("#ranking tbody tr").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = page.evaluate(
        """[...document.querySelectorAll('main button, main .figure-number, main h2')]
        .filter((one) => one.offsetParent && !one.closest('.scroll') &&
          one.getBoundingClientRect().right > innerWidth).map((one) => one.textContent)"""
    )
    assert cut == []


def test_each_criterion_has_figures_of_its_own(
    serve_to_two: Callable[..., Any], open_page: Callable[..., Page]
) -> None:
    site = serve_to_two(criteria=("overall skill", "calm"))
    let_vote(site, 50)
    page = page_of(site, open_page)
    tabs = page.locator("#criteria button")
    page.locator("#ranking button.link").first.wait_for()
    best = page.locator("#ranking button.link").first.inner_text()
    assert tabs.all_inner_texts() == ["overall skill", "calm"]
    tabs.nth(1).focus()
    page.keyboard.press("Enter")
    assert [tab.get_attribute("aria-pressed") for tab in tabs.all()] == ["false", "true"]
    assert page.evaluate("document.activeElement.textContent") == "calm"
    rows = page.locator("#ranking button.link").all_inner_texts()
    assert best in rows[-4:]


def test_figures_that_fail_are_said_and_the_last_good_ones_stay(
    organiser: Callable[..., Page], site: Any
) -> None:
    page = organiser()
    before = page.locator("#step .figure-number").first.inner_text()
    wait_until(lambda: site.kill_children() > 0)
    let_vote(site, 4)
    failures = page.locator("#failures")
    # What pairs are chosen by may be said to fail before.
    failures.get_by_text("New figures could not be worked out at").wait_for()
    text = failures.inner_text()
    assert "the process that does it was ended" in text
    assert "tried again" in text
    assert "what you see is of" in text
    assert page.locator("#step .figure-number").first.inner_text() == before
    assert "kept up to date" not in page.locator("#fresh").inner_text()
    failures.wait_for(state="hidden")
    assert page.locator("#step .figure-number").first.inner_text() != before
    assert "kept up to date" in page.locator("#fresh").inner_text()


def test_a_lost_server_is_said_and_the_page_recovers_by_itself(
    organiser: Callable[..., Page], site: Any
) -> None:
    page = organiser()
    site.stop()
    page.locator("#problem").wait_for(state="visible")
    assert "What you see is of" in page.locator("#problem").inner_text()
    assert page.locator("#page").is_visible()
    site.start()
    page.locator("#problem").wait_for(state="hidden")
