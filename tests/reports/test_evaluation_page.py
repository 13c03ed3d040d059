"""The page of an evaluation: whole, self-contained, honest about what is missing."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from proskill.data.take import View
from proskill.errors import ProskillError
from proskill.evaluation.predictions import Predictions
from proskill.evaluation.summary import summarise
from proskill.phrases import figure_text, interval_text
from proskill.reports.evaluation import worst_takes, write_report

MakeRun = Callable[..., Predictions]


def page_of(run: Predictions, folder: Path, *, data: str = "simulated", **changes: Any) -> str:
    options = {"train_takes": run.takes, "split": "test", "num_resamples": 30, **changes}
    write_report(
        folder / "report.html", run, summarise(run, data=data, **options), name="<b>my</b> run"
    )
    return (folder / "report.html").read_text()


@pytest.fixture
def filmed(make_run: MakeRun, tmp_path: Path) -> Predictions:
    """A run whose ego views are real files and whose exo views are missing."""
    path = tmp_path / "ego.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        for index in range(12):
            picture = np.full((32, 48, 3), 20 * index, dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    run = make_run(noise=1.0)
    views = {"ego": View(path, "ego"), "exo1": View(tmp_path / "absent.mp4", "exo")}
    return replace(run, takes=tuple(replace(take, views=views) for take in run.takes))


class Tags(HTMLParser):
    """Collects tags that were opened and not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("meta", "img", "br", "line", "circle", "polyline", "polygon", "rect"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            assert self.open.pop() == tag


def test_the_page_needs_no_other_file_and_shows_every_picture(
    filmed: Predictions, tmp_path: Path
) -> None:
    page = page_of(filmed, tmp_path)
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert "<script" not in page
    assert page.count("data:image/jpeg") == 6 * 4  # six takes, four pictures of the view there is
    for title in (
        "accuracy against confidence",
        "risk against coverage",
        "accuracy per scenario",
        "rank correlation by set of views",
    ):
        assert f"<title>{title}" in page
    tags = Tags()
    tags.feed(page)
    assert tags.open == []


def test_names_from_outside_cannot_become_markup(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(noise=1.0)
    takes = tuple(
        replace(t, take_id=f"<em>{t.take_id}", scenario="<script>x", participant_id=f"<u>{i}")
        for i, t in enumerate(run.takes)
    )
    page = page_of(replace(run, takes=takes), tmp_path)
    assert not re.findall(r"<(?:b|em|u|script)>", page)
    assert "&lt;script&gt;x" in page


def test_simulated_data_is_said_to_be_and_other_data_is_named(
    make_run: MakeRun, tmp_path: Path
) -> None:
    assert "Simulated data, no real performances" in page_of(make_run(), tmp_path)
    page = page_of(make_run(), tmp_path, data="filmed in a gym")
    assert "Simulated data" not in page
    assert "Data: filmed in a gym." in page


def test_a_run_that_only_equals_the_majority_is_said_to_show_no_gain(
    make_run: MakeRun, tmp_path: Path
) -> None:
    good = page_of(make_run(noise=0.1), tmp_path)
    assert "Better than the majority of each scenario" in good
    run = make_run()
    blind = replace(run, probabilities=np.tile([0.7, 0.1, 0.1, 0.1], (80, 1)).astype(np.float32))
    assert "No gain over the majority of each scenario is shown" in page_of(blind, tmp_path)


def test_the_worst_takes_are_the_most_surprising_misses(make_run: MakeRun) -> None:
    run = make_run(noise=1.0)
    found = worst_takes(run, num_takes=3)
    truth, rows = run.truth, np.arange(80)
    missed = run.predicted != truth
    given = np.where(missed, run.probabilities[rows, truth], np.inf)
    assert [f.take for f in found] == [run.takes[row] for row in np.argsort(given)[:3]]
    assert found[0].probability < found[0].confidence
    assert found[0].strips == {}  # none of its files exists
    assert worst_takes(make_run(noise=0.0)) == []


def test_videos_that_cannot_be_read_are_named_as_missing(make_run: MakeRun, tmp_path: Path) -> None:
    assert page_of(make_run(noise=1.0), tmp_path).count("None of its videos can be read.") == 6


def test_ratings_alone_give_a_page_without_levels(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    takes = [replace(t, level=None, rating=float(i % 7)) for i, t in enumerate(run.takes)]
    page = page_of(replace(run, takes=tuple(takes)), tmp_path)
    assert "score and rating" in page
    assert "Accuracy per scenario" not in page


def test_several_skills_have_a_chart_of_their_own(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run()
    takes = [
        replace(t, level=None, skills={"Steals": float(i % 5), "Fouls": float(i % 3)})
        for i, t in enumerate(run.takes)
    ]
    uniform = np.random.default_rng(0).dirichlet(np.ones(5), 80).astype(np.float32)
    skills = {"Steals": uniform, "Fouls": uniform}
    page = page_of(replace(run, takes=tuple(takes), skill_probabilities=skills), tmp_path)
    assert "exact accuracy per skill" in page
    assert "mean of 2 skills" in page


def test_a_single_participant_has_figures_without_intervals(
    make_run: MakeRun, tmp_path: Path
) -> None:
    run = make_run()
    takes = tuple(replace(take, participant_id="one") for take in run.takes)
    page = page_of(replace(run, takes=takes), tmp_path)
    assert "nan" not in page.lower().replace("finance", "")


def test_figures_are_written_for_people() -> None:
    assert figure_text(0.4567, is_share=True) == "45.7 %"
    assert figure_text(-0.1, is_share=False) == "\N{MINUS SIGN}0.100"
    assert figure_text(math.nan, is_share=True) == "\N{EN DASH}"
    assert interval_text(0.1, 0.25, is_share=True) == "10.0 to 25.0"
    assert interval_text(math.nan, 1, is_share=False) == ""


def test_a_page_that_cannot_be_written_is_one_sentence(make_run: MakeRun, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ProskillError, match="cannot be written"):
        page_of(make_run(), tmp_path / "file")
