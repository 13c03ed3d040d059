"""Rows of the report for the templates: groups with their rankings, and annotators.

Nothing is estimated here. Positions are per cent of the width of the place that they are drawn in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from proskill.rating.annotators import AnnotatorReport
from proskill.rating.comparisons import IntArray
from proskill.rating.health import FLAGS
from proskill.rating.level_cuts import LevelCuts
from proskill.rating.rate import RatingRun
from proskill.rating.reliability import GroupReliability
from proskill.rating_files.headline import num_pieces
from proskill.rating_files.tallies import (
    GroupRows,
    cut_bands,
    group_rows,
    least_reliable_first,
    level_colour,
    level_indices,
)
from proskill.reports.rating.charts import rating_histogram
from proskill.reports.toolkit import Axis, axis_over, number_text

_MAX_GROUPS: Final = 200  # shown one by one
_MAX_ANNOTATORS: Final = 100
_ENDS: Final = (5, 50)  # items from each end of a long ranking
_MAX_ROWS: Final = 4000  # ranked items on a page, so that it stays quick to open


@dataclass(frozen=True)
class Bar:
    """An interval and the value in it, in per cent of the width."""

    start: float
    width: float
    at: float


@dataclass(frozen=True)
class LevelShare:
    """One level of an item: how probable it is, and its colour in per cent of the scale."""

    name: str
    probability: float
    colour: float


@dataclass(frozen=True)
class Row:
    """One ranked item.

    `piece` counts the connected parts of a group that falls apart, from 1; 0 elsewhere. `elo` and
    `elo_spread` are NaN when Elo was not asked for.
    """

    rank: int
    item: str
    rating: float
    lower: float
    upper: float
    bar: Bar
    level: str
    colour: float
    levels: tuple[LevelShare, ...]
    num_comparisons: int
    flags: tuple[str, ...]
    piece: int
    elo: float
    elo_spread: float

    @property
    def level_probability(self) -> float:
        return next((one.probability for one in self.levels if one.name == self.level), math.nan)


@dataclass(frozen=True)
class GroupPart:
    """One group: its ranking, cuts and state.

    Attributes:
        number: tells groups apart in links.
        reliability: its figures.
        rows: ranked items from the top.
        num_hidden: items that follow these and are not shown.
        bottom: ranked items at the end of a long ranking.
        ticks: text and place of the axis's marks.
        cuts: places of the cuts between levels.
        cut_values: the cuts in logits.
        histogram: of all items, where the ranking does not show all of them or there is one group.
        num_pieces: connected parts of the items that were compared at all.
        num_flagged: items with a flag.
        shared_flags: flags that all items carry; their rows do not repeat them.
    """

    number: int
    reliability: GroupReliability
    rows: tuple[Row, ...]
    num_hidden: int
    bottom: tuple[Row, ...]
    ticks: tuple[tuple[str, float], ...]
    cuts: tuple[float, ...]
    cut_values: tuple[float, ...]
    histogram: Markup
    num_pieces: int
    num_flagged: int
    shared_flags: tuple[str, ...]


@dataclass(frozen=True)
class AnnotatorRow:
    """One annotator with the bar of the discrimination."""

    report: AnnotatorReport
    bar: Bar


def group_parts(run: RatingRun) -> list[GroupPart]:
    """Return the groups, least reliable first, up to the number that fits a page."""
    order = least_reliable_first(run, limit=_MAX_GROUPS)
    view = _RowView(run)
    cuts_of = {cut.group: cut for cut in run.levels}
    return [
        _group_part(view, part, cuts_of.get(part.group))
        for part in group_rows(run, order, max_rows=_MAX_ROWS, ends=_ENDS)
        if len(part.rows)
    ]


def annotator_rows(run: RatingRun) -> tuple[list[AnnotatorRow], tuple[float, float]]:
    """Return annotators, flagged ones first, then by how closely they follow the others.

    Returns:
        The rows, up to the number that fits a page, and the places of 0 (a coin) and 1 (the mean
        annotator) on their bars.
    """
    reports = sorted(
        run.agreement.annotators, key=lambda one: (not one.flags, one.discrimination, one.annotator)
    )[:_MAX_ANNOTATORS]
    lowest = [one.discrimination_lower for one in reports]
    highest = [one.discrimination_upper for one in reports]
    axis = axis_over([-0.25, 1.25, *lowest, *highest])  # space for the names of the marks
    rows = [
        AnnotatorRow(
            one,
            _interval_bar(
                axis, one.discrimination, one.discrimination_lower, one.discrimination_upper
            ),
        )
        for one in reports
    ]
    return rows, (100 * axis.share(0), 100 * axis.share(1))


def _group_part(view: _RowView, part: GroupRows, cuts: LevelCuts | None) -> GroupPart:
    run, ratings = view.run, view.run.ratings
    number, rows, is_long = part.group, part.rows, part.end is not None
    is_split = view.num_pieces[number] > 1
    ranked = list(enumerate(rows.tolist(), start=1))
    if is_split and not is_long:
        ranked.sort(key=lambda place: ratings.component[place[1]])
    top, bottom = ranked[: part.end], ranked[len(ranked) - len(part.bottom) :]
    shown = [row for _, row in top + bottom]
    axis = axis_over([*ratings.lower[shown].tolist(), *ratings.upper[shown].tolist()])
    values = () if cuts is None else cuts.cuts
    flags = [ratings.flags[row] for row in rows.tolist()]
    shared = tuple(flag for flag in FLAGS if len(rows) > 1 and all(flag in one for one in flags))
    return GroupPart(
        number=number,
        reliability=run.reliability[number],
        rows=tuple(view.row(rank, row, axis, is_split=is_split) for rank, row in top),
        num_hidden=len(rows) - len(shown),
        bottom=tuple(view.row(rank, row, axis, is_split=is_split) for rank, row in bottom),
        ticks=tuple((number_text(tick), 100 * axis.share(tick)) for tick in axis.ticks),
        cuts=tuple(100 * axis.share(cut) for cut in values if axis.low < cut < axis.high),
        cut_values=values,
        histogram=_histogram(run, rows, cuts)
        if is_long or len(run.reliability) == 1
        else Markup(""),
        num_pieces=int(view.num_pieces[number]),
        num_flagged=sum(map(bool, flags)),
        shared_flags=shared,
    )


class _RowView:
    """Rows of a run's ratings as they are shown."""

    def __init__(self, run: RatingRun) -> None:
        self.run = run
        self.num_pieces = num_pieces(run)
        self._elo: dict[str, tuple[float, float]] = {}
        if run.elo is not None:
            points = zip(run.elo.ratings.tolist(), run.elo.order_spread.tolist(), strict=True)
            self._elo = dict(zip(run.table.items, points, strict=True))

    def row(self, rank: int, row: int, axis: Axis, *, is_split: bool) -> Row:
        ratings = self.run.ratings
        rating, lower, upper = (
            float(values[row]) for values in (ratings.rating, ratings.lower, ratings.upper)
        )
        level = ratings.level[row]
        names = () if ratings.scale is None or not level else ratings.scale.names
        shares = ratings.level_probabilities[row].tolist()
        elo, elo_spread = self._elo.get(ratings.items[row], (math.nan, math.nan))
        return Row(
            rank=rank,
            item=ratings.items[row],
            rating=rating,
            lower=lower,
            upper=upper,
            bar=_interval_bar(axis, rating, lower, upper),
            level=level,
            colour=level_colour(names.index(level), len(names)) if names else math.nan,
            levels=tuple(
                LevelShare(name, shares[i], level_colour(i, len(names)))
                for i, name in enumerate(names)
            ),
            num_comparisons=int(ratings.num_comparisons[row]),
            flags=ratings.flags[row],
            piece=int(ratings.component[row]) + 1
            if is_split and ratings.num_comparisons[row]
            else 0,
            elo=elo,
            elo_spread=elo_spread,
        )


def _histogram(run: RatingRun, rows: IntArray, cuts: LevelCuts | None) -> Markup:
    return rating_histogram(
        run.ratings.rating[rows],
        level_indices(run)[rows],
        num_levels=0 if run.ratings.scale is None else len(run.ratings.scale),
        cuts=[] if cuts is None else cut_bands(cuts),
    )


def _interval_bar(axis: Axis, value: float, lower: float, upper: float) -> Bar:
    """Return an interval on an axis."""
    start, end = 100 * axis.share(lower), 100 * axis.share(upper)
    return Bar(start, end - start, 100 * axis.share(value))
