"""Effect of skill on movement: spells of fast correction inside smooth motor control.

Every component of skill drives one *deviation*, a signal of unit variance that is added to the
ideal movement (to the hand, the trunk, or the movement's clock). At any moment the deviation is
either a slow drift or a spell of fast corrections; skill decides only how much of the time is
spent in such spells. Amplitude, mean and total duration are the same for all levels, so that no
single frame, no set of frames and no average tells the level: it lies in the order of the frames
alone.

What the spells stand for:

- hand (dexterity): endpoint noise and the corrective submovements that answer it, and the detours
  they make of a path: Harris & Wolpert, Nature 394 (1998); Meyer et al., Psychol. Rev. 95 (1988);
  Novak et al., Exp. Brain Res. 144 (2002); cost of missed
  solutions: Mueller & Sternad, JEP:HPP 30 (2004).
- trunk (frontal and sagittal control): postural sway, slow open-loop drift against fast
  corrections: Collins & De Luca, Exp. Brain Res. 95 (1993); Winter, Gait & Posture 3 (1995).
- clock (timing): hesitations, repeated approaches after an error, uneven tempo, jerk instead of the
  minimum-jerk profile: Flash & Hogan, J. Neurosci. 5 (1985); Wing & Kristofferson, Percept.
  Psychophys. 14 (1973); Balasubramanian et al., J. NeuroEng. Rehabil. 12 (2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from proskill.simulation.skill import COMPONENTS, Skill

SLOW_HZ = (0.45, 0.8)
FAST_HZ = (2.1, 3.1)
"""Bands of drift and of correction. Even the drift turns within a second or two, so that the
spread of positions inside a short window does not tell the two apart."""

MIN_SHARE, MAX_SHARE = 0.06, 0.84
"""Share of the time in spells, for the best and the least skilled."""

SPELL_SECONDS = 0.8
_RAMP_SECONDS = 0.15
_NUM_TONES = 7
_MASTERY_RANGE = (0.02, 0.98)  # beyond it the quantile of one spell more or less means nothing


@dataclass(frozen=True)
class Spell:
    """Segment of fast corrections.

    Attributes:
        component: the component of skill that lacked.
        start_seconds, end_seconds: on the take's clock.
    """

    component: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True)
class Deviation:
    """One component's deviation from the ideal movement.

    Attributes:
        signal: (T, 3) three independent directions, each of zero mean and unit variance over the
            take.
        envelope: (T,) 0 in drift, 1 in a spell.
        spells: the spells, in order.
    """

    signal: np.ndarray
    envelope: np.ndarray
    spells: tuple[Spell, ...]


def spell_share(skill: Skill) -> np.ndarray:
    """Return the share of time in spells per component, (4,) in [MIN_SHARE, MAX_SHARE]."""
    return MAX_SHARE - (MAX_SHARE - MIN_SHARE) * skill.mastery


def skill_of(spells: Sequence[Spell], *, duration_seconds: float) -> Skill:
    """Return the skill that leads to this share of the time in spells: inverts `spell_share`.

    A component in fewer spells than the best performer's, or in more than the worst one's, is taken
    for theirs.
    """
    values = []
    for name in COMPONENTS:
        lengths = [s.end_seconds - s.start_seconds for s in spells if s.component == name]
        mastery = (MAX_SHARE - sum(lengths) / duration_seconds) / (MAX_SHARE - MIN_SHARE)
        values.append(float(ndtri(np.clip(mastery, *_MASTERY_RANGE))))
    a, b, c, d = values
    return Skill((a, b, c, d))


def draw_deviations(
    skill: Skill,
    seconds: np.ndarray,
    rng: np.random.Generator,
    *,
    spells: Sequence[Spell] | None = None,
) -> dict[str, Deviation]:
    """Return deviations by component at the timestamps `seconds` (T,).

    Args:
        skill: how much of the time each component spends in spells.
        seconds: (T,) timestamps of the take, from 0.
        rng: everything else is drawn from it.
        spells: exactly these, whatever the skill; None draws as many as the skill says.
    """
    found = {}
    for name, share in zip(COMPONENTS, spell_share(skill), strict=True):
        if spells is None:
            intervals = _draw_spells(float(share), float(seconds[-1]), rng)
        else:
            intervals = [(s.start_seconds, s.end_seconds) for s in spells if s.component == name]
        found[name] = _draw_deviation(name, intervals, seconds, rng)
    return found


def _draw_deviation(
    name: str,
    intervals: Sequence[tuple[float, float]],
    seconds: np.ndarray,
    rng: np.random.Generator,
) -> Deviation:
    envelope = np.zeros(len(seconds))
    for start, stop in intervals:
        rise = (seconds - start) / _RAMP_SECONDS + 0.5
        fall = (stop - seconds) / _RAMP_SECONDS + 0.5
        envelope = np.maximum(envelope, np.clip(np.minimum(rise, fall), 0.0, 1.0))
    envelope = np.sin(0.5 * np.pi * envelope)  # so that drift and spell cross at constant power
    drift = np.sqrt(1 - envelope**2)
    axes = []
    for _ in range(3):
        axis = drift * band_noise(seconds, SLOW_HZ, rng) + envelope * band_noise(
            seconds, FAST_HZ, rng
        )
        axis -= axis.mean()
        axes.append(axis / axis.std())
    found = tuple(Spell(name, start, stop) for start, stop in intervals)
    return Deviation(np.stack(axes, axis=1), envelope, found)


def band_noise(
    seconds: np.ndarray, band_hz: tuple[float, float], rng: np.random.Generator
) -> np.ndarray:
    """Draw smooth noise of zero mean and unit variance inside a frequency band, (T,)."""
    hz = rng.uniform(*band_hz, _NUM_TONES)
    phase = rng.uniform(0, 2 * np.pi, _NUM_TONES)
    noise = np.sin(2 * np.pi * np.outer(seconds, hz) + phase).sum(axis=1)
    noise -= noise.mean()
    return np.asarray(noise / noise.std())


def _draw_spells(
    share: float, duration: float, rng: np.random.Generator
) -> list[tuple[float, float]]:
    """Draw disjoint intervals that fill exactly `share` of the duration."""
    total = share * duration
    num = max(1, int(total / SPELL_SECONDS + rng.random()))
    lengths = rng.uniform(0.7, 1.3, num)
    lengths *= total / lengths.sum()
    gaps = rng.exponential(1.0, num + 1) + 0.25
    gaps *= (duration - total) / gaps.sum()
    starts = np.cumsum(gaps[:-1]) + np.concatenate([[0.0], np.cumsum(lengths)[:-1]])
    return [(float(a), float(a + n)) for a, n in zip(starts, lengths, strict=True)]
