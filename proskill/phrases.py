"""Sentences and number formats that pages, PDF and terminal share.

Standard library only: every package may import it. Not here: layout, and the figures themselves.
"""

from __future__ import annotations

import math
from typing import Final

STATUS_NAMES: Final = {
    "ok": "Confident", "low_confidence": "Unsure", "abstained": "Not assessable"
}  # fmt: skip
VIEW_STATUS_NAMES: Final = {"used": "used", "left_out": "left out", "unreadable": "unreadable"}
KIND_NAMES: Final = {"ego": "worn by the performer", "exo": "watching the performer"}
VERDICT_NAMES: Final = {"a": "A is better", "b": "B is better", "none": "no difference shown"}

NO_LEVEL: Final = "No level"
NO_MOMENT: Final = "No moment exceeds the noise."
SOUND_VOTES: Final = "Nothing is wrong with the votes"
DECISION_SUPPORT: Final = (
    "Decision support, not selection: a person who knows the activity should look at the "
    "performance, too."
)
SIMULATED_NOTICE: Final = (
    "This model learned from simulated motion; it is no judge of real athletes."
)

_MINUS: Final = "\N{MINUS SIGN}"
_UNKNOWN: Final = "\N{EN DASH}"


def is_simulated(data: object) -> bool:
    """Tell from the description of a data set whether its performances are simulated."""
    return "simulat" in str(data).lower()


def model_notice(data: str) -> str:
    """Return the warning that belongs above every prediction of a model trained on `data`."""
    return SIMULATED_NOTICE if is_simulated(data) else ""


def score_sentence(score: float, num_levels: int) -> str:
    """Return the score with the upper end of its scale."""
    return f"Score {score:.2f} of {num_levels - 1}."


def interval_sentence(coverage: float, lower: float, upper: float) -> str:
    """Return the meaning of a prediction interval."""
    return (
        f"For {100 * coverage:.0f} of 100 performers the truth lies between {lower:.2f} and "
        f"{upper:.2f}."
    )


def set_sentence(levels: str, coverage: float) -> str:
    """Return a prediction set, such as "Novice to Early Expert", with its meaning."""
    return (
        f"Plausible levels: {levels}. Such a set contains the true level of "
        f"{100 * coverage:.0f} of 100 performers."
    )


def counted(num: int, one: str, many: str = "") -> str:
    """Return `1 vote`, `2 votes`, `2,000 votes`."""
    return f"{num:,} {one if num == 1 else many or one + 's'}"


def fixed(value: float, digits: int = 2) -> str:
    """Return a number with a true minus sign, a dash where it is undefined."""
    return f"{value:.{digits}f}".replace("-", _MINUS) if math.isfinite(value) else _UNKNOWN


def signed(value: float, digits: int = 2) -> str:
    """Return a number with its sign, a dash where it is undefined."""
    return f"{value:+.{digits}f}".replace("-", _MINUS) if math.isfinite(value) else _UNKNOWN


def percent(share: float, digits: int = 0) -> str:
    """Return a share in percent, a dash where it is undefined."""
    return f"{fixed(100 * share, digits)}\N{NO-BREAK SPACE}%" if math.isfinite(share) else _UNKNOWN


def probability_text(p: float) -> str:
    """Return a probability in percent, never as certain."""
    if math.isnan(p) or 0.005 <= p < 0.995:
        return percent(p)
    return ">" + percent(0.99) if p > 0.5 else "<" + percent(0.01)


def figure_text(value: float, *, is_share: bool) -> str:
    """Return a metric: a share in percent, other values with three digits."""
    if is_share and math.isfinite(value):
        return f"{fixed(100 * value, 1)} %"
    return fixed(value, 3)


def interval_text(lower: float, upper: float, *, is_share: bool) -> str:
    """Return the ends of a metric's interval, empty where they are undefined."""
    if not (math.isfinite(lower) and math.isfinite(upper)):
        return ""
    scale, digits = (100, 1) if is_share else (1, 3)
    return f"{fixed(scale * lower, digits)} to {fixed(scale * upper, digits)}"
