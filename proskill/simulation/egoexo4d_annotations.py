"""Annotations of simulated takes as Ego-Exo4D's: levels, tips and expert commentary.

Everything follows from the hidden skill and the spells of corrections (`control.Spell`): the level
is the skill's, a tip stands where a spell is, an expert's rating is the skill with the expert's own
habit and error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from proskill.data.egoexo4d import TEST_LIST_FILE
from proskill.data.expert_commentary import MAX_RATING, MIN_RATING
from proskill.simulation.cameras import CAMERA_KINDS
from proskill.simulation.filmed_take import FilmedTake, write_json

UNIVERSITY = "simulated"
BENCHMARK = "proficiency_demonstrator"

_EXPERTS = {"expert": 0.4, "critic": -0.4}  # six characters each -> habit, in standard deviations
_RATING_PER_DEVIATION = 2.0
_ERROR = 0.4  # of one expert in one take, in standard deviations of skill
_EXPORTED = "20240325_00:00:00"  # when the data set's release 2 was; never the time of writing

_SAYINGS = {
    "dexterity": "The hands correct their way again and again here.",
    "frontal_control": "The body sways from side to side here.",
    "sagittal_control": "The body sways back and forth here.",
    "timing": "The pace is uneven here.",
}


def write_annotations(folder: Path, takes: Sequence[FilmedTake], uids: Mapping[str, str]) -> None:
    """Write all annotation files.

    Args:
        folder: `annotations/` of the dataset.
        takes: the dataset.
        uids: take id -> its uid.
    """
    write_json(
        folder / "splits.json",
        {
            "take_uid_to_split": {uids[take.take_id]: take.split for take in takes},
            "take_uid_to_benchmark": {uids[take.take_id]: [BENCHMARK] for take in takes},
        },
    )
    test = [take for take in takes if take.split == "test"]
    write_json(folder / TEST_LIST_FILE, [take.take_id for take in test])
    for split in ("train", "val"):
        # A split without takes has no file: an empty one would be an error to the reader.
        if chosen := [take for take in takes if take.split == split]:
            _write_split(folder, split, chosen, uids)


def video_paths(take: FilmedTake) -> dict[str, str | None]:
    """Return view -> file, null for a camera that failed: one before the last not filmed."""
    last = max((view for view in take.files if CAMERA_KINDS[view] == "exo"), default="")
    return {
        view: take.files.get(view)
        for view in sorted(CAMERA_KINDS)
        if view in take.files or (CAMERA_KINDS[view] == "exo" and view < last)
    }


def _write_split(
    folder: Path, split: str, takes: Sequence[FilmedTake], uids: Mapping[str, str]
) -> None:
    described = {take.take_id: _described(take, uids[take.take_id]) for take in takes}
    levels = [{**described[take.take_id], "proficiency_score": take.skill.level} for take in takes]
    write_json(folder / f"{BENCHMARK}_{split}.json", {"annotations": levels})
    moments = [{**described[take.take_id], **_moments(take)} for take in takes]
    write_json(folder / f"proficiency_demonstration_{split}.json", {"annotations": moments})
    said = {uids[take.take_id]: _commentaries(folder, take, uids[take.take_id]) for take in takes}
    write_json(folder / f"expert_commentary_{split}.json", {"ds": _EXPORTED, "annotations": said})


def _described(take: FilmedTake, uid: str) -> dict[str, Any]:
    return {
        "task_id": 1000,
        "task_name": take.task,
        "scenario_name": take.task,
        "university_id": UNIVERSITY,
        "origin_participant_id": take.participant_id,
        "take_uid": uid,
        "video_paths": video_paths(take),
    }


def _moments(take: FilmedTake) -> dict[str, Any]:
    """Return tips in the middle of spells, and good moments in the longest gap."""
    spells = sorted(take.spells, key=lambda spell: spell.start_seconds)
    tips = [
        _moment(take, (spell.start_seconds + spell.end_seconds) / 2, _SAYINGS[spell.component])
        for spell in spells
    ]
    gaps, calm_since = [], 0.0
    for spell in spells:
        gaps.append((spell.start_seconds - calm_since, calm_since))
        calm_since = max(calm_since, spell.end_seconds)
    length, start = max([*gaps, (take.duration_seconds - calm_since, calm_since)])
    good = [_moment(take, start + length / 2, "Smooth and steady here.")] if length > 0 else []
    return {"good_executions": good, "tips_for_improvement": tips}


def _moment(take: FilmedTake, seconds: float, text: str) -> dict[str, Any]:
    return {
        "video_time": round(seconds, 6),
        "list": [text],
        "expert_uid": next(iter(_EXPERTS)),
        "video_name": take.take_id,
    }


def _commentaries(folder: Path, take: FilmedTake, uid: str) -> list[dict[str, Any]]:
    """Return the experts' remarks on a take, and write their ratings to folders."""
    remarks = [
        {
            "recording": f"{number}.webm",
            "video_time": round(spell.end_seconds, 6),
            "text": f" {_SAYINGS[spell.component]}",
            "duration_approx": 3.0,
            "error": False,
        }
        for number, spell in enumerate(sorted(take.spells, key=lambda spell: spell.end_seconds))
    ]
    for number, expert in enumerate(_EXPERTS):
        own = folder / "expert_commentary" / take.take_id / expert
        rating = _rating(take, number)
        recorded = [
            {
                "recording_path": remark["recording"],
                "duration_approx": remark["duration_approx"],
                "video_time": remark["video_time"],
                "events": [],
            }
            for remark in remarks
        ]
        write_json(
            own / "data.json",
            {
                "user_id": expert,
                "video_name": take.take_id,
                "annotations": recorded,
                "proficiency": {"rating": rating, "why": "Simulated from the hidden skill."},
            },
        )
        write_json(
            own / "transcriptions.json",
            {
                remark["recording"]: {"text": remark["text"], "language": "en", "error": False}
                for remark in remarks
            },
        )
    return [
        {
            "take_name": take.take_id,
            "take_uid": uid,
            "task_id": 1000,
            "task_name": take.task,
            "commentary": f"{take.take_id}/{expert}",
            "commentary_data": remarks,
        }
        for expert in _EXPERTS
    ]


def _rating(take: FilmedTake, expert: int) -> int:
    spec = take.specs[0]
    rng = np.random.default_rng([spec.seed, spec.participant, spec.repetition, 77, expert])
    seen = take.skill.rating + list(_EXPERTS.values())[expert] + _ERROR * rng.standard_normal()
    middle = (MIN_RATING + MAX_RATING) / 2
    return int(np.clip(round(middle + _RATING_PER_DEVIATION * seen), MIN_RATING, MAX_RATING))
