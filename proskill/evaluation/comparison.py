"""Paired comparison of two runs on the same takes, with intervals over participants.

Both runs are evaluated on the same resamples, so that the difficulty of a take cancels. Not here:
pages and tables.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from proskill.errors import ProskillError
from proskill.evaluation.intervals import (
    CONFIDENCE,
    NUM_RESAMPLES,
    Interval,
    Values,
    Weights,
    clustered_bootstrap,
)
from proskill.evaluation.labelled_predictions import METRICS, LabelledPredictions
from proskill.evaluation.metrics import accuracy
from proskill.evaluation.predictions import Predictions
from proskill.evaluation.skills import skill_figures

Verdict = Literal["a", "b", "none"]

Figures = Callable[[Weights], Mapping[str, Values]]

_TOP1 = "top1_accuracy"


@dataclass(frozen=True)
class Paired:
    """One figure of both runs.

    Attributes:
        a: of the first run.
        b: of the second run.
        difference: b minus a, on the same resamples.
        better: the run that is better by the interval of the difference, or "none".
    """

    a: Interval
    b: Interval
    difference: Interval
    better: Verdict


@dataclass(frozen=True)
class McNemar:
    """Result of an exact McNemar test on takes that only one of two runs predicts right.

    The test assumes independent takes, which takes of one participant are not: prefer the interval
    of the difference in accuracy.

    Attributes:
        only_a_right: takes.
        only_b_right: takes.
        p_value: two-sided, in [0, 1].
    """

    only_a_right: int
    only_b_right: int
    p_value: float


@dataclass(frozen=True)
class Comparison:
    """Metrics of two runs on the same takes.

    Attributes:
        num_takes: labelled takes.
        num_participants: participants of these takes.
        splits: splits of these takes.
        ranks_against: "rating" or "level".
        metrics: name -> both runs.
        mcnemar: name of an accuracy -> test; none where takes have ratings alone.
        scenarios: name -> accuracy of both runs.
        skills: name of a skill, or "mean" -> top-1 accuracy of both runs.
        num_resamples: of the bootstrap.
        seed: of the bootstrap.
    """

    num_takes: int
    num_participants: int
    splits: tuple[str, ...]
    ranks_against: str
    metrics: Mapping[str, Paired]
    mcnemar: Mapping[str, McNemar]
    scenarios: Mapping[str, Paired]
    skills: Mapping[str, Paired]
    num_resamples: int
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """Return nested plain values, for JSON."""
        return {"confidence": CONFIDENCE, **asdict(self)}


def compare_runs(
    first: Predictions,
    second: Predictions,
    *,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> Comparison:
    """Compare two runs on the same takes; their order in the files does not matter.

    Args:
        first: run A.
        second: run B.
        num_resamples: bootstrap resamples, the same for both runs.
        seed: of the bootstrap.

    Raises:
        ProskillError: takes, labels, participants or levels differ, or no take has a label.
    """
    second = _aligned(first, second)
    rows = first.judgeable
    takes = [first.takes[row] for row in rows]
    options = {"num_resamples": num_resamples, "seed": seed}
    metrics: dict[str, Paired] = {}
    scenarios: dict[str, Paired] = {}
    mcnemar: dict[str, McNemar] = {}
    if takes:
        a, b = (LabelledPredictions.from_predictions(run.rows(rows)) for run in (first, second))
        people = [take.participant for take in takes]
        metrics = _paired(a.all_figures, b.all_figures, people, **options)
        if a.truth is not None:
            mcnemar = {
                "accuracy": mcnemar_test(a.truth == a.predicted, a.truth == b.predicted),
                _TOP1: mcnemar_test(a.truth == a.top1, a.truth == b.top1),
            }
            scenarios = _scenarios(a, b, people, **options)
    skills = _skills(first, second, **options)
    if not metrics and not skills:
        raise ProskillError("no take of the two runs has a label; comparing them needs labels")
    return Comparison(
        num_takes=len(takes) or len(first.takes),
        num_participants=len({take.participant for take in takes or first.takes}),
        splits=tuple(sorted({take.split or "" for take in takes or first.takes})),
        ranks_against="level" if np.isnan(first.rating[rows]).any() else "rating",
        metrics=metrics,
        mcnemar=mcnemar,
        scenarios=scenarios,
        skills=skills,
        num_resamples=num_resamples,
        seed=seed,
    )


def mcnemar_test(a_is_right: NDArray[np.bool_], b_is_right: NDArray[np.bool_]) -> McNemar:
    """Run the exact, two-sided test of McNemar (1947).

    Args:
        a_is_right: (N,).
        b_is_right: (N,) for the same takes.
    """
    from scipy.stats import binomtest  # takes a second to import

    only_a = int((a_is_right & ~b_is_right).sum())
    only_b = int((b_is_right & ~a_is_right).sum())
    p_value = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    return McNemar(only_a, only_b, float(p_value))


def _aligned(first: Predictions, second: Predictions) -> Predictions:
    """Return the second run in the order of the first one's takes."""
    if first.scale != second.scale:
        raise ProskillError(
            f"run A has the levels {', '.join(first.scale.names)} and run B "
            f"{', '.join(second.scale.names)}; compare runs on one scale"
        )
    place = {take.take_id: row for row, take in enumerate(second.takes)}
    missing = [take.take_id for take in first.takes if take.take_id not in place]
    known = {take.take_id for take in first.takes}
    extra = [take_id for take_id in place if take_id not in known]
    for run, other, ids in (("A", "B", missing), ("B", "A", extra)):
        if ids:
            raise ProskillError(
                f"{len(ids)} takes of run {run} are not in run {other} (first {ids[0]!r}); compare "
                "runs on the same takes"
            )
    second = second.rows(np.array([place[take.take_id] for take in first.takes], dtype=np.intp))
    for a, b in zip(first.takes, second.takes, strict=True):
        for name in ("participant_id", "scenario", "level", "rating", "skills"):
            if getattr(a, name) != getattr(b, name):
                raise ProskillError(
                    f"take {a.take_id!r}: {name} is {getattr(a, name)!r} in run A and "
                    f"{getattr(b, name)!r} in run B; judge both runs on the same labels"
                )
    return second


