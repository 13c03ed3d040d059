"""Metrics of models with several skills per take (BASKET's twenty): each skill, and their mean.

A take counts for the skills that it has labels for.

Shapes: R resamples, N takes, L skill levels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from proskill.data.take import Take
from proskill.data.targets import skill_level
from proskill.errors import ProskillError
from proskill.evaluation.intervals import Values, Weights, clustered_bootstrap
from proskill.evaluation.labelled_predictions import LabelledPredictions
from proskill.evaluation.metrics import majority_level, scenario_majority_levels
from proskill.evaluation.predictions import Predictions
from proskill.evaluation.rank_metrics import spearman

MEAN = "mean"
"""Key of the mean over all skills, beside the skills' names."""


def summarise_skills(
    predictions: Predictions, *, train_takes: Sequence[Take], num_resamples: int, seed: int
) -> dict[str, Any]:
    """Compute figures of each skill and their mean over skills, with intervals over participants.

    `top1_accuracy` of the mean is BASKET's metric: exact level, averaged over the skills.

    Args:
        predictions: with `skill_probabilities`.
        train_takes: their labels define the majority level of each skill.
        num_resamples: bootstrap resamples, the same for all skills.
        seed: of the bootstrap.

    Raises:
        ProskillError: a label is not a level of the skill, or no take has a label for it.
    """
    people = [take.participant for take in predictions.takes]
    figures = skill_figures(predictions, train_takes=train_takes)
    intervals = clustered_bootstrap(figures, people, num_resamples=num_resamples, seed=seed)
    names = predictions.skill_probabilities
    table: dict[str, Any] = {MEAN: {"num_skills": len(names)}}
    table |= {
        name: {"num_takes": sum(name in take.skills for take in predictions.takes)}
        for name in names
    }
    for (name, metric), interval in intervals.items():
        table[name][metric] = asdict(interval)
    return table


def skill_figures(
    predictions: Predictions, *, train_takes: Sequence[Take] = ()
) -> Callable[[Weights], dict[tuple[str, str], Values]]:
    """Return a function from weights of all takes to values by (skill or MEAN, metric).

    Args:
        predictions: with `skill_probabilities`.
        train_takes: their labels define the majorities; none leaves these out.

    Raises:
        ProskillError: a label is not a level of the skill, or no take has a label for it.
    """
    answers = {
        name: _judged(name, values.astype(np.float64), predictions.takes, train_takes)
        for name, values in predictions.skill_probabilities.items()
    }

    def figures(weights: Weights) -> dict[tuple[str, str], Values]:
        each = {name: _figures(one, rows, weights) for name, (one, rows) in answers.items()}
        found = {(name, metric): v for name, row in each.items() for metric, v in row.items()}
        # A metric that one skill lacks has no mean over the skills.
        shared = set.intersection(*(set(row) for row in each.values()))
        for metric in shared:
            found[MEAN, metric] = np.mean([row[metric] for row in each.values()], axis=0)
        return found

    return figures


def _judged(
    name: str,
    probabilities: NDArray[np.float64],
    takes: Sequence[Take],
    train_takes: Sequence[Take],
) -> tuple[LabelledPredictions, NDArray[np.bool_]]:
    num_levels = probabilities.shape[1]
    known = np.array([name in take.skills for take in takes])
    if not known.any():
        raise ProskillError(f"skill {name!r}: no take has a label for it; evaluation needs labels")
    judged = [take for take in takes if name in take.skills]
    trained = [take for take in train_takes if name in take.skills]
    truth, train = (
        [skill_level(take, name, num_levels=num_levels) for take in labelled]
        for labelled in (judged, trained)
    )
    scenarios = [take.scenario for take in judged]
    majority = by_scenario = None
    if trained:
        majority = np.full(len(truth), majority_level(train))
        by_scenario = scenario_majority_levels(train, [t.scenario for t in trained], scenarios)
    answers = LabelledPredictions(
        truth=np.array(truth, dtype=np.int64),
        probabilities=probabilities[known],
        score=probabilities[known] @ np.arange(num_levels),
        reference=np.array(truth, dtype=np.float64),
        scenarios=np.array(scenarios, dtype=str),
        majority=majority,
        scenario_majority=by_scenario,
    )
    return answers, known


def _figures(
    answers: LabelledPredictions, rows: NDArray[np.bool_], weights: Weights
) -> dict[str, Values]:
    inside = weights[:, rows]
    return {
        **answers.level_figures(inside),
        "spearman": spearman(answers.reference, answers.score, inside),
        **answers.baselines(inside),
    }
