"""A set of ratings as one HTML file that needs no other file and no network.

Ids, names of annotators and of files come from outside: the template engine escapes them. Not here:
drawing (`charts.py`), rows (`report_ranking.py`, `report_tables.py`), layout (`templates/`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from jinja2 import PackageLoader
from markupsafe import Markup, escape
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
from proskill.reports.rating.annotators import annotator_rows
from proskill.reports.rating.charts import comparison_counts, reliability_chart
from proskill.reports.rating.ranking import group_parts
from proskill.reports.toolkit import template_environment
from proskill.whole_file import write_whole

_NUM_NEXT_PAIRS: Final = 20
_MAX_TEXT: Final = 80
_NONE: Final = "\N{EN DASH}"


def render_report(run: RatingRun, origin: Origin) -> str:
    """The page as text."""
    environment = template_environment(PackageLoader("proskill.reports.rating"))
    environment.filters.update(
        fixed=_fixed,
        signed=_signed,
        percent=_percent,
        probability=probability_text,
        counted=counted,
        about=about,
        name=_name,
    )
    environment.globals.update(flag_meanings=FLAGS, annotator_flag_meanings=ANNOTATOR_FLAGS)
    annotators, annotator_marks = annotator_rows(run)
    return environment.get_template("ratings.html").render(
        run=run,
        origin=origin,
        version=__version__,
        headline=headline(run),
        groups=group_parts(run),
        flags=flag_counts(run),
        levels=level_counts(run),
        scale=() if run.ratings.scale is None else run.ratings.scale.names,
        comparison_chart=comparison_counts(
            run.health.num_comparisons, minimum=origin.min_comparisons
        ),
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
        path: where to; an older file is replaced.
        run: the ratings and all about them.
        origin: how they came about.

    Raises:
        ProskillError: the file cannot be written.
    """
    text = render_report(run, origin)
    write_whole(path, [text.encode()], advice="free some space or choose another place")


@dataclass(frozen=True)
class _Spread:
    """Standard deviation of the skills of the first group, and what it means for agreement."""

    mean: float
    lower: float
    upper: float
    agreement: float


def _spread_of_skill(run: RatingRun) -> _Spread:
    scale = run.posterior.scale[:, 0]
    lower, upper = np.quantile(scale, [0.05, 0.95])
    mean = float(scale.mean())
    return _Spread(mean, float(lower), float(upper), agreement_of_sigma(mean))


def counted(num: int, one: str, many: str = "") -> str:
    """`1 vote`, `2 votes`, `2,000 votes`."""
    return f"{num:,} {one if num == 1 else many or one + 's'}"


def _fixed(value: float, digits: int = 2) -> str:
    if not math.isfinite(value):
        return _NONE
    return f"{value:.{digits}f}".replace("-", "\N{MINUS SIGN}")


def _signed(value: float, digits: int = 2) -> str:
    if not math.isfinite(value):
        return _NONE
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def _percent(value: float, digits: int = 0) -> str:
    return f"{100 * value:.{digits}f}\N{NO-BREAK SPACE}%" if math.isfinite(value) else _NONE


def probability_text(p: float) -> str:
    """A probability in percent for people: never certain, whatever the rounding says."""
    if 0.005 <= p < 0.995:
        return _percent(p)
    return (
        _NONE if math.isnan(p) else (">" if p > 0.5 else "<") + _percent(0.99 if p > 0.5 else 0.01)
    )


def _name(text: str) -> Markup:
    """A foreign name: cut to what can be shown, its direction of writing kept to itself."""
    line = " ".join(text.split())
    if len(line) <= _MAX_TEXT:
        return Markup("<bdi>{}</bdi>").format(line)
    cut = f"{line[: _MAX_TEXT - 1]}\N{HORIZONTAL ELLIPSIS}"
    return Markup('<bdi title="{}">{}</bdi>').format(escape(line[:1000]), cut)
