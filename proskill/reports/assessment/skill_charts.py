"""Several skills at a glance: the range that a model holds probable for each, and a radar.

A radar alone misleads, because its area depends on the order of the skills; it stands beside sorted
bars and never without them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup, escape

from proskill.reports.toolkit import svg
from proskill.scoring.assessment import Assessment

RANGE_COVERAGE = 0.8
MIN_RADAR_SKILLS = 3

_SIZE, _RADIUS, _NUM_RINGS = 420.0, 120.0, 4
_LINE_HEIGHT, _MAX_LINE_LETTERS = 16.0, 14


def skill_ranges(
    assessment: Assessment, *, coverage: float = RANGE_COVERAGE
) -> dict[str, tuple[float, float]]:
    """The middle of what a model holds probable for each skill, on the axis of its score.

    Args:
        assessment: of a model of several skills.
        coverage: share of the probability within a range, in (0, 1).

    Returns:
        Skill name -> (lower, upper) in levels, within [0, levels - 1]; widened to hold the score.
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
    """Scores around a circle, the ranges as a band; None for fewer than three skills.

    Args:
        skills: name -> score in [0, num_levels - 1], in the order around the circle.
        ranges: name -> (lower, upper), as `skill_ranges` gives them.
        num_levels: of the scale.
    """
    names = list(skills)
    if len(names) < MIN_RADAR_SKILLS:
        return None
    angles = [2 * math.pi * number / len(names) - math.pi / 2 for number in range(len(names))]

    def ring(values: Sequence[float]) -> list[tuple[float, float]]:
        return [_at(angle, v / (num_levels - 1)) for angle, v in zip(angles, values, strict=True)]

    rings = [[_at(a, step / _NUM_RINGS) for a in angles] for step in range(1, _NUM_RINGS + 1)]
    parts = [f'<polygon class="radar-ring" points="{_points(points)}"/>' for points in rings]
    outer = ring([ranges[name][1] for name in names])
    inner = ring([ranges[name][0] for name in names])
    parts.append(
        f'<path class="radar-range" fill-rule="evenodd" d="M{_points(outer)}Z M{_points(inner)}Z"/>'
    )
    parts.append(f'<polygon class="radar-score" points="{_points(ring(list(skills.values())))}"/>')
    for name, angle in zip(names, angles, strict=True):
        parts.append(_label(name, angle))
    described = "scores of " + ", ".join(f"{name} {score:.1f}" for name, score in skills.items())
    return svg(parts, width=_SIZE, height=_SIZE * 0.86, title=described)


def _at(angle: float, share: float) -> tuple[float, float]:
    middle_x, middle_y = _SIZE / 2, _SIZE * 0.43
    return (
        middle_x + _RADIUS * share * math.cos(angle),
        middle_y + _RADIUS * share * math.sin(angle),
    )


def _points(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _label(name: str, angle: float) -> str:
    """A skill's name outside the circle, in lines that fit beside it."""
    x, y = _at(angle, 1.12)
    anchor = "middle" if abs(math.cos(angle)) < 0.3 else "start" if math.cos(angle) > 0 else "end"
    lines = _lines(name)
    top = y - (len(lines) - 1) * _LINE_HEIGHT * (1 if math.sin(angle) < -0.7 else 0.5) + 5
    spans = "".join(
        f'<tspan x="{x:.1f}" y="{top + number * _LINE_HEIGHT:.1f}">{escape(line)}</tspan>'
        for number, line in enumerate(lines)
    )
    return f'<text class="label" text-anchor="{anchor}">{spans}</text>'


def _lines(name: str) -> list[str]:
    lines: list[str] = []
    for word in name.replace("_", " ").split() or [name]:
        if lines and len(lines[-1]) + len(word) < _MAX_LINE_LETTERS:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return [line[: _MAX_LINE_LETTERS + 4] for line in lines[:3]]
