"""Rows of the report's table of annotators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proskill.rating.annotators import AnnotatorReport
from proskill.rating.rate import RatingRun
from proskill.reports.rating.charts import axis_over
from proskill.reports.rating.ranking import Bar, interval_bar

MAX_ANNOTATORS: Final = 100


@dataclass(frozen=True)
class AnnotatorRow:
    """One annotator, with the bar of the discrimination."""

    report: AnnotatorReport
    bar: Bar


def annotator_rows(run: RatingRun) -> tuple[list[AnnotatorRow], tuple[float, float]]:
    """Annotators, flagged ones first, then those who follow the others least.

    Returns:
        The rows, as many as a page can hold, and the places of 0 (a coin) and 1 (the mean
        annotator) on their bars.
    """
    reports = sorted(
        run.agreement.annotators, key=lambda one: (not one.flags, one.discrimination, one.annotator)
    )[:MAX_ANNOTATORS]
    lowest = [one.discrimination_lower for one in reports]
    highest = [one.discrimination_upper for one in reports]
    axis = axis_over([-0.25, 1.25, *lowest, *highest])  # room for the names of the marks
    rows = [
        AnnotatorRow(
            one,
            interval_bar(
                axis, one.discrimination, one.discrimination_lower, one.discrimination_upper
            ),
        )
        for one in reports
    ]
    return rows, (100 * axis.share(0), 100 * axis.share(1))
