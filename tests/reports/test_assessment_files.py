from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from proskill.errors import ProskillError
from proskill.reports.assessment.files import REPORT_SUFFIXES, report_content, write_report
from proskill.reports.assessment.pdf_page import Page
from proskill.scoring import Assessment, Scorer
from proskill.scoring.explain.explanation import Explanation, Moment, SegmentEffect, ViewEffect

MakeVideo = Callable[..., Path]
MakeCheckpoint = Callable[..., Path]

EXPLANATION = Explanation(
    segments=(SegmentEffect(0.0, 0.8, 0.25, 0.1), SegmentEffect(0.8, 1.6, -0.5, 0.1)),
    baseline=1.75,
    moments=(Moment(0.8, 1.6, -0.5, 0.1, "ego", {"ego": -0.5}),),
    views={"ego": ViewEffect(-0.5, 0.75), "exo1": ViewEffect(0.125, 0.25)},
    method="Compared with the average stretch, which scores 1.75; it is no proof.",
)


@pytest.fixture
def files(make_video: MakeVideo) -> dict[str, Path]:
    return {"ego": make_video("=HYPERLINK ego.mp4"), "exo1": make_video("b.mp4", seed=1)}


@pytest.fixture
def assessment(make_checkpoint: MakeCheckpoint, files: dict[str, Path]) -> Assessment:
    return Scorer.from_checkpoint(make_checkpoint()).score(files)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the pages of a PDF say; in the file itself texts are numbers of glyphs."""
    texts: list[str] = []
    known = Page.known

    def listen(page: Page, text: str) -> str:
        texts.append(known(page, text))
        return texts[-1]

    monkeypatch.setattr(Page, "known", listen)
    return texts


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
    assessment: Assessment, files: dict[str, Path], said: list[str]
) -> None:
    content = report_content("r.pdf", assessment, explanation=EXPLANATION, files=files)
    assert content.startswith(b"%PDF-")
    assert content.count(b"/Subtype /Image") == 12
    assert assessment.score is not None
    assert assessment.prediction_set is not None
    text = "\n".join(said)
    for words in (
        assessment.level,
        f"Score {assessment.score:.2f} of 3. For 80 of 100 performers",
        f"Levels to reckon with: {assessment.prediction_set.in_words}.",
        *assessment.levels,
        *assessment.reasons,
        *assessment.warnings,
        "This model learned from simulated motion; it is no judge of real athletes.",
        "Decision support, not selection",
        "1. 0.8 to 1.6 s looks less skilled. By itself it scores 0.50 levels below the average "
        "stretch (noise 0.10); seen most in ego.",
        "Where the ups and downs show most",
        "75 %",
        "without it the average stretch scores 0.50 higher",
        EXPLANATION.method,
        assessment.provenance.checkpoint_sha256,
        *assessment.provenance.inputs.values(),
    ):
        assert words is not None
        assert words in text


def test_an_abstention_has_no_level_in_its_pdf(
    make_checkpoint: MakeCheckpoint, make_video: MakeVideo, said: list[str]
) -> None:
    silent = Scorer.from_checkpoint(make_checkpoint()).score(make_video(picture="still"))
    report_content("r.pdf", silent)
    assert "No level" in said
    assert "Why there is no answer" in said
    assert not set(silent.levels) & set(said)


def test_letters_of_any_script_stay_or_are_named_by_number(
    assessment: Assessment, said: list[str]
) -> None:
    report_content("r.pdf", assessment, heading="J\u00fcrgen \u0416\u03a9 \u738b \u05d0\u05d1")
    assert "J\u00fcrgen \u0416\u03a9 <U+738B> <U+05D0><U+05D1>" in said
    assert any("font lacks are written as their Unicode numbers" in text for text in said)


def test_names_too_long_for_their_place_are_cut_and_all_ends(assessment: Assessment) -> None:
    views = {f"{name} " + "long " * 40: view for name, view in assessment.views.items()}
    levels = tuple(f"a level with a very long name indeed, number {k}" for k in range(4))
    grown = replace(
        assessment, views=views, levels=levels, level=levels[0], prediction_set=None,
        probabilities=dict(zip(levels, assessment.probabilities.values(), strict=True)),
    )  # fmt: skip
    assert report_content("r.pdf", grown, heading="x" * 500).startswith(b"%PDF-")