def _paired(
    a: Figures, b: Figures, people: Sequence[str], *, num_resamples: int, seed: int
) -> dict[str, Paired]:
    """Compare figures by name; `a` and `b` are functions of weights."""

    def figures(weights: Weights) -> dict[tuple[str, str], Values]:
        first, second = a(weights), b(weights)
        return {
            **{("a", name): values for name, values in first.items()},
            **{("b", name): values for name, values in second.items()},
            **{("difference", name): second[name] - first[name] for name in first},
        }

    found = clustered_bootstrap(figures, people, num_resamples=num_resamples, seed=seed)
    names = [name for which, name in found if which == "a"]
    return {
        name: Paired(
            found["a", name],
            found["b", name],
            found["difference", name],
            _better(name, found["difference", name]),
        )
        for name in names
    }


def _better(name: str, difference: Interval) -> Verdict:
    sign = -1 if name in METRICS and METRICS[name].better == "lower" else 1
    if min(sign * difference.lower, sign * difference.upper) > 0:
        return "b"
    return "a" if max(sign * difference.lower, sign * difference.upper) < 0 else "none"


def _scenarios(
    a: LabelledPredictions,
    b: LabelledPredictions,
    people: Sequence[str],
    *,
    num_resamples: int,
    seed: int,
) -> dict[str, Paired]:
    names = sorted(set(a.scenarios.tolist()))
    rows_of = {name: np.flatnonzero(a.scenarios == name) for name in names}

    def accuracies(answers: LabelledPredictions, weights: Weights) -> dict[str, Values]:
        return {
            name: accuracy(answers.truth[rows], answers.predicted[rows], weights[:, rows])
            for name, rows in rows_of.items()
            if answers.truth is not None
        }

    return _paired(
        lambda weights: accuracies(a, weights),
        lambda weights: accuracies(b, weights),
        people,
        num_resamples=num_resamples,
        seed=seed,
    )


def _skills(
    first: Predictions, second: Predictions, *, num_resamples: int, seed: int
) -> dict[str, Paired]:
    if set(first.skill_probabilities) != set(second.skill_probabilities):
        raise ProskillError(
            f"run A judges the skills {sorted(first.skill_probabilities)} and run B "
            f"{sorted(second.skill_probabilities)}; compare runs that judge the same"
        )
    if not first.skill_probabilities or not any(take.skills for take in first.takes):
        return {}
    both = [skill_figures(run) for run in (first, second)]
    a, b = (
        lambda weights, run=run: {
            skill: values for (skill, name), values in run(weights).items() if name == _TOP1
        }
        for run in both
    )
    people = [take.participant for take in first.takes]
    return _paired(a, b, people, num_resamples=num_resamples, seed=seed)
