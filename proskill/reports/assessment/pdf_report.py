"""One assessment as a PDF, which says what the HTML report says.

Not here: drawing (`pdf_page.py`).
"""

from __future__ import annotations

import base64

from proskill.reports.assessment.page import (
    DECISION_SUPPORT,
    KIND_NAMES,
    STATUS_NAMES,
    VIEW_STATUS_NAMES,
    Strips,
    notice_for,
)
from proskill.reports.assessment.pdf_page import (
    ACCENT,
    DOUBT,
    DOUBT_SOFT,
    NONE,
    SOFT,
    Page,
)
from proskill.scoring.assessment import Assessment, ViewResult
from proskill.scoring.explain.explanation import Explanation, Moment

_STATUS_COLOURS = {"ok": ACCENT, "low_confidence": DOUBT, "abstained": NONE}


def render_pdf(
    assessment: Assessment,
    *,
    heading: str,
    explanation: Explanation | None = None,
    strips: Strips | None = None,
) -> bytes:
    """The file's content.

    Args:
        assessment: to show.
        heading: title of the document.
        explanation: of the same assessment.
        strips: view name -> (seconds, picture's data URI), see `report.thumbnail_strips`.
    """
    page = Page(title=heading, footer_text=DECISION_SUPPORT)
    at = assessment.provenance.scored_at
    kicker = ("proskill", "skill assessment", *([at[:10]] if at else []))
    page.say(" \u00b7 ".join(kicker), size=8, colour=SOFT, after=0)
    page.say(heading, size=15, is_bold=True, after=3)
    if notice := notice_for(assessment.provenance.checkpoint_data):
        page.boxed(notice, colour=DOUBT, ground=DOUBT_SOFT)
    _answer(page, assessment)
    if assessment.skill_levels:
        _skills(page, assessment)
    if explanation is not None:
        _explanation(page, explanation)
    elif len(assessment.timeline) > 1:
        page.heading("When it shows", room=70)
        spans = [(w.start_seconds, w.end_seconds, w.score) for w in assessment.timeline]
        page.steps(spans, assessment.levels)
        page.say(
            "Each point is the score of one stretch of the performance, judged by itself; single "
            "stretches are less certain than the whole.", size=8, colour=SOFT,
        )  # fmt: skip
    for name, view in assessment.views.items():
        _view(page, name, view, (strips or {}).get(name, []))
    if assessment.warnings:
        page.heading("Worth knowing")
        page.points(assessment.warnings)
    _provenance(page, assessment)
    if page.has_replaced:
        page.say(
            "Characters that this file's font lacks are written as their Unicode numbers, <U+...>.",
            size=8, colour=SOFT,
        )  # fmt: skip
    return bytes(page.output())


def _answer(page: Page, assessment: Assessment) -> None:
    colour = _STATUS_COLOURS[assessment.status]
    page.say(STATUS_NAMES[assessment.status], size=10, colour=colour, is_bold=True, after=0.5)
    if assessment.level is None or assessment.score is None:
        page.say("No level", size=24, colour=NONE, is_bold=True)
        page.say(
            "Nothing in this input can be judged fairly, so no level and no score are given.",
            colour=SOFT,
        )
    else:
        page.say(assessment.level, size=24, is_bold=True)
        interval, ends = assessment.interval, None
        said = f"Score {assessment.score:.2f} of {len(assessment.levels) - 1}."
        if interval is not None:
            ends = (interval.lower, interval.upper)
            said += (
                f" For {100 * interval.coverage:.0f} of 100 performers the truth lies between "
                f"{interval.lower:.2f} and {interval.upper:.2f}."
            )
        page.say(said)
        if chosen := assessment.prediction_set:
            page.say(
                f"Levels to reckon with: {chosen.in_words}. Such a set holds the true level of "
                f"{100 * chosen.coverage:.0f} of 100 performers."
            )
        page.ln(1)
        page.scale(assessment.levels, assessment.score, ends)
        for level, p in reversed(list(assessment.probabilities.items())):
            is_top = level == assessment.level
            colour = ACCENT if is_top else SOFT
            page.bar(level, p, f"{100 * p:.0f} %", colour=colour, is_bold=is_top)
    if assessment.reasons:
        page.ln(1)
        silent = assessment.level is None
        page.say(
            "Why there is no answer" if silent else "Why this answer is in doubt", is_bold=True
        )
        page.points(assessment.reasons)


