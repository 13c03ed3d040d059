"""Ratings of takes from votes on pairs of them, each split from its own votes.

A vote that names takes of two splits rates neither: through it, judgements of a tested performer
would shape the label of a training performer. Not here: reading files of votes
(`proskill.rating_files`), the statistics (`proskill.rating`).

Shapes: I items, N votes.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from proskill.data.take import Take
from proskill.data.targets import named
from proskill.errors import ManifestError
from proskill.rating import ComparisonTable, check_health, sample_posterior
from proskill.rating.comparisons import BoolArray
from proskill.rating_files import read_comparisons

_NO_TAKE = -1
_MIN_WITH_BOTH: Final = 3  # a line through two points always fits
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ComparedTakes:
    """Takes with their ratings, and the use of the votes.

    Attributes:
        parts: name of a split -> its takes, in the same order; those that votes rate have a rating.
        use: numbers of used and unused votes, in words.
    """

    parts: Mapping[str, list[Take]]
    use: str


def rate_compared_takes(
    paths: Sequence[str], parts: Mapping[str, Sequence[Take]], *, source: str, seed: int
) -> ComparedTakes:
    """Give takes without a rating the posterior mean of the votes among the takes of their split.

    The unit is the logit, with mean 0 in a split. Where takes of the split have ratings of their
    own, these decide the unit: logits become ratings by least squares over the takes with both.
    Only the largest set of takes that votes link is rated, since others cannot be compared with it.

    Args:
        paths: files of votes, whose item ids are take ids.
        parts: name of a split -> its takes; no performer is in two.
        source: origin of the takes, for messages.
        seed: of the draws; the same seed gives the same ratings.

    Raises:
        ComparisonError: a file cannot be read or its votes contradict each other's groups.
        ManifestError: no vote is about two of the takes, the votes are in several groups, or their
            logits cannot become ratings.
    """
    votes = read_comparisons([Path(path) for path in paths]).table.judged()
    files = ", ".join(paths)
    part_of = {
        take.take_id: number for number, takes in enumerate(parts.values()) for take in takes
    }
    part = np.array([part_of.get(item, _NO_TAKE) for item in votes.items])  # (I,)
    first, second = part[votes.item_a], part[votes.item_b]  # (N,) each
    is_known: BoolArray = (first != _NO_TAKE) & (second != _NO_TAKE)
    if not is_known.any():
        raise ManifestError(
            f"{files}: no vote is about two takes of {source}; items must be take ids, such as "
            f"{named(list(part_of)[:1])}, and the votes name {named(votes.items[:3])}"
        )
    _require_one_scale(votes.select(is_known), files)
    rated, used, num_used = {}, [], 0
    for number, (name, takes) in enumerate(parts.items()):
        linked = _largest_linked(votes.select((first == number) & (second == number)))
        ratings = _posterior_means(linked, np.random.default_rng((seed, number)))
        rated[name] = _with_ratings(takes, _in_unit_of_ratings(ratings, takes, split=name))
        num_rated = sum(new is not old for new, old in zip(rated[name], takes, strict=True))
        used.append(f"{num_rated} takes of {name} by {len(linked)}")
        num_used += len(linked)
    left_out = {
        "between splits": np.count_nonzero(is_known & (first != second)),
        f"on {(part == _NO_TAKE).sum()} items that are no take here": np.count_nonzero(~is_known),
        "on takes that no vote links to most others": np.count_nonzero(is_known & (first == second))
        - num_used,
    }
    dropped = ", ".join(f"{count} {why}" for why, count in left_out.items() if count)
    use = f"votes of {files} rate {', '.join(used)}"
    use += f"; left out: {dropped}" if dropped else ""
    _log.log(logging.WARNING if dropped else logging.INFO, "%s", use)
    return ComparedTakes(rated, use)


def _with_ratings(takes: Sequence[Take], ratings: Mapping[str, float]) -> list[Take]:
    return [
        replace(take, rating=ratings[take.take_id])
        if take.rating is None and take.take_id in ratings
        else take
        for take in takes
    ]


def _require_one_scale(votes: ComparisonTable, files: str) -> None:
    groups = sorted({votes.groups[index] for index in votes.item_group[votes.item_a]})
    if len(groups) > 1:
        raise ManifestError(
            f"{files}: the votes on these takes are in {len(groups)} groups ({named(groups)}), "
            "each with a scale of its own, and training compares all takes; choose the takes of "
            "one group with data.select.scenarios, or leave the group out of the file where votes "
            "link takes of all groups"
        )


def _largest_linked(votes: ComparisonTable) -> ComparisonTable:
    """Return the votes on the largest connected set, without other items and annotators."""
    if not len(votes):
        return votes
    votes = votes.select(check_health(votes).component[votes.item_a] == 0)
    items, ends = np.unique(np.stack([votes.item_a, votes.item_b]), return_inverse=True)
    people, annotator = np.unique(votes.annotator, return_inverse=True)
    ends = ends.reshape(2, -1)
    return replace(
        votes,
        items=tuple(votes.items[index] for index in items),
        item_a=ends[0],
        item_b=ends[1],
        groups=("",),
        item_group=np.zeros(len(items), np.int32),
        annotators=tuple(votes.annotators[index] for index in people),
        annotator=annotator,
    )


def _posterior_means(votes: ComparisonTable, rng: np.random.Generator) -> dict[str, float]:
    if not len(votes):
        return {}
    means = sample_posterior(votes, rng=rng).mean()
    return dict(zip(votes.items, means.tolist(), strict=True))


def _in_unit_of_ratings(
    logits: dict[str, float], takes: Sequence[Take], *, split: str
) -> dict[str, float]:
    own = {take.take_id: take.rating for take in takes if take.rating is not None}
    if not own or not logits.keys() - own.keys():
        return logits
    both = [(logits[name], rating) for name, rating in own.items() if name in logits]
    slope, offset = 0.0, 0.0
    if len(both) >= _MIN_WITH_BOTH:
        values, ratings = np.array(both).T
        slope, offset = np.polyfit(values, ratings, 1).tolist()
    if slope <= 0:
        raise ManifestError(
            f"data.comparisons: of split {split!r} {len(own)} takes have ratings and others only "
            f"votes, whose unit is another; it needs {_MIN_WITH_BOTH} or more takes with both, on "
            f"which both agree, and there are {len(both)}: remove the ratings, or rate more of "
            "the compared takes"
        )
    return {name: offset + slope * value for name, value in logits.items()}
