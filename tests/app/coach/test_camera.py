"""Filming with the camera of the device; Chromium's shows a made-up picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.needs_browser


def _open_camera(page: Page) -> None:
    page.get_by_role("button", name="Use the camera").click()
    page.wait_for_function("document.querySelector('.camera video')?.videoWidth > 0")
    page.evaluate("window.stream = document.querySelector('.camera video').srcObject")


def _wait_until_off(page: Page) -> None:
    page.wait_for_selector(".camera", state="detached")
    page.wait_for_function("window.stream.getTracks().every(each => each.readyState === 'ended')")
    assert page.get_by_role("button", name="Use the camera").is_enabled()


def test_a_camera_that_is_not_allowed_is_said_to_be_so(open_page: Callable[..., Any]) -> None:
    page = open_page().page
    page.get_by_role("button", name="Use the camera").click()
    page.get_by_text("The camera was not allowed; allow it in the browser.").wait_for()
    assert page.get_by_role("button", name="Record").is_disabled()
    page.get_by_role("button", name="Close camera").click()
    assert page.locator(".camera").count() == 0


def test_a_camera_that_nobody_sees_any_more_is_off(open_page: Callable[..., Any]) -> None:
    page = open_page(permissions=["camera"]).page
    _open_camera(page)
    page.get_by_role("tab", name="History").click()
    page.wait_for_function("window.stream.getTracks().every(each => each.readyState === 'ended')")
    page.get_by_role("tab", name="Score").click()
    _wait_until_off(page)
    assert page.locator("li.view").count() == 0


@pytest.mark.slow
def test_a_view_is_filmed_named_and_answered(open_page: Callable[..., Any]) -> None:
    coach = open_page(permissions=["camera"])
    page = coach.page
    _open_camera(page)
    page.get_by_role("button", name="Record").click()
    page.get_by_text("recording, 4.").wait_for()
    page.get_by_role("button", name="Stop").click()
    coach.wait_for_rows(1)
    _wait_until_off(page)
    row = page.locator("li.view")
    assert "failed" not in (row.get_attribute("class") or "")
    assert row.locator("input.name").input_value() == "exo1"
    seconds, size = row.locator(".facts").inner_text().split(" · ")[:2]
    assert 3 < float(seconds.removesuffix(" s")) < 20  # the machine may be busy
    assert "x 720" in size or "x 480" in size
    row.locator("input.name").fill("side")
    level = coach.score()
    assert page.inner_text(".folded span") == "One view: side"
    answer = page.inner_text("#coach-answer")
    if level == "No level":
        assert "Why there is no level" in answer
    else:
        assert answer.count("%") >= 4
