"""Majority baselines: accuracy of the commonest level, overall and per scenario.

An accuracy below these says that a model has learned less than the label counts tell.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, get_args

import numpy as np

from proskill.data.take import Split, Take

_NUM_RESAMPLES = 1000
_CHUNK = 50  # resamples held in memory at a time
_Answer = TypeVar("_Answer", bound=Hashable)


@dataclass(frozen=True)
class Accuracy:
    """Accuracy with its 95 % interval, in [0, 1].

    The interval is a percentile bootstrap over participants with all their takes; NaN where fewer
    than two people are judged.
    """

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Baseline:
    """Majority baselines of one split.

    Attributes:
        num_takes: labelled takes of the split.
        num_participants: who perform them.
        learned_from: the takes whose labels are counted: "train", or "all takes" without that.
        level: the commonest level there; the lower one of two.
        majority: accuracy of always saying it.
        scenario_majority: accuracy of saying the commonest level of the take's scenario; that of
            everybody for a scenario without labels in `learned_from`.
    """

    num_takes: int
    num_participants: int
    learned_from: str
    level: str
    majority: Accuracy
    scenario_majority: Accuracy


@dataclass(frozen=True)
class SkillBaseline:
    """Majority baseline of one skill.

    Attributes:
        num_takes: judged, all with a value.
        judged_on: their split, or "all takes".
        majority: accuracy of always saying the skill's commonest value.
    """

    num_takes: int
    judged_on: str
    majority: Accuracy


def majority_baselines(takes: Sequence[Take], *, levels: Sequence[str]) -> dict[str, Baseline]:
    """Return the majority baselines on the labelled takes of each split.

    Where no take has a split, all takes together are judged, as "all takes".

    Args:
        takes: labelled or not.
        levels: names, lowest first.
    """
    labelled = [take for take in takes if take.level is not None]
    if not labelled:
        return {}
    train = [take for take in labelled if take.split == "train"]
    learned_from, source = ("train", train) if train else ("all takes", labelled)
    order = {level: position for position, level in enumerate(levels)}
    overall = _commonest([take.level or "" for take in source], order)
    by_scenario: dict[str, list[str]] = defaultdict(list)
    for take in source:
        by_scenario[take.scenario].append(take.level or "")
    best = {name: _commonest(found, order) for name, found in by_scenario.items()}
    baselines = {}
    for name in (*get_args(Split), "all takes"):
        judged = [take for take in labelled if name == "all takes" or take.split == name]
        if not judged or (name == "all takes" and any(take.split for take in labelled)):
            continue
        people = [take.participant for take in judged]
        hits = [take.level == overall for take in judged]
        scenario_hits = [take.level == best.get(take.scenario, overall) for take in judged]
        baselines[name] = Baseline(
            num_takes=len(judged),
            num_participants=len(set(people)),
            learned_from=learned_from,
            level=overall,
            majority=accuracy_interval(hits, people),
            scenario_majority=accuracy_interval(scenario_hits, people),
        )
    return baselines


def skill_baselines(takes: Sequence[Take]) -> dict[str, SkillBaseline]:
    """Return, per skill, the test accuracy of the commonest value of training takes.

    Where there is no test split, validation takes are judged, and where there is none of these, all
    takes; likewise, values are counted on all takes without a training split.
    """
    with_skills = [take for take in takes if take.skills]
    by_split: dict[str, list[Take]] = {"all takes": with_skills}
    for split in get_args(Split):
        by_split[split] = [take for take in with_skills if take.split == split]
    source = by_split["train"] or with_skills
    judged_on = next((name for name in ("test", "val") if by_split[name]), "all takes")
    baselines = {}
    for name in sorted({name for take in with_skills for name in take.skills}):
        counted = [take.skills[name] for take in source if name in take.skills]
        judged = [take for take in by_split[judged_on] if name in take.skills]
        if counted and judged:
            guess = _commonest(counted, {value: value for value in counted})
            hits = [take.skills[name] == guess for take in judged]
            people = [take.participant for take in judged]
            majority = accuracy_interval(hits, people)
            baselines[name] = SkillBaseline(len(judged), judged_on, majority)
    return baselines


def accuracy_interval(
    is_right: Sequence[bool], participants: Sequence[str], *, seed: int = 0
) -> Accuracy:
    """Return the share of right takes and its interval.

    Args:
        is_right: one per take.
        participants: one per take.
        seed: same seed, same interval.
    """
    value = sum(is_right) / len(is_right)
    names, person = np.unique(np.asarray(participants, dtype=str), return_inverse=True)
    if len(names) < 2:
        return Accuracy(value, float("nan"), float("nan"))
    right = np.bincount(person, weights=np.asarray(is_right, dtype=float))
    count = np.bincount(person)
    rng = np.random.default_rng(seed)
    shares = []
    for _ in range(_NUM_RESAMPLES // _CHUNK):
        drawn = rng.integers(len(names), size=(_CHUNK, len(names)))
        shares.append(right[drawn].sum(axis=1) / count[drawn].sum(axis=1))
    lower, upper = np.quantile(np.concatenate(shares), [0.025, 0.975])
    return Accuracy(value, float(lower), float(upper))


def _commonest(answers: Sequence[_Answer], order: Mapping[_Answer, float]) -> _Answer:
    """Return the most frequent value; the lower one of two."""
    counts = Counter(answers)
    return min(counts, key=lambda answer: (-counts[answer], order[answer]))
