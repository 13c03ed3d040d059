"""What people do who see the page for the first time: drop anything, anywhere, in any number."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.needs_browser


def _drop(page: Page, where: str, *paths: Path) -> None:
    """Let go of files over a part of the page, as a person who dragged them there does."""
    box = page.locator(where).bounding_box()
    assert box is not None
    session = page.context.new_cdp_session(page)
    files = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send(
            "Input.dispatchDragEvent",
            {"type": kind, "x": box["x"] + 20, "y": box["y"] + 10, "data": files},
        )
    session.detach()


def test_a_video_that_is_dropped_twice_and_what_is_none_become_rows_of_their_own(
    open_page: Callable[..., Any], simulated_take: dict[str, Path], tmp_path: Path
) -> None:
    video, packed = simulated_take["ego"], tmp_path / "views.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(video, video.name)
    coach = open_page()
    _drop(coach.page, "coach-views .drop", video, packed)
    coach.wait_for_rows(2)
    _drop(coach.page, "coach-views .drop", video)
    coach.wait_for_rows(3)
    names = coach.page.locator("li.view:not(.failed) input.name")
    assert names.evaluate_all("each => each.map(e => e.value)") == ["ego", "ego2"]
    refused = coach.page.locator("li.view.failed")
    assert "views.zip" in refused.inner_text()
    assert "is a ZIP archive; unpack it" in refused.inner_text()
    coach.score()
    said = "2 views: ego, ego2; one file could not be read"
    assert coach.page.inner_text(".folded span") == said


def test_a_drop_beside_the_frame_goes_where_it_belongs_and_does_not_replace_the_page(
    open_page: Callable[..., Any], simulated_take: dict[str, Path]
) -> None:
    coach = open_page()
    _drop(coach.page, "header.page", simulated_take["ego"])
    coach.wait_for_rows(1)
    coach.page.get_by_role("tab", name="History").click()
    _drop(coach.page, "header.page", simulated_take["exo1"])
    coach.page.get_by_role("tab", name="Compare").click()
    _drop(coach.page, "coach-compare h2", simulated_take["exo1"])
    coach.page.get_by_role("button", name="Play both").wait_for()
    coach.page.get_by_role("tab", name="Score").click()
    assert coach.page.locator("li.view").count() == 1


def test_a_folder_that_is_dropped_is_said_to_be_one_and_files_beside_it_count(
    open_page: Callable[..., Any], simulated_take: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "monday"
    folder.mkdir()
    shutil.copy(simulated_take["ego"], folder)
    coach = open_page()
    _drop(coach.page, "coach-views .drop", folder, simulated_take["exo1"])
    coach.page.get_by_text("monday is a folder; open it and drop the videos").wait_for()
    coach.wait_for_rows(1)
    assert simulated_take["exo1"].name in coach.page.inner_text("li.view .file")


@pytest.mark.slow
def test_more_views_than_are_scored_together_are_left_out_and_it_stays_said(
    open_page: Callable[..., Any], tmp_path: Path
) -> None:
    files = [tmp_path / f"take_cam{number}.mp4" for number in range(10)]
    for file in files:
        file.write_bytes(b"not a video at all")
    coach = open_page()
    coach.add(*files, num_rows=8)
    message = coach.page.locator("coach-views .message:not(.former)")
    said = "At most 8 views are scored together; the last 2 files were left out."
    assert message.inner_text() == said
    coach.page.locator("li.view .remove").first.click()
    coach.wait_for_rows(7)
    assert message.is_hidden()
    coach.add(files[8], num_rows=8)
    assert message.is_hidden()


def test_a_name_that_is_not_allowed_is_said_each_time_and_forgotten_when_mended(
    open_page: Callable[..., Any], simulated_take: dict[str, Path]
) -> None:
    coach = open_page()
    coach.add(*simulated_take.values())
    name, message = coach.page.locator("li.view input.name").first, "two views are called 'exo1'"
    for _ in range(2):
        name.fill("exo1")
        name.blur()
        coach.page.get_by_text(message).wait_for()
        coach.page.click("coach-views button.large")
        coach.page.get_by_text(message).wait_for()
        assert coach.page.locator("#coach-answer .level").count() == 0
    name.fill("left")
    name.blur()
    coach.page.get_by_text(message).wait_for(state="hidden")
