"""Participant-disjoint splits for training, model selection and testing.

No participant is in two splits, because a model that has met a person before recognises the person.
Splits depend on the participants and a seed only, not on the order of takes.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median_low
from typing import get_args

from proskill.data.manifest import require_disjoint_participants
from proskill.data.take import Split, Take
from proskill.errors import ManifestError
from proskill.levels import LevelScale

_log = logging.getLogger(__name__)


def split_takes(
    takes: Sequence[Take],
    *,
    scale: LevelScale,
    val_fraction: float = 0.15,
    test_fraction: float = 0.2,
    seed: int = 0,
) -> dict[Split, list[Take]]:
    """Return takes by split, with missing splits filled in from whole participants.

    Takes that carry a split keep it. Where none does, test and validation participants are drawn
    evenly over the levels; where only validation is missing, it is drawn from the training
    participants. A test split is never carved out of takes that were marked for training.

    Args:
        takes: all takes of a dataset.
        scale: orders the levels, for drawing evenly.
        val_fraction: share of the participants who would train, in (0, 1).
        test_fraction: share of all participants, in (0, 1).
        seed: another seed, other participants.

    Raises:
        ManifestError: a participant in two splits, a split on some takes only, or too few people.
    """
    marked = [take for take in takes if take.split is not None]
    if marked and len(marked) < len(takes):
        first = next(take.take_id for take in takes if take.split is None)
        raise ManifestError(
            f"split: take {first!r} has none but {len(marked)} of {len(takes)} takes have one; "
            "give every take a split, or none"
        )
    require_disjoint_participants(takes)
    for name, fraction in (("val_fraction", val_fraction), ("test_fraction", test_fraction)):
        if not 0 < fraction < 1:
            raise ValueError(f"{name}={fraction}: must be between 0 and 1")
    by_split: dict[Split, list[Take]] = {name: [] for name in get_args(Split)}
    for take in takes:
        by_split[take.split or "train"].append(take)
    if not marked:
        _carve(by_split, "test", test_fraction, scale=scale, seed=seed)
    if not by_split["val"] and by_split["train"]:
        _carve(by_split, "val", val_fraction, scale=scale, seed=seed)
    return by_split


def without_crossing_people(takes: Sequence[Take], *, source: Path) -> list[Take]:
    """Return takes of a published split without those that put a person on both sides.

    Test takes stay as published, so that results can be compared; training takes of the same people
    go, then validation takes of people who are tested. How many is reported through `logging`.

    Args:
        takes: with or without a split; those without stay.
        source: for the message.
    """
    last_split: dict[str, int] = {}
    order = {split: position for position, split in enumerate(get_args(Split))}
    for take in takes:
        if take.split is not None:
            last = last_split.get(take.participant, 0)
            last_split[take.participant] = max(last, order[take.split])
    kept = [
        take
        for take in takes
        if take.split is None or order[take.split] == last_split[take.participant]
    ]
    if len(kept) < len(takes):
        _log.warning(
            "%s: left out: %d takes for training or validation whose performers are in a later "
            "split, too; of %d",
            source,
            len(takes) - len(kept),
            len(takes),
        )
    return kept


def _carve(
    by_split: dict[Split, list[Take]],
    into: Split,
    fraction: float,
    *,
    scale: LevelScale,
    seed: int,
) -> None:
    """Move about `fraction` of the training participants to `into`, spread over the levels."""
    takes_of: dict[str, list[Take]] = defaultdict(list)
    for take in by_split["train"]:
        takes_of[take.participant].append(take)
    if len(takes_of) < 2:
        raise ManifestError(
            f"split {into!r}: cannot be drawn from {len(takes_of)} participant(s); add people "
            "or give every take a split"
        )

    def order(participant: str) -> tuple[int, str]:
        levels = [scale.index(take.level) for take in takes_of[participant] if take.level]
        digest = hashlib.sha256(f"{seed}\0{participant}".encode()).hexdigest()
        return (median_low(levels) if levels else -1, digest)

    people = sorted(takes_of, key=order)
    # Systematic sampling along the level order: every level gives its share, to the nearest person.
    chosen = {
        person
        for position, person in enumerate(people)
        if math.floor((position + 1) * fraction + 0.5) > math.floor(position * fraction + 0.5)
    } or {people[len(people) // 2]}
    by_split[into] = [
        replace(take, split=into) for take in by_split["train"] if take.participant in chosen
    ]
    by_split["train"] = [
        replace(take, split="train") for take in by_split["train"] if take.participant not in chosen
    ]