def _skills(page: Page, assessment: Assessment) -> None:
    page.heading("Each skill")
    top = len(assessment.levels) - 1
    for name, level in assessment.skill_levels.items():
        p = assessment.skill_probabilities[name][level]
        page.bar(name, assessment.skills[name] / top, f"{level}, {100 * p:.0f} %")
    page.say("These probabilities are not calibrated.", size=8, colour=SOFT)


def _explanation(page: Page, explanation: Explanation) -> None:
    page.heading("When and where it shows", room=75)
    page.effects(explanation)
    page.say(
        "Beside the average stretch. Lines show the noise; a pale bar lies within twice its noise "
        "and may be chance.", size=8, colour=SOFT,
    )  # fmt: skip
    for number, moment in enumerate(explanation.moments, 1):
        page.say(f"{number}.  {_moment(moment, is_named=len(explanation.views) > 1)}", after=0.6)
    if not explanation.moments:
        page.say("No moment stands out of the noise.")
    if len(explanation.views) > 1:
        page.ln(1)
        page.say("Where the ups and downs show most", is_bold=True)
        for name, view in explanation.views_by_share:
            page.bar(name, view.share, f"{100 * view.share:.0f} %", colour=SOFT)
            page.say(
                f"without it the average stretch scores {view.without_it}", size=8, colour=SOFT
            )
    page.say(explanation.method, size=8, colour=SOFT)


def _moment(moment: Moment, *, is_named: bool) -> str:
    """A moment in a sentence, with the view it shows in if there are several."""
    word, side = ("more", "above") if moment.effect > 0 else ("less", "below")
    said = (
        f"{moment.start_seconds:.1f} to {moment.end_seconds:.1f} s looks {word} skilled. By itself "
        f"it scores {abs(moment.effect):.2f} levels {side} the average stretch "
        f"(noise {moment.noise:.2f})"
    )
    said += f"; seen most in {moment.view}." if is_named else "."
    if skills := moment.skills_most:
        said += " Skills it shows in most: "
        said += ", ".join(f"{name} ({effect:+.2f})" for name, effect in skills) + "."
    return said


def _view(page: Page, name: str, view: ViewResult, strip: list[tuple[float, str]]) -> None:
    page.heading(name, room=45 if strip else 25)
    facts = [VIEW_STATUS_NAMES[view.status], view.file, KIND_NAMES[view.kind]]
    if view.duration_seconds is not None:
        facts.append(f"{view.duration_seconds:.1f} s")
    if view.size_px is not None:
        facts.append(f"{view.size_px[0]}\u00d7{view.size_px[1]} px")
    if view.frame_rate_hz is not None:
        facts.append(f"{view.frame_rate_hz:.3g} frames/s")
    page.say(" \u00b7 ".join(facts), size=8.5, colour=SOFT)
    if view.score is not None:
        page.say(f"From this view alone: {view.level}, score {view.score:.2f}.")
    if view.distance is not None:
        page.say(f"Distance to the training data {view.distance:.1f} \u00d7 the limit.")
    is_reason = view.status == "unreadable"
    page.points([reason if is_reason else f"The video {reason}." for reason in view.reasons])
    page.points(view.warnings)
    if strip:
        pictures = [
            (f"{seconds:.1f} s", base64.b64decode(uri.partition(",")[2])) for seconds, uri in strip
        ]
        page.strip(pictures)


def _provenance(page: Page, assessment: Assessment) -> None:
    origin = assessment.provenance
    page.heading("How this came about")
    page.pair("checkpoint", f"{origin.checkpoint}, sha256 {origin.checkpoint_sha256}")
    page.pair("learned from", origin.checkpoint_data)
    if origin.calibration:
        page.pair("calibration", " ".join(origin.calibration))
    page.pair("licence", origin.checkpoint_licence)
    for name, digest in origin.inputs.items():
        offset = origin.offsets_seconds.get(name, 0.0)
        page.pair(f"view {name}", f"sha256 {digest}" + (f", offset {offset} s" if offset else ""))
    page.pair("software", ", ".join(f"{name} {v}" for name, v in origin.versions.items()))
    when = f", {origin.scored_at}" if origin.scored_at else ""
    page.pair("ran on", f"{origin.device}, {origin.seconds:.1f} s{when}")
    if rows := origin.instants_seconds:
        page.pair("looked at", f"{len(rows)} windows from {rows[0][0]:.2f} to {rows[-1][-1]:.2f} s")
