"""Simulated take of a dataset, made by a layout, with its files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from proskill.data.take import Split
from proskill.simulation.control import Spell
from proskill.simulation.skill import Skill
from proskill.simulation.take_spec import FRAME_RATE, TakeSpec, draw_skill, perform_take
from proskill.whole_file import write_whole

WRITE_ADVICE = "free some space or choose another folder"


@dataclass(frozen=True)
class FilmedTake:
    """One take of a dataset, made of one performance or of several, one after the other.

    Attributes:
        take_id: as the dataset's reader names it.
        participant_id: the same.
        split: of the participant.
        specs: the performances, all of one performer.
        files: view -> file relative to the dataset's folder.
    """

    take_id: str
    participant_id: str
    split: Split
    specs: tuple[TakeSpec, ...]
    files: Mapping[str, str]

    @property
    def skill(self) -> Skill:
        """Mean skill over the performances."""
        components = np.mean([draw_skill(spec).components for spec in self.specs], axis=0)
        a, b, c, d = (float(value) for value in components)
        return Skill((a, b, c, d))

    @property
    def task(self) -> str:
        """Task that is performed, or "highlights" of several."""
        tasks = {spec.task for spec in self.specs}
        return tasks.pop() if len(tasks) == 1 else "highlights"

    @property
    def duration_seconds(self) -> float:
        """Length of the take's videos."""
        return self._timeline[0]

    @property
    def spells(self) -> tuple[Spell, ...]:
        """Spells of corrections on the take's clock, one performance after the other."""
        return self._timeline[1]

    @cached_property
    def _timeline(self) -> tuple[float, tuple[Spell, ...]]:
        now, spells = 0.0, []
        for spec in self.specs:
            performance = perform_take(spec)
            for deviation in performance.deviations.values():
                spells += [
                    replace(
                        spell,
                        start_seconds=now + spell.start_seconds,
                        end_seconds=now + spell.end_seconds,
                    )
                    for spell in deviation.spells
                ]
            now += len(performance.seconds) / FRAME_RATE
        return now, tuple(spells)


def write_json(path: Path, content: object) -> None:
    """Write a JSON file in one step."""
    write_whole(path, [json.dumps(content).encode()], advice=WRITE_ADVICE)


def write_lines(path: Path, lines: list[str]) -> None:
    """Write a text file in one step, one line each."""
    write_whole(path, [f"{line}\n".encode() for line in lines], advice=WRITE_ADVICE)
