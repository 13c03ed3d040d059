"""From the signs of doubt to a status: ok, low_confidence or abstained, with reasons for people.

Pure rules that can be read and tested without a model. Not here: where the signs come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proskill.calibration.calibration import Calibration
from proskill.calibration.selective_prediction import SelectionThresholds
from proskill.scoring.assessment import Status
from proskill.scoring.certainty import Certainty, certainty_of

UNLIKE = "unlike what the model learned from"
# A detector's limit makes a prediction doubtful; at this many limits there is none.
ABSTAIN_DISTANCE = 1.5
# Without calibrated limits the most probable level must have this many times the share of chance.
_MIN_TOP_SHARE = 1.25
_MAX_DISAGREEMENT = 0.5  # of the scale, between the scores of single views


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
    """Whether to answer, and how surely.

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
