"""A dataset's page: counts, balance, lengths, and pictures. It loads no address."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from proskill.data.distribution import Distribution
from proskill.data.file_facts import FileFacts
from proskill.data.sources import is_simulated
from proskill.data.stats import DatasetStats
from proskill.data.take import Take, View
from proskill.errors import VideoError
from proskill.plain_json import plain_json
from proskill.reports.pictures import strip_of
from proskill.reports.toolkit import (
    Axis,
    Chart,
    count_axis,
    number_text,
    render_page,
    round_ticks,
    write_page,
)
from proskill.video.probe import DATASET_LIMITS
from proskill.video.reader import VideoReader
from proskill.whole_file import write_whole

_SHOWN_SCENARIOS = 12
_SHOWN_VIEWS = 5
_SHORT_SIDE_PX = 160
_NUM_THREADS = 4
_NAMED_BARS = 12


@dataclass(frozen=True)
class Thumbnail:
    """A picture from the middle of a take.

    Attributes:
        take_id: which take.
        view: its camera.
        uri: the picture, as a data URI.
    """

    take_id: str
    view: str
    uri: str


def stats_json(stats: DatasetStats) -> str:
    """Return the numbers as JSON, undefined ones as null."""
    return json.dumps(plain_json(asdict(stats)), indent=2, ensure_ascii=False) + "\n"


def write_stats_json(path: Path, stats: DatasetStats) -> None:
    """Write `stats_json` whole or not at all.

    Raises:
        ProskillError: the file cannot be written.
    """
    content = stats_json(stats).encode("utf-8", "surrogateescape")
    write_whole(path, [content], advice="free some space or choose another folder")


def write_dataset_page(
    path: Path,
    stats: DatasetStats,
    takes: Sequence[Take],
    facts: Mapping[Path, FileFacts],
    *,
    source: Path,
) -> None:
    """Write the page whole or not at all.

    Args:
        path: the HTML file.
        stats: of `takes`.
        takes: one picture of each scenario and view is taken from the first that can be read.
        facts: by absolute path, one for every view.
        source: the dataset, for the heading and to tell simulated data from filmed.

    Raises:
        ProskillError: the page cannot be written.
    """
    shown = list(stats.scenarios)[:_SHOWN_SCENARIOS]
    text = render_page(
        "dataset.html",
        "dataset",
        stats=stats,
        name=source.absolute().parent.name if source.stem == "manifest" else source.absolute().stem,
        is_simulated=is_simulated(source),
        scenarios=shown,
        pictures=thumbnails(takes, facts, scenarios=shown),
        isnan=math.isnan,
        histogram=_histogram,
    )
    write_page(path, text)


def thumbnails(
    takes: Sequence[Take], facts: Mapping[Path, FileFacts], *, scenarios: Sequence[str]
) -> dict[str, list[Thumbnail]]:
    """Return for each scenario a picture per view, of the first take with the most views."""
    chosen: dict[str, Take] = {}
    for take in takes:
        best = chosen.get(take.scenario)
        if best is None or len(_readable(take, facts)) > len(_readable(best, facts)):
            chosen[take.scenario] = take
    wanted = [
        (scenario, chosen[scenario].take_id, name, view)
        for scenario in scenarios
        for name, view in list(_readable(chosen[scenario], facts).items())[:_SHOWN_VIEWS]
    ]
    pictures: dict[str, list[Thumbnail]] = {scenario: [] for scenario in scenarios}
    with ThreadPoolExecutor(_NUM_THREADS) as pool:
        uris = pool.map(lambda item: _picture(item[3], facts), wanted)
        for (scenario, take_id, name, _), uri in zip(wanted, uris, strict=True):
            if uri is not None:
                pictures[scenario].append(Thumbnail(take_id, name, uri))
    return pictures


def _readable(take: Take, facts: Mapping[Path, FileFacts]) -> dict[str, View]:
    return {
        name: view
        for name, view in sorted(take.views.items())
        if facts[view.path.absolute()].fault is None
    }


def _picture(view: View, facts: Mapping[Path, FileFacts]) -> str | None:
    file_end = facts[view.path.absolute()].duration_seconds
    start = max(0.0, view.start_seconds + view.offset_seconds)
    end = file_end if view.end_seconds is None else view.end_seconds + view.offset_seconds
    span = start, max(min(end, file_end), start + 1e-3)
    try:
        with VideoReader(view.path, size=_SHORT_SIDE_PX, limits=DATASET_LIMITS) as reader:
            return strip_of(reader, span, num_frames=1)[0][1]
    except VideoError:
        return None  # the check says what is wrong with the file


def _histogram(found: Distribution, unit: str, label: str) -> Markup:
    """Draw the number of values by size; whole numbers get a bar each with its number below."""
    edges, num = found.edges, len(found.counts)
    if edges[-1] - edges[0] == num and found.minimum == round(found.minimum):
        middles = tuple((np.asarray(edges[:-1]) + 0.5).tolist())
        ticks = middles if num <= _NAMED_BARS else (middles[0], middles[-1])
        first = found.minimum - middles[0]
        axis = Axis(edges[0], edges[-1], ticks, lambda at: number_text(at + first))
    else:
        ticks = round_ticks(edges[0], edges[-1])
        axis = Axis(edges[0], edges[-1], ticks, lambda at: f"{number_text(at)}{unit}")
    chart = Chart(axis, count_axis(max(found.counts)), height=190)
    for start, end, count in zip(edges[:-1], edges[1:], found.counts, strict=True):
        title = f"{start:.4g} to {end:.4g}{unit}: {count}"
        chart.bar((start, 0), (end, count), "plain-fill", gap=1, title=title)
    return chart.svg(label)
