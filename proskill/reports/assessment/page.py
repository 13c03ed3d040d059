"""One assessment as one HTML file that needs no other file and no network.

Every text that comes from outside is escaped by the template engine. Not here: drawing
(`figures.py`), layout (`templates/`), files and other formats (`report_files.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import BaseLoader, Environment, PackageLoader

from proskill.errors import VideoError
from proskill.reports.assessment.effect_chart import effect_chart
from proskill.reports.assessment.figures import (
    image_data_uri,
    score_scale,
    timeline_chart,
    view_colours,
)
from proskill.reports.toolkit import template_environment
from proskill.scoring.assessment import Assessment
from proskill.scoring.explain.explanation import Explanation
from proskill.video.reader import VideoReader
from proskill.video.sampling import uniform_instants

STATUS_NAMES = {"ok": "Confident", "low_confidence": "Unsure", "abstained": "Not assessable"}
VIEW_STATUS_NAMES = {"used": "looked at", "left_out": "left out", "unreadable": "unreadable"}
KIND_NAMES = {"ego": "worn by the performer", "exo": "watching the performer"}
DECISION_SUPPORT = (
    "Decision support, not selection: a person who knows the activity should look at the "
    "performance, too."
)
SIMULATED_NOTICE = "This model learned from simulated motion; it is no judge of real athletes."

_THUMBNAILS_PER_VIEW = 6
_THUMBNAILS_PER_MOMENT = 3
_THUMBNAIL_SHORT_SIDE_PX = 180

Strip = list[tuple[float, str]]
Strips = Mapping[str, Strip]


def notice_for(checkpoint_data: str) -> str:
    """What must stand above every answer of a model, from the `data` entry of its checkpoint."""
    return SIMULATED_NOTICE if "simulat" in checkpoint_data.lower() else ""


def page_environment(*loaders: BaseLoader) -> Environment:
    """Templates with escaping on: `base.html`, this package's `assessment_parts.html`, and more.

    Args:
        loaders: where a page's own templates lie; they are searched first.
    """
    environment = template_environment(*loaders, PackageLoader("proskill.reports.assessment"))
    environment.globals.update(
        status_names=STATUS_NAMES, view_status_names=VIEW_STATUS_NAMES, kind_names=KIND_NAMES
    )
    return environment


def assessment_context(
    assessment: Assessment,
    *,
    explanation: Explanation | None = None,
    strips: Strips | None = None,
    moments: Sequence[Strip] = (),
) -> dict[str, Any]:
    """What `assessment_parts.html` needs to show an assessment.

    Args:
        assessment: to show.
        explanation: of it, shown in place of the scores over time.
        strips: view name -> (seconds, picture's data URI), see `thumbnail_strips`.
        moments: the same of each moment of the explanation, see `moment_strips`.
    """
    colours = view_colours(assessment)
    scale = chart = None
    if assessment.score is not None:
        interval = assessment.interval
        scale = score_scale(
            assessment.levels,
            assessment.score,
            lower=None if interval is None else interval.lower,
            upper=None if interval is None else interval.upper,
        )
    if explanation is not None:
        chart = effect_chart(explanation)
    elif len(assessment.timeline) > 1:
        chart = timeline_chart(assessment.timeline, assessment.levels, view_numbers=colours)
    return {
        "assessment": assessment,
        "explanation": explanation,
        "moments": moments,
        "scale": scale,
        "chart": chart,
        "colours": colours,
        "strips": strips or {},
        "notice": notice_for(assessment.provenance.checkpoint_data),
    }


def thumbnail_strips(
    assessment: Assessment,
    files: Mapping[str, str | Path],
    *,
    num_frames: int = _THUMBNAILS_PER_VIEW,
    short_side_px: int = _THUMBNAIL_SHORT_SIDE_PX,
) -> dict[str, list[tuple[float, str]]]:
    """Pictures of each readable view at the same instants, spread over what was scored.

    Args:
        assessment: says which views can be read and which span was scored.
        files: view name -> video file; views without one get no pictures.
        num_frames: pictures per view.
        short_side_px: of each picture.
    """
    windows = assessment.provenance.instants_seconds
    strips = {}
    for name, view in assessment.views.items():
        if view.status == "unreadable" or name not in files:
            continue
        offset = assessment.provenance.offsets_seconds.get(name, 0.0)
        try:
            with VideoReader(files[name], size=short_side_px) as reader:
                start, end = 0.0, max(reader.duration_seconds, 1e-3)
                if windows:
                    start, end = windows[0][0], max(windows[-1][-1], windows[0][0] + 1e-3)
                else:
                    offset = 0.0  # nothing was aligned: show the file from its start
                strips[name] = _pictures(reader, (start, end), offset, num_frames=num_frames)
        except VideoError:
            continue  # the assessment already says what is wrong with the file
    return strips


def moment_strips(
    assessment: Assessment, explanation: Explanation, files: Mapping[str, str | Path]
) -> list[Strip]:
    """Pictures of each moment from the view it shows in most; none where that has no file."""
    found = []
    for moment in explanation.moments:
        strip: Strip = []
        if moment.view in files:
            offset = assessment.provenance.offsets_seconds.get(moment.view, 0.0)
            span = (moment.start_seconds, moment.end_seconds)
            path = files[moment.view]
            with suppress(VideoError), VideoReader(path, size=_THUMBNAIL_SHORT_SIDE_PX) as reader:
                strip = _pictures(reader, span, offset, num_frames=_THUMBNAILS_PER_MOMENT)
        found.append(strip)
    return found


def _pictures(
    reader: VideoReader, span: tuple[float, float], offset_seconds: float, *, num_frames: int
) -> Strip:
    """Pictures spread over a span [start, end) of the common clock, each with its second."""
    instants = uniform_instants(*span, num_frames=num_frames)
    frames = reader.frames_at(instants + offset_seconds)  # (T, C, H, W)
    pictures = np.asarray(frames.permute(0, 2, 3, 1).contiguous())  # (T, H, W, C)
    return [
        (float(seconds), image_data_uri(picture))
        for seconds, picture in zip(instants, pictures, strict=True)
    ]


def render_report(
    assessment: Assessment,
    *,
    explanation: Explanation | None = None,
    files: Mapping[str, str | Path] | None = None,
    heading: str = "",
) -> str:
    """The page as text.

    Args:
        assessment: to show.
        explanation: of it.
        files: view name -> video file, for pictures; without them the page has none.
        heading: title of the page; by default what the files' names share.
    """
    context = assessment_context(
        assessment,
        explanation=explanation,
        strips=thumbnail_strips(assessment, files) if files else None,
        moments=moment_strips(assessment, explanation, files) if files and explanation else (),
    )
    template = page_environment().get_template("assessment.html")
    return template.render(**context, heading=heading or heading_of(assessment))


def heading_of(assessment: Assessment) -> str:
    """The words that the files' names begin with, if there are any that all share."""
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
