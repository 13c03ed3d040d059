"""The tab "Score" in a real browser, as a coach uses it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.needs_browser


def test_a_coach_drops_two_views_reads_the_level_and_jumps_to_a_moment(
    open_page: Callable[..., Any], simulated_take: dict[str, Path]
) -> None:
    coach = open_page()
    page = coach.page
    coach.add(*simulated_take.values())
    rows = page.locator("li.view")
    assert rows.locator("input.name").evaluate_all("each => each.map(e => e.value)") == [
        "ego",
        "exo1",
    ]
    assert "224 x 224" in rows.first.inner_text()

    level = coach.score()
    assert level in ("Novice", "Early Expert", "Intermediate Expert", "Late Expert")
    answer = page.inner_text("#coach-answer")
    assert "This model learned from simulated motion; it is no judge of real athletes." in answer
    assert answer.count("%") >= 4

    coach.wait_for_why()
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
    method = page.inner_text("coach-player .method")
    assert "It is no proof" in method
    assert re.search(r"compared with the average segment of .*, which scores \d\.\d\d:", method)
    assert "than the average segment" in page.inner_text("coach-player .legend")
    assert page.locator("coach-player .importance .name").count() == 2


def test_a_file_that_is_no_video_says_so_and_the_rest_is_scored(
    open_page: Callable[..., Any], simulated_take: dict[str, Path], tmp_path: Path
) -> None:
    broken = tmp_path / "<img src=x onerror=alert(1)>.mp4"
    broken.write_bytes(b"not a video at all")
    coach = open_page()
    page = coach.page
    coach.add(simulated_take["exo1"], broken)
    failed = page.locator("li.view.failed")
    assert "<img src=x onerror=alert(1)>.mp4" in failed.inner_text()
    assert "no video" in failed.inner_text() or "not a video" in failed.inner_text()
    names = page.locator("li.view input.name").evaluate_all("each => each.map(e => e.value)")
    assert names == ["exo1", "exo2"]  # whichever of them came first
    coach.score()
    page.click(".details summary")
    assert "unreadable" in page.inner_text(".details")


def test_the_map_is_there_while_it_still_grows_surer(
    open_page: Callable[..., Any], simulated_take: dict[str, Path]
) -> None:
    coach = open_page()
    page = coach.page
    page.evaluate("""() => {
      const player = document.querySelector('coach-player'), show = player.show.bind(player);
      window.seen = [];
      player.show = value => {
        show(value);
        const bars = player.querySelectorAll('.lane .bar').length;
        if (value?.busy) window.seen.push([bars, player.querySelector('.why-parts').innerText]);
      };
    }""")
    coach.add(*simulated_take.values())
    coach.score()
    coach.wait_for_why()
    seen = page.evaluate("window.seen")
    assert seen[0][0] == 0
    assert "Finding out why" in seen[0][1] or "before you" in seen[0][1]
    growing = [text for bars, text in seen if bars > 0]
    assert any("Making sure" in text for text in growing), seen
    assert not any("stand out" in text for text in growing)


@pytest.mark.slow
def test_a_view_begins_where_the_coach_says_and_all_views_move_together(
    open_page: Callable[..., Any], simulated_take: dict[str, Path]
) -> None:
    coach = open_page()
    page = coach.page
    coach.add(*simulated_take.values())
    row = page.locator("li.view").nth(1)
    row.locator("summary").click()
    row.locator("input[type=range]").fill("1")
    row.get_by_text("The shared start is here").click()
    coach.score()
    page.evaluate("document.querySelector('coach-player').videos.seek(2)")
    page.wait_for_function(
        "[2, 3].every((t, k) => Math.abs("
        "document.querySelectorAll('coach-player video')[k].currentTime - t) < 0.06)"
    )
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(1500)
    one, two = coach.seconds()
    assert one > 2.4
    assert abs(two - one - 1) < 0.2


@pytest.mark.slow
def test_finding_out_why_can_be_stopped_and_the_answer_stays(
    open_page: Callable[..., Any], simulated_take: dict[str, Path]
) -> None:
    coach = open_page()
    page = coach.page
    coach.add(*simulated_take.values())
    level = coach.score()
    page.locator(".why-parts button", has_text="Stop").click()
    page.locator(".why-parts").get_by_text("Cancelled.").wait_for()
    assert coach.level() == level
    assert page.locator(".lane .bar").count() == 0
    with page.expect_download() as download:
        page.locator("coach-reports").get_by_role("button", name="JSON", exact=True).click()
    assert "explanation" not in json.loads(download.value.path().read_text())


def test_an_answer_of_other_views_than_those_on_the_page_is_said_to_be_so(
    open_page: Callable[..., Any], simulated_take: dict[str, Path]
) -> None:
    coach = open_page()
    page = coach.page
    coach.add(*simulated_take.values())
    coach.score()
    former = page.get_by_text("The answer below is about the views as they were before")
    page.get_by_role("button", name="Change the views").click()
    assert not former.is_visible()
    name = page.locator("li.view input.name").first
    for typed, is_former in (("side", True), ("ego", False)):
        name.fill(typed)
        name.blur()
        former.wait_for(state="visible" if is_former else "hidden")
    page.locator("li.view .remove").first.click()
    former.wait_for()
    assert float(page.locator("#coach-answer").evaluate("e => getComputedStyle(e).opacity")) < 0.6
    coach.score()
    former.wait_for(state="hidden")
    assert page.inner_text(".folded span") == "One view: exo1"


@pytest.mark.slow
def test_what_cannot_be_judged_is_said_to_be_so(
    open_page: Callable[..., Any], write_clip: Callable[..., Path], tmp_path: Path
) -> None:
    coach = open_page()
    page = coach.page
    coach.add(write_clip(tmp_path / "short.mp4", seconds=0.5))
    assert coach.score() == "No level"
    answer = page.inner_text("#coach-answer")
    assert "Not assessable" in answer
    assert "Why there is no level" in answer


@pytest.mark.slow
def test_an_example_is_scored_at_a_click_and_a_new_performance_begins_empty(
    open_page: Callable[..., Any],
) -> None:
    coach = open_page()
    page = coach.page
    page.get_by_text("Drumming").click()
    page.wait_for_selector("#coach-answer .level")
    coach.wait_for_why()
    page.get_by_role("button", name="New performance").click()
    page.wait_for_selector("#coach-answer .level", state="detached")
    assert page.locator("li.view").count() == 0
    assert page.locator("button.example").first.is_visible()
