"""Charts of an assessment: its score, its scores over time, its explanation and its skills.

Not here: pages (`page.py`), arithmetic of scores.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from markupsafe import Markup, escape

from proskill.reports.toolkit import Axis, Chart, level_axis, round_ticks, svg, time_axis
from proskill.scoring.assessment import Assessment, TimelineWindow
from proskill.scoring.explanation import Explanation

NUM_SERIES_COLOURS: Final = 7  # classes `.series-N` of base.css

_RANGE_COVERAGE: Final = 0.8
_MIN_RADAR_SKILLS: Final = 3
_LEAST_EFFECT: Final = 0.5  # levels: smaller effects are not drawn as if they were large
_RADAR_SIZE, _RADAR_RADIUS, _NUM_RINGS = 480.0, 120.0, 4
_LINE_HEIGHT, _MAX_LINE_LETTERS = 16.0, 14


def score_scale(
    levels: Sequence[str], score: float, *, lower: float | None = None, upper: float | None = None
) -> Markup:
    """Draw the axis of levels with the score on it and, if given, its interval as a band."""
    chart = Chart(level_axis(levels), Axis(-1, 1), height=62, top=12, right=12)
    chart.horizontal(0, "axis")
    if lower is not None and upper is not None:
        chart.bar((lower, -0.8), (upper, 0.8), "band", gap=0, least=4)
    for index in range(len(levels)):
        chart.dot((index, 0), look="tick", radius=4)
    chart.dot((score, 0), look="marker", radius=9)
    return chart.svg(f"score {score:.2f} on a scale from {levels[0]} to {levels[-1]}")


def timeline_chart(
    windows: Sequence[TimelineWindow], levels: Sequence[str], *, view_numbers: Mapping[str, int]
) -> Markup:
    """Draw scores over time: all views as a bold line, each view alone as a thin one.

    Args:
        windows: one or more, in time order.
        levels: names on the vertical axis.
        view_numbers: view name -> number of its colour; views without one are not drawn.
    """
    time = time_axis(windows[0].start_seconds, windows[-1].end_seconds)
    chart = Chart(time, level_axis(levels, has_grid=True), width=900)
    middles = [(window.start_seconds + window.end_seconds) / 2 for window in windows]
    for name, number in view_numbers.items() if len(view_numbers) > 1 else ():
        alone = [
            (at, window.view_scores[name])
            for at, window in zip(middles, windows, strict=True)
            if name in window.view_scores
        ]
        chart.line(alone, f"thin series-{number % NUM_SERIES_COLOURS}")
    for window in windows:
        ends = (window.start_seconds, window.score), (window.end_seconds, window.score)
        chart.segment(*ends, "span")
    points = [(at, window.score) for at, window in zip(middles, windows, strict=True)]
    chart.line(points, "bold")
    for window, point in zip(windows, points, strict=True):
        seconds = f"{window.start_seconds:.1f}-{window.end_seconds:.1f} s"
        chart.dot(point, title=f"{seconds}: {window.score:.2f}")
    return chart.svg("score over time")


def effect_chart(explanation: Explanation) -> Markup:
    """Draw signed effects over time with their noise, pale where they may be chance, and moments.

    Bars above the line look more skilled than the average segment, bars below it less.
    """
    segments = explanation.segments
    most = max(_LEAST_EFFECT, *(abs(part.effect) + part.noise for part in segments))
    effects = Axis(
        -most, 1.3 * most, round_ticks(-most, most, num_ticks=4),
        lambda tick: f"{tick:+g}".replace("-", "\N{MINUS SIGN}") if tick else "average segment",
        has_grid=True,
    )  # fmt: skip
    time = time_axis(segments[0].start_seconds, segments[-1].end_seconds)
    chart = Chart(time, effects, width=900, height=230)
    for part in segments:
        look = ("more" if part.effect > 0 else "less") + " chance" * part.may_be_chance
        seconds = f"{part.start_seconds:.1f}-{part.end_seconds:.1f} s"
        chart.bar(
            (part.start_seconds, 0), (part.end_seconds, part.effect), look, gap=1,
            title=f"{seconds}: {part.effect:+.2f}, noise {part.noise:.2f}",
        )  # fmt: skip
        middle = (part.start_seconds + part.end_seconds) / 2
        ends = part.effect - part.noise, part.effect + part.noise
        chart.segment((middle, ends[0]), (middle, ends[1]), "noise")
    for number, moment in enumerate(explanation.moments, 1):
        start, end, height = moment.start_seconds, moment.end_seconds, 1.15 * most
        chart.segment((start, height), (end, height), "moment")
        chart.text(((start + end) / 2, height), str(number), dy=-6)
    return chart.svg("which segments look more and less skilled than the average segment")


def view_colours(assessment: Assessment) -> dict[str, int]:
    """Return for each used view the number of its colour, the same in chart and legend."""
    used = [name for name, view in assessment.views.items() if view.status == "used"]
    return {name: number for number, name in enumerate(used)}


def skill_ranges(
    assessment: Assessment, *, coverage: float = _RANGE_COVERAGE
) -> dict[str, tuple[float, float]]:
    """Return the middle of the probability of each skill, on the axis of its score.

    Args:
        assessment: of a model of several skills.
        coverage: share of the probability within a range, in (0, 1).

    Returns:
        Skill name -> (lower, upper) in levels, within [0, levels - 1]; widened to the score.
    """
    tail = (1 - coverage) / 2
    ranges = {}
    for name, probabilities in assessment.skill_probabilities.items():
        # Each level's probability is spread evenly from half a level below it to half above.
        edges = np.concatenate([[0.0], np.cumsum(list(probabilities.values()))])
        places = np.clip(np.arange(len(edges)) - 0.5, 0, len(assessment.levels) - 1)
        lower, upper = np.interp([tail * edges[-1], (1 - tail) * edges[-1]], edges, places)
        score = assessment.skills[name]
        ranges[name] = (min(float(lower), score), max(float(upper), score))
    return ranges


def skill_radar(
    skills: Mapping[str, float], ranges: Mapping[str, tuple[float, float]], *, num_levels: int
) -> Markup | None:
    """Draw scores around a circle with their ranges as a band; None for fewer than three skills.

    A radar misleads by itself, because its area depends on the order of the skills: show it beside
    sorted bars only.

    Args:
        skills: name -> score in [0, num_levels - 1], in the order around the circle.
        ranges: name -> (lower, upper), as from `skill_ranges`.
        num_levels: of the scale.
    """
    names = list(skills)
    if len(names) < _MIN_RADAR_SKILLS:
        return None
    angles = [2 * math.pi * number / len(names) - math.pi / 2 for number in range(len(names))]

    def ring(shares: Sequence[float]) -> str:
        places = (_on_radar(a, share) for a, share in zip(angles, shares, strict=True))
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)

    def ring_of(values: Sequence[float]) -> str:
        return ring([value / (num_levels - 1) for value in values])

    circles = (ring([step / _NUM_RINGS] * len(names)) for step in range(1, _NUM_RINGS + 1))
    outer, inner = (ring_of([ranges[name][end] for name in names]) for end in (1, 0))
    parts = [
        *(f'<polygon class="radar-ring" points="{points}"/>' for points in circles),
        f'<path class="radar-range" fill-rule="evenodd" d="M{outer}Z M{inner}Z"/>',
        f'<polygon class="radar-score" points="{ring_of(list(skills.values()))}"/>',
        *(_radar_label(name, angle) for name, angle in zip(names, angles, strict=True)),
    ]
    described = "scores of " + ", ".join(f"{name} {score:.1f}" for name, score in skills.items())
    return svg(parts, width=_RADAR_SIZE, height=_RADAR_SIZE * 0.86, title=described)


def _on_radar(angle: float, share: float) -> tuple[float, float]:
    return (
        _RADAR_SIZE / 2 + _RADAR_RADIUS * share * math.cos(angle),
        _RADAR_SIZE * 0.43 + _RADAR_RADIUS * share * math.sin(angle),
    )


def _radar_label(name: str, angle: float) -> str:
    """Return a skill's name outside the circle, in lines that fit beside it."""
    x, y = _on_radar(angle, 1.12)
    anchor = "middle" if abs(math.cos(angle)) < 0.3 else "start" if math.cos(angle) > 0 else "end"
    lines: list[str] = []
    for word in name.replace("_", " ").split() or [name]:
        if lines and len(lines[-1]) + len(word) < _MAX_LINE_LETTERS:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    lines = [line[: _MAX_LINE_LETTERS + 4] for line in lines[:3]]
    top = y - (len(lines) - 1) * _LINE_HEIGHT * (1 if math.sin(angle) < -0.7 else 0.5) + 5
    return "".join(
        f'<text class="label" text-anchor="{anchor}" x="{x:.1f}" '
        f'y="{top + number * _LINE_HEIGHT:.1f}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )
