"""Compare, history and reports, in a real browser on a running server."""

from __future__ import annotations

import csv
import itertools
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from proskill.scoring import Assessment
from proskill.scoring.assessment import TIMING_FIELDS

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.needs_browser


@pytest.fixture(scope="module")
def scored_page(
    browser: Browser, coach_server: Any, simulated_take: dict[str, Path]
) -> Iterator[Page]:
    """A page on which one performance was scored, which the tests of this file share."""
    context = browser.new_context(accept_downloads=True, locale="en-GB")
    context.set_default_timeout(60_000)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(coach_server.url)
    page.locator("coach-views input[type=file]").first.set_input_files(
        list(simulated_take.values())
    )
    page.locator("coach-views button.large:enabled").click()
    page.locator("coach-reports button").first.wait_for()
    yield page
    context.close()
    assert faults == []
    assert "Traceback" not in coach_server.log()


def _saved(page: Page, button: str, folder: Path) -> Path:
    page.get_by_role("tab", name="Score").click()
    with page.expect_download() as download:
        page.locator("coach-reports").get_by_role("button", name=button, exact=True).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_every_report_is_saved_and_says_the_same(scored_page: Page, tmp_path: Path) -> None:
    shown = scored_page.locator(".answer .level").first.inner_text()
    values = json.loads(_saved(scored_page, "JSON", tmp_path).read_text())
    explanation = values.pop("explanation")
    assert set(explanation["views"]) == {"ego", "exo1"}
    assessment = Assessment.from_dict(values)
    assert (assessment.level or "No level") == shown
    with _saved(scored_page, "CSV", tmp_path).open(newline="") as file:
        rows = {row["name"]: row["value"] for row in csv.DictReader(file)}
    assert rows.get("level", "No level") == shown
    pdf = _saved(scored_page, "PDF", tmp_path)
    assert pdf.read_bytes().startswith(b"%PDF-")
    num_pictures = 12 + 3 * len(explanation["moments"])
    assert pdf.read_bytes().count(b"/Subtype /Image") == num_pictures
    assert shown.replace(" ", "-") in pdf.name


