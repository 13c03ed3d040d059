"""Statistics of a dataset: takes, participants, durations, balance, and majority baselines.

Every number is of takes unless it says otherwise. Not here: opening files (`file_facts`), tables
and pages (`proskill.cli.data`, `proskill.reports.dataset`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from proskill.data.baselines import Baseline, SkillBaseline, majority_baselines, skill_baselines
from proskill.data.file_facts import FileFacts
from proskill.data.take import Split, Take, shared_span
from proskill.errors import ManifestError
from proskill.view_names import ViewKind

NO_SPLIT = "no split"
_MAX_BARS = 24


@dataclass(frozen=True)
class Distribution:
    """Summary of some numbers.

    Attributes:
        num: how many.
        total: their sum.
        minimum: the least.
        median: the middle one.
        mean: their average.
        maximum: the greatest.
        edges: of the histogram's bars, ascending; bar k is [edges[k], edges[k + 1]), the last one
            includes its end.
        counts: numbers in each bar.
    """

    num: int
    total: float
    minimum: float
    median: float
    mean: float
    maximum: float
    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Group:
    """Some of a dataset's takes.

    Attributes:
        num_takes: all of them.
        num_participants: who perform them.
        hours: that all views of a take show, summed over takes whose files can be read.
        levels: level -> labelled takes, lowest level first, with zeros.
    """

    num_takes: int
    num_participants: int
    hours: float
    levels: Mapping[str, int]

    @property
    def num_labelled(self) -> int:
        """Takes with a level."""
        return sum(self.levels.values())


@dataclass(frozen=True)
class ViewCount:
    """Number of takes with a camera's name.

    Attributes:
        num_takes: takes with it.
        kinds: "ego" or "exo" -> takes.
    """

    num_takes: int
    kinds: Mapping[ViewKind, int]


@dataclass(frozen=True)
class DatasetStats:
    """A dataset in numbers.

    Attributes:
        whole: all takes.
        splits: split -> its takes, in the order train, val, test, without a split.
        scenarios: scenario -> its takes, most frequent first.
        views: camera's name -> how often.
        view_sets: names of a take's views, joined by " + " -> takes, most frequent first.
        num_unreadable: files that are missing or cannot be read.
        seconds: length of a take, or None where no file can be read.
        takes_per_participant: one value per participant.
        ratings: of takes that have one, or None.
        skills: skill -> its values, for datasets with several skills.
        baselines: split -> what guessing scores there; empty without labels.
        skill_baselines: skill -> what guessing scores on it; empty without.
    """

    whole: Group
    splits: Mapping[str, Group]
    scenarios: Mapping[str, Group]
    views: Mapping[str, ViewCount]
    view_sets: Mapping[str, int]
    num_unreadable: int
    seconds: Distribution | None
    takes_per_participant: Distribution
    ratings: Distribution | None
    skills: Mapping[str, Distribution]
    baselines: Mapping[str, Baseline]
    skill_baselines: Mapping[str, SkillBaseline]


def dataset_stats(
    takes: Sequence[Take], facts: Mapping[Path, FileFacts], *, levels: Sequence[str]
) -> DatasetStats:
    """Count a dataset.

    Args:
        takes: one or more.
        facts: by absolute path, one for every view.
        levels: names, lowest first.

    Raises:
        ValueError: a take's level is not among `levels`.
    """
    seconds = {take.take_id: shared_seconds(take, facts) for take in takes}

    def group(some: Sequence[Take]) -> Group:
        return _group(some, seconds, levels)

    splits: list[Split | None] = [*get_args(Split), None]
    return DatasetStats(
        whole=group(takes),
        splits={
            split or NO_SPLIT: group(some)
            for split in splits
            if (some := [take for take in takes if take.split == split])
        },
        scenarios={name: group(some) for name, some in _by(takes, lambda t: t.scenario).items()},
        views=_views(takes),
        view_sets={
            name: len(some)
            for name, some in _by(takes, lambda take: " + ".join(sorted(take.views))).items()
        },
        num_unreadable=sum(fact.fault is not None for fact in facts.values()),
        seconds=distribution_of(value for value in seconds.values() if value is not None),
        takes_per_participant=_takes_per_participant(takes),
        ratings=distribution_of(take.rating for take in takes if take.rating is not None),
        skills={
            name: found
            for name in sorted({name for take in takes for name in take.skills})
            if (found := distribution_of(t.skills[name] for t in takes if name in t.skills))
        },
        baselines=majority_baselines(takes, levels=levels),
        skill_baselines=skill_baselines(takes),
    )


def shared_seconds(take: Take, facts: Mapping[Path, FileFacts]) -> float | None:
    """Return the seconds that all readable views of a take show, or None."""
    durations = {
        name: fact.duration_seconds
        for name, view in take.views.items()
        if (fact := facts[view.path.absolute()]).fault is None
    }
    if not durations:
        return None
    try:
        start, end = shared_span(take, durations)
    except ManifestError:
        return None
    return end - start


def _group(
    takes: Sequence[Take], seconds: Mapping[str, float | None], levels: Sequence[str]
) -> Group:
    counts = Counter(take.level for take in takes if take.level is not None)
    if unknown := sorted(set(counts) - set(levels)):
        raise ValueError(f"level={unknown[0]!r}: allowed are {', '.join(map(repr, levels))}")
    return Group(
        num_takes=len(takes),
        num_participants=len({take.participant for take in takes}),
        hours=sum(seconds[take.take_id] or 0.0 for take in takes) / 3600,
        levels={level: counts[level] for level in levels},
    )


def _by(takes: Iterable[Take], key: Callable[[Take], str]) -> dict[str, list[Take]]:
    """Takes by a text, the most frequent text first."""
    groups: dict[str, list[Take]] = defaultdict(list)
    for take in takes:
        groups[key(take)].append(take)
    return dict(sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])))


def _views(takes: Iterable[Take]) -> dict[str, ViewCount]:
    kinds: dict[str, Counter[ViewKind]] = defaultdict(Counter)
    for take in takes:
        for name, view in take.views.items():
            kinds[name][view.kind] += 1
    return {
        name: ViewCount(counts.total(), dict(sorted(counts.items())))
        for name, counts in sorted(kinds.items())
    }


def _takes_per_participant(takes: Iterable[Take]) -> Distribution:
    found = distribution_of(Counter(take.participant for take in takes).values())
    assert found is not None  # there is a take, so there is a participant
    return found


def distribution_of(values: Iterable[float]) -> Distribution | None:
    """Summarise finite numbers; return None where there is none.

    Few different whole numbers get a bar each, centred on the number; others get equal bars.
    """
    numbers = np.asarray(list(values), dtype=np.float64)
    if len(numbers) == 0:
        return None
    low, high = float(numbers.min()), float(numbers.max())
    if (numbers == np.round(numbers)).all() and high - low < _MAX_BARS:
        edges = np.arange(low - 0.5, high + 1.0)
    else:
        edges = np.histogram_bin_edges(
            numbers, bins=min(_MAX_BARS, max(4, round(len(numbers) ** 0.5)))
        )
    counts, _ = np.histogram(numbers, edges)
    return Distribution(
        num=len(numbers),
        total=float(numbers.sum()),
        minimum=low,
        median=float(np.median(numbers)),
        mean=float(numbers.mean()),
        maximum=high,
        edges=tuple(edges.tolist()),
        counts=tuple(counts.tolist()),
    )
