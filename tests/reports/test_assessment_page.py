from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from jinja2 import DictLoader

from proskill.reports.assessment import render_report
from proskill.reports.assessment.charts import score_scale
from proskill.reports.pictures import image_data_uri
from proskill.reports.toolkit import template_environment
from proskill.scoring import (
    Assessment,
    Explanation,
    Moment,
    Scorer,
    SegmentEffect,
    ViewEffect,
)

MakeVideo = Callable[..., Path]
MakeCheckpoint = Callable[..., Path]

EVIL = '<img src=x onerror=alert(1)> & "name"'
LOADING = ("src", "href", "srcset", "poster", "data", "action", "xlink:href")


class _Page(HTMLParser):
    """Collector of the addresses that a browser would load, and of elements."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.elements: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.addresses += [value or "" for name, value in attributes if name in LOADING]
        assert not any(name.startswith("on") for name, _ in attributes)

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def scored(
    make_checkpoint: MakeCheckpoint, make_video: MakeVideo
) -> tuple[Assessment, dict[str, Path]]:
    files = {"ego": make_video("ego.mp4"), EVIL: make_video("<b>&'.mp4", seed=4)}
    return Scorer.from_checkpoint(make_checkpoint()).score(files), files


def test_the_page_says_what_the_assessment_says(
    scored: tuple[Assessment, dict[str, Path]],
) -> None:
    assessment, files = scored
    page = _Page(render_report(assessment, files=files))
    assert assessment.level is not None
    assert assessment.score is not None
    assert assessment.prediction_set is not None
    for text in (
        assessment.level,
        f"Plausible levels: {assessment.prediction_set.in_words}. Such a set contains the true",
        "Fitted on 60 takes of 30 participants.",
        f"{assessment.score:.2f}",
        "For 80 of 100 performers the truth lies between",
        *assessment.reasons,
        "This model learned from simulated motion; it is no judge of real athletes.",
        assessment.provenance.checkpoint_sha256,
        f"skill assessment · {assessment.provenance.scored_at[:10]}",
        *assessment.provenance.inputs.values(),
        *(f"{100 * p:.0f} %" for p in assessment.probabilities.values()),
    ):
        assert text in page.text
    assert page.elements.count("img") == 12
    assert page.elements.count("svg") == 2


def test_the_page_loads_nothing_from_elsewhere(
    scored: tuple[Assessment, dict[str, Path]],
) -> None:
    assessment, files = scored
    text = render_report(assessment, files=files)
    page = _Page(text)
    assert all(address.startswith("data:image/") for address in page.addresses)
    assert not re.search(r"url\(|@import|https?://", text)
    assert not {"script", "link", "iframe", "object", "base"} & set(page.elements)


def test_hostile_names_stay_text(scored: tuple[Assessment, dict[str, Path]]) -> None:
    assessment, files = scored
    text = render_report(assessment, files=files, heading=EVIL)
    assert EVIL not in text
    assert "<b>&" not in text
    page = _Page(text)
    assert EVIL in page.text
    assert "b" not in page.elements


def test_an_abstained_assessment_has_no_level_on_its_page(
    make_checkpoint: MakeCheckpoint, make_video: MakeVideo
) -> None:
    file = make_video(picture="still")
    assessment = Scorer.from_checkpoint(make_checkpoint()).score({"exo1": file})
    page = _Page(render_report(assessment, files={"exo1": file}))
    assert "Not assessable" in page.text
    assert "The video shows no motion." in page.text
    assert not any(level in page.text for level in assessment.levels)
    assert page.elements.count("svg") == 0
    assert page.elements.count("img") == 6


def test_real_weights_carry_no_simulation_notice(
    make_checkpoint: MakeCheckpoint, make_video: MakeVideo
) -> None:
    checkpoint = make_checkpoint(data="takes of 300 climbers")
    assessment = Scorer.from_checkpoint(checkpoint).score({"exo1": make_video()})
    assert "no judge of real athletes" not in render_report(assessment)


def test_other_pages_build_on_the_same_look() -> None:
    template = "{% extends 'base.html' %}{% block content %}{{ name }}{% endblock %}"
    page = template_environment(DictLoader({"own.html": template})).get_template("own.html")
    text = page.render(name="<i>")
    assert "&lt;i&gt;" in text
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_pictures_become_data() -> None:
    image = np.zeros((4, 6, 3), np.uint8)
    assert image_data_uri(image).startswith("data:image/jpeg;base64,/9j/")
    with pytest.raises(ValueError, match="expected uint8"):
        image_data_uri(image.astype(float))  # type: ignore[arg-type]


@pytest.mark.parametrize("num_levels", [2, 4, 9])
def test_a_scale_of_any_length_is_drawn(num_levels: int) -> None:
    names = [f"<{i}>" for i in range(num_levels)]
    drawn = score_scale(names, 0.5, lower=0.0, upper=1.0)
    assert "<0>" not in drawn
    assert "&lt;0&gt;" in drawn


def test_an_explanation_takes_the_place_of_scores_over_time(
    scored: tuple[Assessment, dict[str, Path]],
) -> None:
    assessment, files = scored
    effects = {"ego": 0.1, EVIL: -0.7}
    explanation = Explanation(
        segments=(SegmentEffect(0.0, 0.8, 0.2, 0.1), SegmentEffect(0.8, 1.6, -0.6, 0.1)),
        baseline=1.75,
        moments=(Moment(0.8, 1.6, -0.6, 0.1, EVIL, effects, {"Balance": -0.9, "Pace": 0.1}),),
        views={"ego": ViewEffect(0.05, 0.25), EVIL: ViewEffect(-0.2, 0.75)},
        method="How it was made.",
    )
    text = render_report(assessment, explanation=explanation, files=files)
    page = _Page(text)
    assert {"img", "rect"} <= set(page.elements)
    assert all(address.startswith("data:") for address in page.addresses)
    said = " ".join(page.text.split())
    assert "0.8 to 1.6 s looks less skilled. By itself it scores 0.60 levels below the" in said
    assert f"seen most in {EVIL}. Skills it shows in most: Balance (-0.90), Pace (+0.10)." in said
    first, second = (said.index(f"average segment scores {what}") for what in ("0.20 h", "0.05 l"))
    assert first < second  # the view in which more shows comes first, whatever it does otherwise
    assert "How it was made." in said
    assert "judged by itself; single segments" not in said
    assert text.count("<figcaption>") == 6 + 6 + 3


def test_a_map_without_moments_says_so(scored: tuple[Assessment, dict[str, Path]]) -> None:
    segments = (SegmentEffect(0.0, 0.8, 0.0, 0.1), SegmentEffect(0.8, 1.6, 0.0, 0.1))
    calm = Explanation(segments, 1.0, (), {"ego": ViewEffect(0.0, 1.0)}, "How.")
    said = _Page(render_report(scored[0], explanation=calm)).text
    assert "No moment exceeds the noise." in said
    assert "Where the ups and downs show most" not in said
