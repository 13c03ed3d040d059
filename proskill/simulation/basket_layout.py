"""Simulated takes laid out as BASKET: one highlight video per player, 20 skills, four test sets.

A player's takes follow one another in one video, as scenes do in a highlight reel: for a video of
ten minutes, ask for 90 takes per participant.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import numpy as np
from scipy.special import ndtr

from proskill.data.basket import (
    BASKET_SKILLS,
    INVERTED_SKILL,
    LABELS_FOLDER,
    VIDEOS_FOLDER,
    TestSet,
)
from proskill.data.take import Split
from proskill.levels import BASKET_LEVELS
from proskill.simulation.filmed_take import FilmedTake, write_lines
from proskill.simulation.skill import COMPONENT_CORRELATION, COMPONENTS, Skill
from proskill.simulation.take_spec import TakeSpec

_SEASONS, _LEAGUES = ("18-19", "19-20"), ("NBA", "NCAA Division I")
_NEW_SEASON, _NEW_LEAGUE = "22-23", "China. CBA"


def plan_basket(
    specs: Sequence[TakeSpec], splits: Sequence[Split], views: Sequence[str]
) -> list[FilmedTake]:
    """Plan one take per participant; those to be tested go to the four test sets in turn.

    Raises:
        ValueError: more than one view, or a split without participants.
    """
    if len(views) != 1:
        raise ValueError(f"views={','.join(views)}: BASKET has one camera per video; name one")
    if missing := set(get_args(Split)) - set(splits):
        raise ValueError(
            f"num_participants={len(splits)}: none is left for {', '.join(sorted(missing))}; add "
            "participants"
        )
    by_participant: dict[int, list[TakeSpec]] = defaultdict(list)
    for spec in specs:
        by_participant[spec.participant].append(spec)
    takes = []
    num_tested = 0
    for participant, own in by_participant.items():
        test_set = get_args(TestSet)[0]
        if splits[participant] == "test":
            test_set = get_args(TestSet)[num_tested % len(get_args(TestSet))]
            num_tested += 1
        season, league = _SEASONS[participant % 2], _LEAGUES[participant // 2 % 2]
        season = _NEW_SEASON if "season" in test_set else season
        league = _NEW_LEAGUE if "league" in test_set else league
        name = f"{season}/{league}/{participant + 1}_{season.replace('-', '_')}"
        takes.append(
            FilmedTake(
                take_id=name,
                participant_id=str(participant + 1),
                split=splits[participant],
                specs=tuple(own),
                files={views[0]: f"{VIDEOS_FOLDER}/{name}.mp4"},
            )
        )
    return takes


def write_basket_layout(root: Path, takes: Sequence[FilmedTake]) -> Path:
    """Write the CSV files; an empty test set has a file without rows."""
    labels = root / LABELS_FOLDER
    for split in ("train", "val"):
        _write(labels / VIDEOS_FOLDER / f"{split}.csv", [t for t in takes if t.split == split])
    for test_set in get_args(TestSet):
        chosen = [t for t in takes if t.split == "test" and _test_set(t) == test_set]
        _write(labels / test_set / "test.csv", chosen)
    return root


def skill_levels(skill: Skill) -> dict[str, int]:
    """Return BASKET's 20 skills: mixtures of the simulated components, cut at quintiles.

    Returns:
        Skill -> 0 (poor) to 4 (excellent), higher being more skill for all of them.
    """
    levels = {}
    num = len(COMPONENTS)
    for position, name in enumerate(BASKET_SKILLS):
        first, second = position % num, (position + 1 + position // 8) % num
        weight = 1 - 0.15 * (position // num)
        # Standard-normal again: the components correlate.
        variance = weight**2 + (1 - weight) ** 2
        variance += 2 * weight * (1 - weight) * COMPONENT_CORRELATION
        if first == second:
            weight, variance = 1.0, 1.0
        mixed = weight * skill.components[first] + (1 - weight) * skill.components[second]
        quantile = float(ndtr(mixed / np.sqrt(variance)))
        levels[name] = min(int(quantile * len(BASKET_LEVELS)), len(BASKET_LEVELS) - 1)
    return levels


def _test_set(take: FilmedTake) -> TestSet:
    season, league, _ = take.take_id.split("/")
    is_new_season, is_new_league = season == _NEW_SEASON, league == _NEW_LEAGUE
    if is_new_season:
        return "cross_season_and_league" if is_new_league else "cross_season"
    return "cross_league" if is_new_league else "BASKET"


def _write(file: Path, takes: Sequence[FilmedTake]) -> None:
    lines = [",".join(["video_path", *BASKET_SKILLS])]
    for take in takes:
        levels = skill_levels(take.skill)
        levels[INVERTED_SKILL] = len(BASKET_LEVELS) - 1 - levels[INVERTED_SKILL]
        lines.append(",".join([f"{take.take_id}.mp4", *map(str, levels.values())]))
    write_lines(file, lines)
