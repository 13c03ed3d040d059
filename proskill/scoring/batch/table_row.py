"""An assessment as one flat row, for tables of many performances.

A row leaves out what does not fit one cell: the timeline, the probabilities of each skill, the
timestamps. Those are in the JSON.
"""

from __future__ import annotations

from collections.abc import Sequence

from proskill.scoring.assessment import Assessment
from proskill.scoring.explanation import Explanation

Cell = str | float | None

_BEFORE = (
    "take_id", "status", "error", "level", "score", "interval_lower", "interval_upper",
    "interval_coverage", "prediction_set", "expected_error",
)  # fmt: skip
_AFTER = (
    "reasons", "warnings", "views_used", "views_left_out", "scored_seconds", "checkpoint",
    "checkpoint_sha256", "proskill_version", "device", "seconds", "files", "input_sha256",
)  # fmt: skip
_MOMENT = ("moment_start_seconds", "moment_end_seconds", "moment_effect", "moment_view")
_NUMBERS = frozenset(
    {
        "score", "interval_lower", "interval_upper", "interval_coverage", "expected_error",
        "scored_seconds", "seconds", *_MOMENT[:3],
    }
)  # fmt: skip


def table_columns(
    levels: Sequence[str], skills: Sequence[str] = (), *, is_explained: bool = False
) -> tuple[str, ...]:
    """The columns of a table: an answer's first, then where it comes from.

    Args:
        levels: each gets a column `p_<level>` for its probability.
        skills: each gets a column `skill:<name>` for its score.
        is_explained: whether there are columns for the strongest moment.
    """
    probabilities = (f"p_{level}" for level in levels)
    skill_scores = (f"skill:{name}" for name in skills)
    return (*_BEFORE, *probabilities, *skill_scores, *(_MOMENT if is_explained else ()), *_AFTER)


def is_numeric(column: str) -> bool:
    """Return True for a column of numbers, with None where there is no level."""
    return column in _NUMBERS or column.startswith(("p_", "skill:"))


def table_row(assessment: Assessment, *, explanation: Explanation | None = None) -> dict[str, Cell]:
    """Column -> cell; lists are joined by "; ", and what there is no answer for is absent."""
    origin, interval = assessment.provenance, assessment.interval
    used = [name for name, view in assessment.views.items() if view.status == "used"]
    timestamps = origin.instants_seconds
    row: dict[str, Cell] = {
        "status": assessment.status,
        "level": assessment.level,
        "score": assessment.score,
        **{f"p_{level}": p for level, p in assessment.probabilities.items()},
        **{f"skill:{name}": score for name, score in assessment.skills.items()},
        "reasons": " ".join(assessment.reasons),
        "warnings": " ".join(assessment.warnings),
        "views_used": "; ".join(used),
        "views_left_out": "; ".join(name for name in assessment.views if name not in used),
        "scored_seconds": timestamps[-1][-1] - timestamps[0][0] if timestamps else 0.0,
        "checkpoint": origin.checkpoint,
        "checkpoint_sha256": origin.checkpoint_sha256,
        "proskill_version": origin.versions.get("proskill", ""),
        "device": origin.device,
        "seconds": origin.seconds,
        "files": "; ".join(f"{name}={view.file}" for name, view in assessment.views.items()),
        "input_sha256": "; ".join(f"{name}={value}" for name, value in origin.inputs.items()),
    }
    if interval is not None:
        row["interval_lower"], row["interval_upper"] = interval.lower, interval.upper
        row["interval_coverage"] = interval.coverage
    if assessment.prediction_set is not None:
        row["prediction_set"] = "; ".join(assessment.prediction_set.levels)
    if assessment.certainty is not None:
        row["expected_error"] = assessment.certainty.expected_error
    if explanation is not None and explanation.moments:
        strongest = explanation.moments[0]
        values = (strongest.start_seconds, strongest.end_seconds, strongest.effect, strongest.view)
        row |= dict(zip(_MOMENT, values, strict=True))
    return row
