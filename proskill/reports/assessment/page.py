"""One assessment as one HTML page that needs no other file and no network.

Every text that comes from outside is escaped by the template engine. Not here: drawing
(`charts.py`), layout (`templates/`), files and other formats (`files.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from proskill.errors import VideoError
from proskill.phrases import model_notice
from proskill.reports.assessment.charts import (
    effect_chart,
    score_scale,
    skill_radar,
    skill_ranges,
    timeline_chart,
    view_colours,
)
from proskill.reports.pictures import SHORT_SIDE_PX, Strip, strip_of
from proskill.reports.toolkit import render_page
from proskill.scoring.assessment import Assessment
from proskill.scoring.explanation import Explanation
from proskill.video.reader import VideoReader

_FRAMES_PER_VIEW = 6
_FRAMES_PER_MOMENT = 3
_SHORTEST_SECONDS = 1e-3


def assessment_context(
    assessment: Assessment,
    *,
    explanation: Explanation | None = None,
    strips: Mapping[str, Strip] | None = None,
    moments: Sequence[Strip] = (),
) -> dict[str, Any]:
    """Return the values with which `assessment_parts.html` shows an assessment.

    Args:
        assessment: to show.
        explanation: of it, shown in place of the scores over time.
        strips: pictures by view, see `view_strips`.
        moments: pictures of each moment of the explanation, see `moment_strips`.
    """
    colours = view_colours(assessment)
    scale = chart = None
    if assessment.score is not None:
        interval = assessment.interval
        ends = {} if interval is None else {"lower": interval.lower, "upper": interval.upper}
        scale = score_scale(assessment.levels, assessment.score, **ends)
    if explanation is not None:
        chart = effect_chart(explanation)
    elif len(assessment.timeline) > 1:
        chart = timeline_chart(assessment.timeline, assessment.levels, view_numbers=colours)
    ranges = skill_ranges(assessment)
    return {
        "assessment": assessment,
        "ranges": ranges,
        "radar": skill_radar(assessment.skills, ranges, num_levels=len(assessment.levels)),
        "explanation": explanation,
        "moments": moments,
        "scale": scale,
        "chart": chart,
        "colours": colours,
        "strips": strips or {},
        "notice": model_notice(assessment.provenance.checkpoint_data),
    }


def view_strips(assessment: Assessment, files: Mapping[str, str | Path]) -> dict[str, Strip]:
    """Return pictures of each readable view, spread over the scored span.

    Args:
        assessment: of these files.
        files: view name -> video file; views without one get no pictures.
    """
    windows = assessment.provenance.instants_seconds
    strips = {}
    for name, view in assessment.views.items():
        if view.status == "unreadable" or name not in files:
            continue
        with suppress(VideoError), VideoReader(files[name], size=SHORT_SIDE_PX) as reader:
            if windows:
                offset = assessment.provenance.offsets_seconds.get(name, 0.0)
                span = windows[0][0], max(windows[-1][-1], windows[0][0] + _SHORTEST_SECONDS)
            else:  # nothing was aligned: show the file from its start
                offset, span = 0.0, (0.0, max(reader.duration_seconds, _SHORTEST_SECONDS))
            strips[name] = strip_of(
                reader, span, num_frames=_FRAMES_PER_VIEW, offset_seconds=offset
            )
    return strips


def moment_strips(
    assessment: Assessment, explanation: Explanation, files: Mapping[str, str | Path]
) -> list[Strip]:
    """Return pictures of each moment from the view with the largest effect, if it has a file."""
    strips = []
    for moment in explanation.moments:
        strip: Strip = []
        if path := files.get(moment.view):
            offset = assessment.provenance.offsets_seconds.get(moment.view, 0.0)
            span = moment.start_seconds, moment.end_seconds
            with suppress(VideoError), VideoReader(path, size=SHORT_SIDE_PX) as reader:
                strip = strip_of(reader, span, num_frames=_FRAMES_PER_MOMENT, offset_seconds=offset)
        strips.append(strip)
    return strips


def render_report(
    assessment: Assessment,
    *,
    explanation: Explanation | None = None,
    files: Mapping[str, str | Path] | None = None,
    heading: str = "",
) -> str:
    """Return the page as text.

    Args:
        assessment: to show.
        explanation: of it.
        files: view name -> video file, for pictures; without them the page has none.
        heading: title of the page; by default the words that the files' names share.
    """
    context = assessment_context(
        assessment,
        explanation=explanation,
        strips=view_strips(assessment, files) if files else None,
        moments=moment_strips(assessment, explanation, files) if files and explanation else (),
    )
    heading = heading or heading_of(assessment)
    return render_page("assessment.html", "assessment", **context, heading=heading)


def heading_of(assessment: Assessment) -> str:
    """Return the words with which all names of the files begin, and the number of views."""
    names = [view.file for view in assessment.views.values()]
    if len(names) == 1:
        return names[0]
    shared = []
    for parts in zip(*(re.split(r"[_\-. ]+", Path(name).stem) for name in names), strict=False):
        if len(set(parts)) > 1:
            break
        shared.append(parts[0])
    num_views = f"{len(names)} views"
    return f"{' '.join(shared)}, {num_views}" if shared else f"A performance in {num_views}"