def test_page_program_command_line_and_python_give_the_same_json(
    scored_page: Page,
    coach_server: Any,
    simulated_take: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from gradio_client import Client, handle_file

    from proskill.cli.main import main
    from proskill.scoring import Scorer, score_uploads
    from proskill.shipped_files import find_default_checkpoint

    downloaded = json.loads(_saved(scored_page, "JSON", tmp_path).read_text())
    del downloaded["explanation"]

    files = [handle_file(str(path)) for path in simulated_take.values()]
    client = Client(coach_server.url, verbose=False, analytics_enabled=False)
    called = client.predict(files, list(simulated_take), api_name="/score")
    client.close()

    scorer = Scorer.from_checkpoint(find_default_checkpoint())
    result = score_uploads(scorer, simulated_take, folder=tmp_path / "copies")

    views = [word for name, path in simulated_take.items() for word in ("--view", f"{name}={path}")]
    capsys.readouterr()
    assert main(["score", *views, "--as-upload", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)

    expected = _but_for_timing(json.loads(json.dumps(result.assessment.to_dict())))
    for given in (downloaded, called, printed):
        assert _but_for_timing(given) == expected


def _but_for_timing(assessment: dict[str, Any]) -> dict[str, Any]:
    provenance = dict(assessment["provenance"])
    return {**assessment, "provenance": provenance | dict.fromkeys(TIMING_FIELDS)}


def test_the_page_of_a_report_opens_without_a_network(
    scored_page: Page, browser: Browser, tmp_path: Path
) -> None:
    path = _saved(scored_page, "Page", tmp_path)
    context = browser.new_context(offline=True)
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    shown = scored_page.locator(".answer .level").first.inner_text()
    assert page.locator(".level").first.inner_text() == shown
    assert page.locator("img").count() >= 12  # six of each view, and the moments'
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    context.close()


def test_the_history_is_off_until_switched_on_and_forgets_when_told(
    scored_page: Page, coach_server: Any
) -> None:
    file = coach_server.folder / "data/proskill/history.sqlite3"
    page = scored_page
    page.get_by_role("tab", name="History").click()
    page.get_by_role("button", name="Switch on").wait_for()
    assert not file.exists()
    page.get_by_role("button", name="Switch on").click()
    page.get_by_label("Alias", exact=True).fill("<b>Blue</b> 7")
    page.get_by_role("button", name="Keep under this alias").click()
    page.get_by_text("Kept under <b>Blue</b> 7.", exact=True).wait_for()
    page.get_by_role("button", name="Keep under this alias").click()
    page.get_by_text("The answer on this page is kept under").wait_for()
    assert page.locator("ul.sessions li").count() == 1  # the same videos are kept once
    with sqlite3.connect(file) as database:
        [(kept,)] = database.execute("SELECT assessment FROM sessions").fetchall()
    database.close()
    assert ".mp4" not in kept
    page.get_by_role("tab", name="Compare").click()
    page.get_by_text("One session so far").wait_for()
    page.get_by_role("tab", name="History").click()
    delete = page.locator("ul.sessions button")
    delete.click()
    page.get_by_text("Really? Press again").click()
    page.get_by_text("One session was deleted.").wait_for()
    assert page.locator("ul.sessions li").count() == 0
    page.get_by_role("button", name="Switch off and delete everything").click()
    page.get_by_text("Really? Press again").click()
    page.get_by_role("button", name="Switch on").wait_for()
    assert b"Blue" not in file.read_bytes()


def test_a_reference_clip_runs_beside_from_its_own_start_at_its_own_speed(
    scored_page: Page, simulated_take: dict[str, Path], coach_server: Any
) -> None:
    page = scored_page
    page.get_by_role("tab", name="Compare").click()
    clips = page.locator("coach-compare")
    clips.locator("input[type=file]").set_input_files(simulated_take["exo1"])
    clips.get_by_role("button", name="Play both").wait_for()
    theirs = clips.locator("video").nth(1)
    page.wait_for_function(
        "() => [...document.querySelectorAll('coach-compare video')]"
        ".every((video) => video.readyState > 1)"
    )
    clips.get_by_label("Speed of the reference clip").select_option("0.5")
    _slide(clips.get_by_label("Reference clip: where in the file"), 1.0)
    page.wait_for_function(
        "() => Math.abs(document.querySelectorAll('coach-compare video')[1].currentTime - 1) < .05"
    )
    clips.locator(".side").nth(1).get_by_role("button", name="It begins here").click()
    clips.get_by_text("begins 1.0 s into the file").wait_for()
    _slide(clips.get_by_label("Time since the common start"), 2.0)
    page.wait_for_function(
        "() => document.querySelectorAll('coach-compare video')[0].currentTime > 1.9"
    )
    mine = clips.locator("video").nth(0)
    assert mine.evaluate("video => video.currentTime") == pytest.approx(2.0, abs=0.05)
    assert theirs.evaluate("video => video.currentTime") == pytest.approx(2.0, abs=0.05)
    assert theirs.evaluate("video => video.playbackRate") == 0.5
    clips.get_by_role("button", name="Play both").click()
    page.wait_for_function(
        "() => document.querySelectorAll('coach-compare video')[0].currentTime > 2.6"
    )
    clips.get_by_role("button", name="Pause").click()
    times = [video.evaluate("video => video.currentTime") for video in (mine, theirs)]
    assert times[1] == pytest.approx(1.0 + times[0] / 2, abs=0.2)
    assert simulated_take["exo1"].name not in {path.name for path in coach_server.files()}


def test_a_reference_that_is_no_video_is_refused_in_one_sentence(
    scored_page: Page, tmp_path: Path
) -> None:
    scored_page.get_by_role("tab", name="Compare").click()
    bad = tmp_path / "notes.mp4"
    bad.write_text("not a video\n" * 20)
    clips = scored_page.locator("coach-compare")
    clips.locator("input[type=file]").set_input_files(bad)
    said = clips.get_by_role("status").filter(has_text="notes.mp4")
    said.wait_for()
    assert str(tmp_path) not in said.inner_text()
    assert "/" not in said.inner_text()


def _slide(slider: Any, value: float) -> None:
    slider.evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input')); }",
        value,
    )


def test_sessions_of_one_day_stand_apart_in_the_chart(open_page: Callable[..., Any]) -> None:
    page = open_page(viewport={"width": 390, "height": 800}).page
    sessions = [
        {"at": f"2026-01-02T10:{minute:02}:00Z", "level": "Novice", "score": 1.0, "lower": None,
         "upper": None, "is_ok": True}
        for minute in range(6)
    ]  # fmt: skip
    value = {
        "aliases": ["Ann"], "alias": "Ann", "levels": ["Novice", "Expert"], "points": sessions,
        "has_now": False, "since_last": None, "since_first": None, "trend": None, "remarks": [],
    }  # fmt: skip
    page.get_by_role("tab", name="Compare").click()
    places = page.evaluate(
        "value => { const part = document.querySelector('coach-progress'); part.show(value);"
        "return [...part.querySelectorAll('circle')].map(dot => dot.cx.baseVal.value); }",
        value,
    )
    assert len(places) == 6
    gaps = [after - before for before, after in itertools.pairwise(places)]
    assert min(gaps) >= 28
    assert max(places) < 390
