"""A dataset's page: counts, balance, lengths, and what it looks like. It loads no address."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from jinja2 import PackageLoader

from proskill.data.file_facts import FileFacts
from proskill.data.sources import is_simulated
from proskill.data.stats import DatasetStats
from proskill.data.take import Take, View
from proskill.errors import VideoError
from proskill.plain_json import plain_json
from proskill.reports.assessment.figures import image_data_uri
from proskill.reports.toolkit import template_environment
from proskill.video.probe import DATASET_LIMITS
from proskill.video.reader import VideoReader
from proskill.whole_file import write_whole

_ADVICE = "free some space or choose another folder"
_SHOWN_SCENARIOS = 12
_SHOWN_VIEWS = 5
_SHORT_SIDE_PX = 160
_NUM_THREADS = 4


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
    """The numbers as JSON; what is undefined is null."""
    return json.dumps(plain_json(asdict(stats)), indent=2, ensure_ascii=False) + "\n"


def write_stats_json(path: Path, stats: DatasetStats) -> None:
    """Write `stats_json` whole or not at all.

    Raises:
        ProskillError: the file cannot be written.
    """
    write_whole(path, [stats_json(stats).encode("utf-8", "surrogateescape")], advice=_ADVICE)


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
    environment = template_environment(PackageLoader("proskill.reports.dataset"))
    text = environment.get_template("dataset.html").render(
        stats=stats,
        name=source.absolute().parent.name if source.stem == "manifest" else source.absolute().stem,
        is_simulated=is_simulated(source),
        scenarios=list(stats.scenarios)[:_SHOWN_SCENARIOS],
        pictures=thumbnails(takes, facts, scenarios=list(stats.scenarios)[:_SHOWN_SCENARIOS]),
        isnan=math.isnan,
    )
    write_whole(path, [text.encode("utf-8", "replace")], advice=_ADVICE)


def thumbnails(
    takes: Sequence[Take], facts: Mapping[Path, FileFacts], *, scenarios: Sequence[str]
) -> dict[str, list[Thumbnail]]:
    """Scenario -> a picture per view, of the first take that shows the most views."""
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
    import numpy as np

    file_end = facts[view.path.absolute()].duration_seconds
    start = max(0.0, view.start_seconds + view.offset_seconds)
    end = file_end if view.end_seconds is None else view.end_seconds + view.offset_seconds
    middle = (start + min(end, file_end)) / 2
    try:
        with VideoReader(view.path, size=_SHORT_SIDE_PX, limits=DATASET_LIMITS) as reader:
            [frame] = reader.frames_at(np.array([middle]))
    except VideoError:
        return None  # the check says what is wrong with the file
    return image_data_uri(frame.permute(1, 2, 0).numpy())
