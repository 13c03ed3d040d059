"""A set of ratings as one HTML file that needs no other file and no network.

Ids, names of annotators and of files come from outside: the template engine escapes them. Not here:
drawing (`charts.py`), rows (`ranking.py`), layout (`templates/`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from scipy.special import expit

from proskill._version import __version__
from proskill.rating.annotators import ANNOTATOR_FLAGS
from proskill.rating.elo import LOGITS_PER_POINT
from proskill.rating.health import FLAGS
from proskill.rating.planner import agreement_of_sigma
from proskill.rating.rate import RatingRun
from proskill.rating_files.headline import about, headline
from proskill.rating_files.run_summary import Origin
from proskill.rating_files.tallies import flag_counts, level_counts, next_pairs
from proskill.reports.rating.charts import comparison_counts, reliability_chart
from proskill.reports.rating.ranking import annotator_rows, group_parts
from proskill.reports.toolkit import render_page, write_page

_NUM_NEXT_PAIRS: Final = 20


def render_report(run: RatingRun, origin: Origin) -> str:
    """Return the page as text."""
    annotators, annotator_marks = annotator_rows(run)
    minimum = origin.min_comparisons
    return render_page(
        "ratings.html",
        "rating",
        run=run,
        origin=origin,
        version=__version__,
        about=about,
        flag_meanings=FLAGS,
        annotator_flag_meanings=ANNOTATOR_FLAGS,
        headline=headline(run),
        groups=group_parts(run),
        flags=flag_counts(run),
        levels=level_counts(run),
        scale=() if run.ratings.scale is None else run.ratings.scale.names,
        comparison_chart=comparison_counts(run.health.num_comparisons, minimum=minimum),
        reliability_chart=reliability_chart(run.curve) if run.curve else "",
        annotators=annotators,
        annotator_marks=annotator_marks,
        left_wins=float(expit(run.agreement.side_bias)),
        spread=_spread_of_skill(run),
        pairs=next_pairs(run, limit=_NUM_NEXT_PAIRS),
        num_pairs=len(run.next_round.left),
        points_per_logit=1 / LOGITS_PER_POINT,
    )


def write_report(path: Path, run: RatingRun, origin: Origin) -> None:
    """Write the page whole or not at all.

    Args:
        path: of the file; an older one is replaced.
        run: the ratings and all about them.
        origin: of the run.

    Raises:
        ProskillError: the file cannot be written.
    """
    write_page(path, render_report(run, origin))


@dataclass(frozen=True)
class _Spread:
    """Standard deviation of the skills of the first group, and the agreement it implies."""

    mean: float
    lower: float
    upper: float
    agreement: float


def _spread_of_skill(run: RatingRun) -> _Spread:
    scale = run.posterior.scale[:, 0]
    lower, upper = np.quantile(scale, [0.05, 0.95])
    mean = float(scale.mean())
    return _Spread(mean, float(lower), float(upper), agreement_of_sigma(mean))
