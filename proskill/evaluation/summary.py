"""Summary of an evaluation, the content of `metrics.json`.

Metrics overall, per scenario, per set of views, per single view and with equal weight for every
participant; each with a 95 % interval over participants, accuracies beside majority baselines. Not
here: metrics, files, pages.

Shapes: N takes, V views, K levels.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proskill.data.take import Take
from proskill.errors import ProskillError
from proskill.evaluation.curves import coverage_risk_curve, reliability_diagram
from proskill.evaluation.intervals import (
    CONFIDENCE,
    NUM_RESAMPLES,
    Values,
    Weights,
    clustered_bootstrap,
    each_once,
)
from proskill.evaluation.labelled_predictions import LabelledPredictions
from proskill.evaluation.metrics import confusion_tables
from proskill.evaluation.predictions import Predictions
from proskill.evaluation.rank_metrics import spearman
from proskill.evaluation.skills import summarise_skills
from proskill.view_names import VIEW_KINDS

Block = dict[str, Any]


def summarise(
    predictions: Predictions,
    *,
    train_takes: Sequence[Take],
    split: str,
    data: str,
    num_resamples: int = NUM_RESAMPLES,
    seed: int = 0,
) -> dict[str, Any]:
    """Compute metrics with 95 % intervals clustered by participant, as JSON-ready nested dicts.

    Rank metrics use the continuous rating if every labelled take has one, else the level
    (`ranks_against`). Takes without a level are counted and left out, unless no take has a level:
    then takes with a rating get rank metrics alone.

    Args:
        predictions: on takes that were not used in training.
        train_takes: training takes; their levels define the majority.
        split: train, val or test.
        data: description of the takes, simulated or not.
        num_resamples: bootstrap resamples.
        seed: of the bootstrap.

    Raises:
        ProskillError: no take has a label.
    """
    judged = predictions.rows(predictions.judgeable)
    has_skills = any(take.skills for take in predictions.takes) and predictions.skill_probabilities
    if not judged.takes and not has_skills:
        raise ProskillError(
            f"none of the {len(predictions.takes)} takes has a level or a rating; evaluation needs "
            "labels (use `proskill predict` for unlabelled takes)"
        )
    judged_ids = {take.take_id for take in judged.takes}
    labelled = [
        take
        for take in predictions.takes
        if take.take_id in judged_ids or predictions.skill_probabilities.keys() & take.skills.keys()
    ]
    summary: dict[str, Any] = {
        "split": split,
        "data": data,
        "num_takes": len(labelled),
        "num_unlabelled_takes": len(predictions.takes) - len(labelled),
        "num_participants": len({take.participant for take in labelled}),
        "intervals": {
            "confidence": CONFIDENCE,
            "method": "expanded percentile bootstrap over participants",
            "num_resamples": num_resamples,
            "seed": seed,
        },
        "levels": list(predictions.scale.names),
    }
    if judged.takes:
        judge = _Judge(judged, train_takes, num_resamples=num_resamples, seed=seed)
        summary |= _levels_and_ranks(judged, judge, train_takes)
    if has_skills:
        summary["skills"] = summarise_skills(
            predictions, train_takes=train_takes, num_resamples=num_resamples, seed=seed
        )
    return summary


@dataclass(frozen=True)
class _Alone:
    """Predictions from some of the views, on the takes `rows` (N,) that have them."""

    answers: LabelledPredictions
    rows: NDArray[np.bool_]


class _Judge:
    """Predictions from all views on the labelled takes, with intervals over participants."""

    def __init__(
        self,
        predictions: Predictions,
        train_takes: Sequence[Take],
        *,
        num_resamples: int,
        seed: int,
    ) -> None:
        self.participants = np.array([take.participant for take in predictions.takes], dtype=str)
        self.num_resamples, self.seed = num_resamples, seed
        self.everything = LabelledPredictions.from_predictions(predictions, train_takes=train_takes)

    def says(self, probabilities: NDArray[Any], score: NDArray[Any]) -> _Alone:
        """Replace the predictions by others, (N, K) and (N,), NaN for takes without one."""
        rows = ~np.isnan(score)
        answers = replace(
            self.everything,
            probabilities=probabilities.astype(np.float64),
            score=score.astype(np.float64),
        )
        return _Alone(answers.rows(rows), rows)

    def block(self, alone: _Alone) -> Block:
        """Compute all figures with intervals."""
        return {
            "num_takes": int(alone.rows.sum()),
            "num_participants": len(set(self.participants[alone.rows])),
            **self.intervals(alone.answers.all_figures, alone.rows),
        }

    def each_participant_the_same(self) -> Block:
        """Compute all figures with equal weight for every participant."""
        _, person, counts = np.unique(self.participants, return_inverse=True, return_counts=True)
        share = 1 / counts[person]
        rows = np.ones(len(share), dtype=bool)

        def figures(weights: Weights) -> Mapping[str, NDArray[np.float64]]:
            return self.everything.all_figures(weights * share)

        return {"num_participants": len(counts), **self.intervals(figures, rows)}

    def intervals(
        self,
        figures: Callable[[Weights], Mapping[str, Values]],
        rows: NDArray[np.bool_],
    ) -> Block:
        found = clustered_bootstrap(
            figures,
            self.participants[rows].tolist(),
            num_resamples=self.num_resamples,
            seed=self.seed,
        )
        return {name: asdict(interval) for name, interval in found.items()}

    def spearman_gain(self, score: NDArray[Any], baseline: NDArray[Any]) -> Block:
        """Compute the gain in rank correlation of `score` over `baseline`, where both exist."""
        rows = ~np.isnan(score) & ~np.isnan(baseline)
        reference = self.everything.reference[rows]

        def gain(weights: Weights) -> Mapping[str, NDArray[np.float64]]:
            first = spearman(reference, score[rows], weights)
            return {"gain": first - spearman(reference, baseline[rows], weights)}

        block: Block = self.intervals(gain, rows)["gain"]
        return block


def _levels_and_ranks(
    predictions: Predictions, judge: _Judge, train_takes: Sequence[Take]
) -> dict[str, Any]:
    every = judge.everything
    whole = _Alone(every, np.ones(len(every.score), dtype=bool))
    late = predictions.late_average
    late_score = late @ np.arange(late.shape[1])
    single_scores = {
        name: predictions.view_score[:, column]
        for column, name in enumerate(predictions.view_names)
        if predictions.view_mask[:, column].any()
    }
    single = {
        name: judge.block(
            judge.says(predictions.view_probabilities[:, column], single_scores[name])
        )
        for column, name in enumerate(predictions.view_names)
        if name in single_scores
    }
    return {
        "ranks_against": "level" if np.isnan(predictions.rating).any() else "rating",
        "all_views": judge.block(whole),
        "late_average": judge.block(judge.says(late, late_score)),
        "per_participant": judge.each_participant_the_same(),
        "view_sets": _view_sets(predictions, judge),
        "single_views": single,
        "fusion_gain": _fusion_gain(judge, late_score, single, single_scores),
        "scenarios": _scenarios(judge),
        "participants": _participants(judge),
        **_details_of_levels(predictions, judge, train_takes),
    }


def _view_sets(predictions: Predictions, judge: _Judge) -> Block:
    """Evaluate the fused model on ego views, on exo views, and on takes that have both."""
    kinds, scores = predictions.kind_probabilities, predictions.kind_score
    sets: dict[str, Block] = {
        name: judge.block(judge.says(kinds[:, column], scores[:, column]))
        for column, name in enumerate(VIEW_KINDS)
        if not np.isnan(scores[:, column]).all()
    }
    rows = np.asarray(np.isfinite(scores).all(axis=1))
    if rows.any():
        both = _Alone(judge.everything.rows(rows), rows)
        sets["+".join(VIEW_KINDS)] = judge.block(both)
    return sets


def _fusion_gain(
    judge: _Judge,
    late_score: NDArray[np.float64],
    single: Mapping[str, Block],
    scores_alone: Mapping[str, NDArray[np.float32]],
) -> Block:
    """Compute the gain over the best single view, chosen on the same takes in its favour."""
    score = judge.everything.score
    gain: Block = {"spearman_over_late_average": judge.spearman_gain(score, late_score)}
    defined = {
        name: block["spearman"]["value"]
        for name, block in single.items()
        if math.isfinite(block["spearman"]["value"])
    }
    if defined:
        best = max(defined, key=lambda name: defined[name])
        gain["best_single_view"] = best
        gain["spearman_over_best_single_view"] = judge.spearman_gain(score, scores_alone[best])
        gain["late_average_spearman_over_best_single_view"] = judge.spearman_gain(
            late_score, scores_alone[best]
        )
    return gain


def _scenarios(judge: _Judge) -> dict[str, Block]:
    names = judge.everything.scenarios
    blocks = {}
    for name in sorted(set(names.tolist())):
        rows = names == name
        blocks[name] = judge.block(_Alone(judge.everything.rows(rows), rows))
    return blocks


def _participants(judge: _Judge) -> dict[str, Block]:
    """Average each participant's takes, which are too few for intervals."""
    every, table = judge.everything, {}
    for name in sorted(set(judge.participants.tolist())):
        rows = np.flatnonzero(judge.participants == name)
        row: Block = {
            "num_takes": len(rows),
            "mean_score": float(every.score[rows].mean()),
            "mean_reference": float(every.reference[rows].mean()),
        }
        if every.truth is not None:
            missed = np.abs(every.predicted[rows] - every.truth[rows])
            row["accuracy"] = float((missed == 0).mean())
            row["mean_level_error"] = float(missed.mean())
        table[name] = row
    return table


def _details_of_levels(
    predictions: Predictions, judge: _Judge, train_takes: Sequence[Take]
) -> dict[str, Any]:
    every = judge.everything
    if every.truth is None:
        return {}
    names = predictions.scale.names
    once = each_once(len(every.truth))
    table = confusion_tables(every.truth, every.predicted, once, num_levels=len(names))[0]
    train = Counter(take.level for take in train_takes if take.level is not None)
    people = judge.participants.tolist()
    options = {"num_resamples": judge.num_resamples, "seed": judge.seed}
    return {
        "majority_level": None if every.majority is None else names[int(every.majority[0])],
        "num_train_takes": {name: train[name] for name in names},
        "confusion_matrix": table.astype(int).tolist(),
        "reliability": reliability_diagram(every, people, **options),
        "coverage_risk": coverage_risk_curve(every, people, **options),
    }
