"""Success and error rates of alignment by sound of two cameras in simulated rooms.

    python benchmarks/audio_alignment.py [--rooms 20]

Writes `benchmarks/results/audio_alignment.json`. A room's sound (irregular knocks and tones, noise
in the rhythm of speech, a regular beat) reaches two microphones with echoes of their own and
independent noise, one of them begins up to 3 s later; "unrelated" are two rooms. Of the rooms,
`aligned` were given a shift within 30 ms, `wrong` another one, and the rest was refused. Of the
unrelated ones any shift is wrong.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import wave
from pathlib import Path

import numpy as np
from measured import write_report

from proskill.errors import ProskillError
from proskill.video.audio_alignment import sound_offset

OUT = Path(__file__).parent / "results" / "audio_alignment.json"
RATE = 8000
KINDS = ("knocks", "speech", "beat", "unrelated")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rooms", type=int, default=20)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    started = time.perf_counter()
    results = []
    with tempfile.TemporaryDirectory() as name:
        for kind in KINDS:
            for seconds in (6, 10, 60):
                for decibels in (20, 0):
                    counts = {"aligned": 0, "wrong": 0}
                    # Chance fits are rare: what is unrelated is tried more often.
                    for seed in range(arguments.rooms * (5 if kind == "unrelated" else 1)):
                        outcome = align(Path(name), kind, seconds, decibels, seed)
                        if outcome:
                            counts[outcome] += 1
                    case = {"sound": kind, "seconds": seconds, "sound_over_noise_db": decibels}
                    results.append({**case, **counts})
    report = {
        "what": "shifts between two microphones' sounds, simulated rooms",
        "rooms_each": arguments.rooms,
        "unrelated_pairs_each": 5 * arguments.rooms,
        "results": results,
    }
    write_report(arguments.out, report, started=started)


def align(folder: Path, kind: str, seconds: float, decibels: float, seed: int) -> str:
    rng = np.random.default_rng(seed)
    sound = SOUNDS[kind](rng, seconds + 4)
    other = knocks(rng, seconds + 4) if kind == "unrelated" else sound
    late = rng.uniform(0, 3)
    parts = [sound[: round(seconds * RATE)]]
    parts.append(other[round(late * RATE) :][: round(seconds * RATE)])
    paths = []
    for number, part in enumerate(parts):
        paths.append(folder / f"{number}.wav")
        write(paths[-1], heard(rng, part, decibels))
    try:
        found = sound_offset(*paths)
    except ProskillError:
        return ""
    return "aligned" if kind != "unrelated" and abs(found.seconds + late) < 0.03 else "wrong"


def knocks(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Tones of many pitches and lengths at irregular times."""
    samples = np.zeros(round(seconds * RATE))
    for _ in range(round(seconds * 1.5)):
        length = int(rng.integers(RATE // 40, RATE // 4))
        begin = int(rng.integers(0, len(samples) - length))
        tone = np.sin(2 * np.pi * rng.uniform(150, 3000) * np.arange(length) / RATE)
        samples[begin : begin + length] += tone * np.exp(-4 * np.arange(length) / length)
    return samples


def speech(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Noise that comes and goes six times a second, irregularly."""
    loudness = np.repeat(np.maximum(0, rng.normal(size=round(seconds * 6) + 1)), RATE // 6)
    loudness = np.convolve(loudness, np.full(300, 1 / 300), "same")
    return rng.normal(size=len(loudness)) * loudness


def beat(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """A click each half second."""
    click = np.sin(2 * np.pi * 1000 * np.arange(800) / RATE) * np.exp(-np.arange(800) / 200)
    return np.tile(np.r_[click, np.zeros(RATE // 2 - 800)], round(2 * seconds))


SOUNDS = {"knocks": knocks, "speech": speech, "beat": beat, "unrelated": knocks}


def heard(rng: np.random.Generator, samples: np.ndarray, decibels: float) -> np.ndarray:
    """Return the sound at one microphone: echoes that fade within 0.3 s, and noise."""
    length = round(0.3 * RATE)
    echoes = rng.normal(size=length) * np.exp(-np.arange(length) / (0.06 * RATE))
    echoes[0] = rng.uniform(2, 6)
    there = np.convolve(samples, echoes)[: len(samples)]
    return there + rng.normal(size=len(there)) * there.std() * 10 ** (-decibels / 20)


def write(path: Path, samples: np.ndarray) -> None:
    scaled = 0.7 * samples / np.abs(samples).max()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((scaled * 32767).astype("<i2").tobytes())


if __name__ == "__main__":
    main()
