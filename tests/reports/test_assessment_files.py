from __future__ import annotations

import csv
import io
import json
import os
import unicodedata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader

from proskill.errors import ProskillError
from proskill.reports.assessment import REPORT_SUFFIXES, report_content, write_report
from proskill.reports.pdf import html_to_pdf, missing_characters
from proskill.scoring import Assessment, Scorer
from proskill.scoring.explanation import Explanation, Moment, SegmentEffect, ViewEffect

MakeVideo = Callable[..., Path]
MakeCheckpoint = Callable[..., Path]

EXPLANATION = Explanation(
    segments=(SegmentEffect(0.0, 0.8, 0.25, 0.1), SegmentEffect(0.8, 1.6, -0.5, 0.1)),
    baseline=1.75,
    moments=(Moment(0.8, 1.6, -0.5, 0.1, "ego", {"ego": -0.5}),),
    views={"ego": ViewEffect(-0.5, 0.75), "exo1": ViewEffect(0.125, 0.25)},
    method="Compared with the average segment, which scores 1.75; it is no proof.",
)


@pytest.fixture
def files(make_video: MakeVideo) -> dict[str, Path]:
    return {"ego": make_video("=HYPERLINK ego.mp4"), "exo1": make_video("b.mp4", seed=1)}


@pytest.fixture
def assessment(make_checkpoint: MakeCheckpoint, files: dict[str, Path]) -> Assessment:
    return Scorer.from_checkpoint(make_checkpoint()).score(files)


def read_pdf(content: bytes) -> tuple[str, int]:
    """Return the text of a PDF, words in the order in which they are drawn, and its pictures."""
    pages = PdfReader(io.BytesIO(content)).pages
    text = " ".join(" ".join(page.extract_text().split()) for page in pages)
    return text, sum(len(page.images) for page in pages)


@pytest.mark.parametrize("suffix", REPORT_SUFFIXES)
def test_a_report_is_written_whole_or_not_at_all(
    assessment: Assessment, files: dict[str, Path], tmp_path: Path, suffix: str
) -> None:
    out = tmp_path / "deep" / f"report{suffix}"
    write_report(out, assessment, files=files)
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    with pytest.raises(ProskillError, match=rf"report\{suffix}/x\{suffix}: cannot be written"):
        write_report(out / f"x{suffix}", assessment)


def test_an_unknown_ending_is_refused_by_name(assessment: Assessment, tmp_path: Path) -> None:
    with pytest.raises(ProskillError, match=r"r\.doc: a report is written as \.html, \.pdf, \.csv"):
        write_report(tmp_path / "r.doc", assessment)
    assert not (tmp_path / "r.doc").exists()


def test_the_json_is_the_assessment_with_its_explanation(assessment: Assessment) -> None:
    plain = json.loads(report_content("r.json", assessment))
    assert Assessment.from_dict(plain) == assessment
    values = json.loads(report_content("r.json", assessment, explanation=EXPLANATION))
    assert Explanation.from_dict(values.pop("explanation")) == EXPLANATION
    assert values == plain


def test_the_csv_has_every_value_of_the_json_and_no_formula(assessment: Assessment) -> None:
    text = report_content("r.csv", assessment, explanation=EXPLANATION).decode()
    rows = {row["name"]: row["value"] for row in csv.DictReader(text.splitlines())}
    assert rows["level"] == assessment.level
    assert float(rows["score"]) == assessment.score
    assert rows["provenance.checkpoint_sha256"] == assessment.provenance.checkpoint_sha256
    assert rows["provenance.inputs.exo1"] == assessment.provenance.inputs["exo1"]
    assert float(rows["provenance.instants_seconds.0.1"]) == pytest.approx(0.1)
    assert rows["views.ego.file"] == "'=HYPERLINK ego.mp4"
    assert rows["explanation.moments.0.view"] == "ego"
    assert float(rows["explanation.baseline"]) == 1.75
    assert not [value for value in rows.values() if value.startswith(("=", "+", "@"))]


