"""Charts of ratings, about half a page wide, and the colours of levels.

Not here: the choice of figures (`ranking.py`, `page.py`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from markupsafe import Markup

from proskill.rating.comparisons import FloatArray, IntArray
from proskill.rating.reliability import ENOUGH_RELIABILITY, CurvePoint
from proskill.rating_files.tallies import count_bars, rating_bars
from proskill.reports.toolkit import Axis, Chart, axis_over, count_axis, round_ticks


def rating_histogram(
    rating: FloatArray,
    level: IntArray,
    *,
    num_levels: int,
    cuts: Sequence[tuple[float, float, float]] = (),
) -> Markup:
    """Draw the number of items by rating and level, with the cuts between levels.

    Args:
        rating: (I,) logits, I >= 1.
        level: (I,) index on the scale, -1 where an item has none.
        num_levels: of the scale, 0 without one.
        cuts: mean, lower and upper end of each cut's interval in logits.
    """
    logits = axis_over([*rating.tolist(), *(cut[0] for cut in cuts)], name="rating (logits)")
    counts = rating_bars(rating, level, num_levels=num_levels, low=logits.low, high=logits.high)
    edges = np.linspace(logits.low, logits.high, len(counts) + 1)
    most = int(counts.sum(axis=1).max())
    chart = Chart(logits, count_axis(most, name="items"))
    for _, lower, upper in cuts:
        chart.bar((lower, 0), (upper, most), "cut-band", gap=0, least=0)
    for index, row in enumerate(counts.tolist()):
        below = 0
        for of_level, count in enumerate(row):
            if count:
                has_level = of_level < num_levels
                share = 100 * of_level / max(num_levels - 1, 1)
                chart.bar(
                    (edges[index], below), (edges[index + 1], below + count),
                    "lv" if has_level else "plain-fill", style=f"--t:{share:.0f}%" * has_level,
                )  # fmt: skip
                below += count
    for mean, _, _ in cuts:
        chart.vertical(mean, "cut")
    return chart.svg(f"number of items by rating, {len(rating):,} items")


def comparison_counts(num_comparisons: IntArray, *, minimum: int) -> Markup:
    """Draw the number of items by their number of comparisons; too few stand out.

    Args:
        num_comparisons: (I,) of each item, I >= 1.
        minimum: an item with fewer is flagged.
    """
    counted = count_bars(num_comparisons, minimum=minimum)
    start, step, counts = counted.start, counted.step, counted.bars
    ends = [start - 0.5, start + step * len(counts) - 0.5]
    axis = axis_over(ends, margin=0.01, name="comparisons of an item")
    axis = replace(axis, ticks=tuple(tick for tick in axis.ticks if tick == int(tick)))
    chart = Chart(axis, count_axis(max(counts), name="items"))
    for index, count in enumerate(counts):
        if count:
            first = start + index * step
            last = first + step - 1
            name = f"{first}" if step == 1 else f"{first} to {last}"
            chart.bar(
                (first - 0.5, 0), (last + 0.5, count),
                "doubt-fill" if last < minimum else "plain-fill", gap=0.8,
                title=f"{name} comparisons: {count:,} items",
            )  # fmt: skip
    if axis.low < minimum - 0.5 < axis.high:
        chart.vertical(minimum - 0.5, "cut")
    return chart.svg("items by number of comparisons")


def reliability_chart(curve: Sequence[CurvePoint]) -> Markup:
    """Draw reliability after the first votes, with the line from which it is enough.

    Args:
        curve: one point or more, the last one with all votes.
    """
    votes = axis_over([0.0, float(curve[-1].num_votes)], num_ticks=5, margin=0.0, name="votes")
    chart = Chart(votes, Axis(0, 1, round_ticks(0, 1), has_grid=True))
    chart.horizontal(ENOUGH_RELIABILITY, "enough")
    below = 18 if curve[0].reliability > ENOUGH_RELIABILITY else -7  # away from the curve
    chart.text((0, ENOUGH_RELIABILITY), "enough from here", anchor="start", dx=8, dy=below)
    known = [point for point in curve if math.isfinite(point.reliability)]
    chart.line([(point.num_votes, point.reliability) for point in known], "bold")
    for point in known:
        text = f"{point.num_votes:,} votes: {point.reliability:.2f}"
        chart.dot((point.num_votes, point.reliability), title=text)
    return chart.svg("reliability against votes so far")
