"""Simulated takes laid out as ProSkill: pairs, six rounds, and ratings after each of them.

Annotators compare segments of the same task and split; votes, pairs and Elo ratings come from
`proskill.rating`, as in the data set's own protocol.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from proskill.data.take import Split
from proskill.levels import EGOEXO4D_LEVELS
from proskill.rating.comparisons import ComparisonTable
from proskill.rating.elo import merge_by_majority, rate_as_proskill
from proskill.rating.simulated import SimulatedAnnotator, simulate_campaign
from proskill.simulation.filmed_take import WRITE_ADVICE, FilmedTake, write_json, write_lines
from proskill.simulation.take_spec import TakeSpec
from proskill.whole_file import write_whole

SUBSET = "simulated"
GOAL = "simulated performance"
NUM_ROUNDS = 6

_ANNOTATORS = (SimulatedAnnotator(),) * 3
_LOGITS_PER_DEVIATION = 2.0


def plan_proskill(
    specs: Sequence[TakeSpec], splits: Sequence[Split], views: Sequence[str]
) -> list[FilmedTake]:
    """Plan one segment per performance, without those that have no counterpart.

    Raises:
        ValueError: a split without a segment.
    """
    groups = Counter((spec.task, splits[spec.participant]) for spec in specs)
    takes = [
        FilmedTake(
            take_id=f"{SUBSET}/{spec.take_id}",
            participant_id=f"{SUBSET}/{spec.participant_id}",
            split=splits[spec.participant],
            specs=(spec,),
            files={view: f"{SUBSET}/videos/{view}/{spec.take_id}.mp4" for view in views},
        )
        for spec in specs
        if groups[spec.task, splits[spec.participant]] > 1
    ]
    for split in ("train", "val", "test"):
        if all(take.split != split for take in takes):
            raise ValueError(
                f"num_participants={len(splits)}: split {split!r} has no two takes of one task to "
                "compare; add participants or name fewer tasks"
            )
    return takes


def write_proskill_layout(root: Path, takes: Sequence[FilmedTake]) -> Path:
    """Write pairs, rounds, rankings and taxonomies, and who performed each segment."""
    subset = root / SUBSET
    segments = [take.specs[0].take_id for take in takes]
    tasks = [take.task for take in takes]
    tables = _play(takes)
    before = 0
    for number, table in enumerate(tables, 1):
        pairs = [[segments[a], segments[b]] for a, b in _pairs(table)[before:]]
        before = len(_pairs(table))
        _write_yaml(subset / "rounds" / f"{number}.yaml", _by_task(pairs, segments, tasks))
        ranking = subset / "rankings" / f"rank_after_round_{number}.yml"
        _write_yaml(ranking, _ranking(table, segments, tasks))
    for split in ("train", "val", "test"):
        write_lines(subset / f"{split}.txt", _pair_lines(tables[-1], takes, split))
    write_lines(
        subset / "participants.csv",
        ["segment,participant_id"]
        + [f"{take.specs[0].take_id},{take.specs[0].participant_id}" for take in takes],
    )
    subgoals = sorted(set(tasks))
    write_json(subset / "taxonomy.json", {GOAL: subgoals})
    _write_yaml(root / "taxonomy.yaml", {SUBSET: {GOAL: subgoals}})
    return root


def _play(takes: Sequence[FilmedTake]) -> list[ComparisonTable]:
    """Return all votes so far, after each round."""
    groups = sorted({(take.task, take.split) for take in takes})
    rounds = simulate_campaign(
        np.random.default_rng([takes[0].specs[0].seed, 55]),
        skill=np.array([_LOGITS_PER_DEVIATION * take.skill.rating for take in takes]),
        item_group=np.array([groups.index((take.task, take.split)) for take in takes]),
        annotators=_ANNOTATORS,
        votes_per_pair=len(_ANNOTATORS),
        method="swiss_score",
        fit_annotators=False,
    )
    return [after.table for after in islice(rounds, NUM_ROUNDS)]


def _pairs(table: ComparisonTable) -> list[tuple[int, int]]:
    """Return the pairs in order of play, each once however many voted."""
    ends = zip(table.item_a.tolist(), table.item_b.tolist(), strict=True)
    return list(dict.fromkeys((min(pair), max(pair)) for pair in ends))


def _by_task(
    pairs: Sequence[Sequence[str]], segments: Sequence[str], tasks: Sequence[str]
) -> dict[str, list[list[str]]]:
    task_of = dict(zip(segments, tasks, strict=True))
    rounds: dict[str, list[list[str]]] = defaultdict(list)
    for first, second in pairs:
        rounds[task_of[first]].append([first, second])
    return dict(rounds)


def _ranking(
    table: ComparisonTable, segments: Sequence[str], tasks: Sequence[str]
) -> dict[str, dict[str, dict[str, Any]]]:
    standing = rate_as_proskill(table)
    numbers = zip(standing.elo, standing.swiss_score, standing.z_score, strict=True)
    ranking: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for segment, task, (elo, swiss, z_score) in zip(segments, tasks, numbers, strict=True):
        ranking[task][segment] = {
            "elo": round(float(elo), 4),
            "swiss_score": float(swiss),
            "z_score": round(float(z_score), 4),
            "expert_level": _level(float(z_score)),
        }
    return dict(ranking)


def _level(z_score: float) -> str:
    return EGOEXO4D_LEVELS.names[int(np.searchsorted([-0.67, 0.0, 0.67], z_score))]


def _pair_lines(table: ComparisonTable, takes: Sequence[FilmedTake], split: str) -> list[str]:
    """Return a line for each pair of a split, the majority's winner first."""
    votes = merge_by_majority(table)
    lines = []
    ends = zip(votes.item_a.tolist(), votes.item_b.tolist(), votes.outcome.tolist(), strict=True)
    for a, b, outcome in ends:
        winner, loser = (takes[a], takes[b]) if outcome > 0 else (takes[b], takes[a])
        if winner.split == split:
            names = winner.specs[0].take_id, loser.specs[0].take_id
            lines.append(f"{names[0]},{names[1]},{GOAL}->{winner.task}")
    return lines


def _write_yaml(path: Path, content: object) -> None:
    import yaml

    text = yaml.safe_dump(content, sort_keys=False)
    write_whole(path, [text.encode()], advice=WRITE_ADVICE)
