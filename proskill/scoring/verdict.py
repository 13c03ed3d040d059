"""From the signs of doubt to a status: ok, low_confidence or abstained, with reasons for people.

Pure rules that can be read and tested without a model. Not here: where the signs come from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from proskill.calibration.calibration import Calibration
from proskill.calibration.selective_prediction import SelectionThresholds
from proskill.features.reading import EncodedView
from proskill.scoring.assessment import Status
from proskill.scoring.certainty import Certainty, certainty_of

UNLIKE = "unlike what the model learned from"
# A detector's limit makes a prediction doubtful; at this many limits there is none.
ABSTAIN_DISTANCE = 1.5
# Without calibrated limits the most probable level must have this many times the share of chance.
_MIN_TOP_SHARE = 1.25
_MAX_DISAGREEMENT = 0.5  # of the scale, between the scores of single views
_SHORT_OVERLAP = 0.5  # of the longest view; below it, and by this many seconds, views are warned of
_SHORT_OVERLAP_SECONDS = 2.0


@dataclass(frozen=True)
class Verdict:
    """A status and why.

    Attributes:
        status: see `Assessment`.
        reasons: sentences; empty if and only if the status is "ok".
    """

    status: Status
    reasons: tuple[str, ...]


def decide(
    view_reasons: Mapping[str, Sequence[str]],
    *,
    used: Mapping[str, str],
    view_scores: Mapping[str, float],
    probabilities: Sequence[float],
    distances: Mapping[str, float | None],
    calibration: Calibration | None,
) -> Verdict:
    """Decision whether to give a level, and with how much confidence.

    Args:
        view_reasons: readable view -> why it cannot be judged; empty where it can.
        used: judged view -> its kind.
        view_scores: judged view -> score from it alone.
        probabilities: (K,) from all judged views; empty if there is none.
        distances: judged view -> distance to the training data over its limit, None if unknown.
        calibration: of the checkpoint, None if it has none.
    """
    if not used:
        return Verdict("abstained", _cannot_be_judged(view_reasons))
    known = {name: value for name, value in distances.items() if value is not None}
    far = [name for name, value in known.items() if value > ABSTAIN_DISTANCE]
    if len(far) == len(used):
        return Verdict("abstained", (_unlike(far, used, known),))
    limits = None if calibration is None else calibration.selection_thresholds
    certainty = certainty_of(calibration, probabilities)
    if limits is not None and certainty.expected_error > limits.abstain:
        return Verdict("abstained", (_too_unsure(certainty),))
    doubts = []
    unfamiliar = [name for name, value in known.items() if value > 1]
    if unfamiliar:
        doubts.append(_unlike(unfamiliar, used, known))
    if calibration is None:
        doubts.append(
            "The checkpoint has no calibration: its probabilities are untested, and footage unlike "
            "what it learned from cannot be recognised."
        )
    else:
        for kind in sorted({used[name] for name in used if name not in known}):
            doubts.append(f"The model was not calibrated on {kind} views.")
    num_levels = len(probabilities)
    if limits is not None and certainty.expected_error > limits.ok:
        doubts.append(_unsure(certainty, limits))
    elif limits is None and max(probabilities) < _MIN_TOP_SHARE / num_levels:
        doubts.append("No level is clearly more probable than the others.")
    scores = list(view_scores.values())
    if len(scores) > 1 and max(scores) - min(scores) > _MAX_DISAGREEMENT * (num_levels - 1):
        low, high = (pick(view_scores, key=lambda v: view_scores[v]) for pick in (min, max))
        doubts.append(
            f"The views disagree: {high} alone scores {view_scores[high]:.1f}, {low} alone "
            f"{view_scores[low]:.1f}."
        )
    return Verdict("low_confidence" if doubts else "ok", tuple(doubts))


def view_warnings(
    seen: Mapping[str, EncodedView], timestamps: NDArray[np.float64], *, interval_seconds: float
) -> tuple[str, ...]:
    """Return warnings on the views: left out, doubled, hardly overlapping, sparsely sampled.

    Args:
        seen: all views, encoded where they can be judged.
        timestamps: windows (W, T) on the take's clock.
        interval_seconds: between the frames of a window.
    """
    used = [view for view in seen.values() if view.features is not None]
    left_out = {name: view for name, view in seen.items() if view.features is None}
    warnings = []
    for name, view in left_out.items() if used else ():
        why = view.error.reason if view.error else " and ".join(view.reasons)
        be = "cannot be read and was left out" if view.error else "was left out"
        warnings.append(f"View {name} {be}: {why}.")
    first: dict[str, str] = {}
    for name, view in seen.items():
        if not view.sha256:
            continue
        if view.sha256 in first:
            warnings.append(
                f"Views {first[view.sha256]} and {name} are the same file; the second adds nothing."
            )
        first.setdefault(view.sha256, name)
    if used and len(timestamps):
        warnings += _coverage_warnings(used, timestamps, interval_seconds)
    return tuple(warnings)


def _cannot_be_judged(view_reasons: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """One sentence per view; a single view needs no name."""
    if len(view_reasons) == 1:
        (reasons,) = view_reasons.values()
        return tuple(f"The video {reason}." for reason in reasons)
    return tuple(
        f"View {name} {reason}." for name, reasons in view_reasons.items() for reason in reasons
    )


def _too_unsure(certainty: Certainty) -> str:
    return (
        f"The model cannot tell the levels apart here: it expects to be off by "
        f"{certainty.expected_error:.1f} levels, and on validation answers that "
        "unsure were worse than always saying the same level."
    )


def _unsure(certainty: Certainty, limits: SelectionThresholds) -> str:
    begin = f"The model expects to be off by {certainty.expected_error:.2f} levels here; "
    if limits.ok == 0:
        return (
            f"{begin}on validation it was not shown to stay within {limits.ok_error:g} levels on "
            "average, however sure it was."
        )
    return (
        f"{begin}its answers were shown to stay within {limits.ok_error:g} levels on average only "
        f"where it expected {limits.ok:.2f} or less."
    )


def _unlike(names: Sequence[str], used: Mapping[str, str], distances: Mapping[str, float]) -> str:
    farthest = max(distances[name] for name in names)
    if len(used) == 1:
        what = "The video is"
    elif len(names) == len(used):
        what = "All views are"
    else:
        what = f"View {names[0]} is" if len(names) == 1 else f"Views {', '.join(names)} are"
    return f"{what} {UNLIKE} (distance {farthest:.1f} times the limit)."


def _asked_seconds(view: EncodedView) -> float:
    """Return how much of the view's file was to be scored."""
    start, end = view.view.start_seconds, view.view.end_seconds
    duration = 0.0 if view.info is None else view.info.duration_seconds
    return min(duration, (math.inf if end is None else end) - start)


def _coverage_warnings(
    used: list[EncodedView], timestamps: NDArray[np.float64], interval_seconds: float
) -> list[str]:
    warnings = []
    scored = float(timestamps[-1, -1] - timestamps[0, 0]) + interval_seconds
    longest = max(_asked_seconds(view) for view in used)
    if scored < _SHORT_OVERLAP * longest and longest - scored > _SHORT_OVERLAP_SECONDS:
        warnings.append(
            f"Only {scored:.1f} s, which all views show, were scored; the longest view has "
            f"{longest:.1f} s."
        )
    if len(timestamps) > 1:
        step = float(timestamps[1, 0] - timestamps[0, 0])
        window = float(timestamps[0, -1] - timestamps[0, 0]) + interval_seconds
        if step > window * 1.01:
            warnings.append(
                f"The performance is long: {len(timestamps)} windows of {window:.1f} s, {step:.1f} "
                "s apart, stand for it."
            )
    return warnings