def test_the_pdf_says_what_the_assessment_says(
    assessment: Assessment, files: dict[str, Path]
) -> None:
    content = report_content("r.pdf", assessment, explanation=EXPLANATION, files=files)
    assert content.startswith(b"%PDF-")
    text, num_pictures = read_pdf(content)
    assert num_pictures == 12 + 3
    assert assessment.score is not None
    assert assessment.prediction_set is not None
    for words in (
        assessment.level,
        f"Score {assessment.score:.2f} of 3. For 80 of 100 performers",
        f"Plausible levels: {assessment.prediction_set.in_words}.",
        *assessment.levels,
        *assessment.reasons,
        *assessment.warnings,
        "This model learned from simulated motion; it is no judge of real athletes.",
        "Decision support, not selection",
        "0.8 to 1.6 s looks less skilled. By itself it scores 0.50 levels below the average "
        "segment (noise 0.10); seen most in ego.",
        "Where the ups and downs show most",
        "75 %",
        "without it the average segment scores 0.50 higher",
        EXPLANATION.method,
    ):
        assert words is not None
        assert words in text
    unbroken = text.replace(" ", "")
    for digest in (
        assessment.provenance.checkpoint_sha256,
        *assessment.provenance.inputs.values(),
    ):
        assert digest in unbroken


def test_an_abstention_has_no_level_in_its_pdf(
    make_checkpoint: MakeCheckpoint, make_video: MakeVideo
) -> None:
    silent = Scorer.from_checkpoint(make_checkpoint()).score(make_video(picture="still"))
    text, _ = read_pdf(report_content("r.pdf", silent))
    assert "No level" in text
    assert "Why there is no level" in text
    assert not any(level in text for level in silent.levels)


def test_arabic_is_joined_and_written_from_right_to_left_as_hebrew_is(
    assessment: Assessment,
) -> None:
    heading = (
        "J\u00fcrgen \u0416\u03a9, \u0645\u062d\u0645\u062f; \u05d3\u05d5\u05d3 \u05db\u05d4\u05df"
    )
    text, _ = read_pdf(report_content("r.pdf", assessment, heading=heading))
    assert "J\u00fcrgen \u0416\u03a9," in text
    assert "\u05db\u05d4\u05df \u05d3\u05d5\u05d3" in text  # the second word is drawn at the left
    [word] = [
        word
        for word in text.split()
        if "\u0645\u062d\u0645\u062f" in unicodedata.normalize("NFKC", word)
    ]
    joined = [letter for letter in word if "\ufe70" <= letter <= "\ufeff"]
    assert len(joined) == 4  # each letter in the form that it takes beside its neighbours
    assert "No font of this machine" not in text


def test_japanese_is_drawn_or_named_as_missing(assessment: Assessment) -> None:
    text, _ = read_pdf(report_content("r.pdf", assessment, heading="\u738b"))
    is_missing = bool(missing_characters("\u738b"))
    assert ("No font of this machine has the characters U+738B" in text) == is_missing
    if is_missing:
        assert os.environ.get("PROSKILL_REQUIRE_FONTS") != "1", "install fonts-noto-cjk"
    else:
        assert "\u738b" in text


def test_a_character_without_a_font_is_named(assessment: Assessment) -> None:
    text, _ = read_pdf(report_content("r.pdf", assessment, heading="a \U000f1234 b"))
    assert "No font of this machine has the characters U+F1234; they are drawn as boxes." in text
    assert missing_characters("Late Expert \u00fc \u0416 \u2212 \u200f \u0301") == ""


def test_a_pdf_loads_no_file(tmp_path: Path) -> None:
    picture = tmp_path / "secret.svg"
    picture.write_text("<svg xmlns='http://www.w3.org/2000/svg'><text y='20'>secret</text></svg>")
    page = f"<head></head><p>shown</p><img src='{picture.as_uri()}'>"
    assert read_pdf(html_to_pdf(page)) == ("shown", 0)


def test_names_too_long_for_their_place_are_cut_and_all_ends(assessment: Assessment) -> None:
    views = {f"{name} " + "long " * 40: view for name, view in assessment.views.items()}
    levels = tuple(f"a level with a very long name indeed, number {k}" for k in range(4))
    grown = replace(
        assessment, views=views, levels=levels, level=levels[0], prediction_set=None,
        probabilities=dict(zip(levels, assessment.probabilities.values(), strict=True)),
    )  # fmt: skip
    assert report_content("r.pdf", grown, heading="x" * 500).startswith(b"%PDF-")
