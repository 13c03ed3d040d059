"""A dataset's page: counts, balance, lengths, and pictures. It loads no address."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from markupsafe import Markup

from proskill.data.file_facts import FileFacts
from proskill.data.sources import is_simulated
from proskill.data.stats import DatasetStats, Distribution
from proskill.data.take import Take
from proskill.plain_json import plain_json
from proskill.reports.pictures import Strip, take_strips
from proskill.reports.toolkit import (
    Axis,
    Chart,
    count_axis,
    number_text,
    render_page,
    round_ticks,
    write_page,
)
from proskill.whole_file import write_whole

_SHOWN_SCENARIOS = 12
_NUM_THREADS = 4
_NAMED_BARS = 12


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
        pictures=_pictures(takes, facts, scenarios=shown),
        isnan=math.isnan,
        histogram=_histogram,
    )
    write_page(path, text)


def _pictures(
    takes: Sequence[Take], facts: Mapping[Path, FileFacts], *, scenarios: Sequence[str]
) -> dict[str, tuple[str, dict[str, Strip]]]:
    """Return for each scenario the first take with the most readable views: id and a picture each.

    A scenario without a readable view is absent.
    """
    readable = {
        take.take_id: [
            name for name, view in take.views.items() if not facts[view.path.absolute()].fault
        ]
        for take in takes
    }
    chosen: dict[str, Take] = {}
    for take in takes:
        best = chosen.get(take.scenario)
        if len(readable[take.take_id]) > (len(readable[best.take_id]) if best else 0):
            chosen[take.scenario] = take
    shown = [
        replace(take, views={name: take.views[name] for name in sorted(readable[take.take_id])})
        for scenario, take in chosen.items()
        if scenario in scenarios
    ]
    with ThreadPoolExecutor(_NUM_THREADS) as pool:
        strips = pool.map(lambda take: take_strips(take, num_frames=1), shown)
        return {
            take.scenario: (take.take_id, found) for take, found in zip(shown, strips, strict=True)
        }


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
