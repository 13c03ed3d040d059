"""Sound tracks of one room are aligned; whatever does not say clearly how is refused."""

from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from proskill.errors import ProskillError
from proskill.video.audio_alignment import sound_offset
from proskill.video.sanitize import make_proxy

RATE = 8000


def write(path: Path, samples: np.ndarray) -> Path:
    scaled = 0.7 * samples / max(np.abs(samples).max(initial=1e-9), 1e-9)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((scaled * 32767).astype("<i2").tobytes())
    return path


def knocks(rng: np.random.Generator, seconds: float) -> np.ndarray:
    """Tones of many pitches and lengths at irregular times."""
    samples = np.zeros(round(seconds * RATE))
    for _ in range(round(seconds * 1.5)):
        length = int(rng.integers(RATE // 40, RATE // 4))
        begin = int(rng.integers(0, len(samples) - length))
        tone = np.sin(2 * np.pi * rng.uniform(150, 3000) * np.arange(length) / RATE)
        samples[begin : begin + length] += tone * np.exp(-4 * np.arange(length) / length)
    return samples


def heard(rng: np.random.Generator, samples: np.ndarray) -> np.ndarray:
    """As a microphone somewhere in a room hears it: with echoes of its own, and noise."""
    echoes = rng.normal(0, 1, RATE // 4) * np.exp(-np.arange(RATE // 4) / (0.06 * RATE))
    echoes[0] = 4
    there = np.convolve(samples, echoes)[: len(samples)]
    return there + rng.normal(0, 0.1 * there.std(), len(there))


@pytest.mark.parametrize("shift", [-2.35, 0.0, 1.5])
def test_microphones_in_one_room_are_aligned(tmp_path: Path, shift: float) -> None:
    rng = np.random.default_rng(3)
    sound = knocks(rng, 16)
    begins = [max(0.0, -shift), max(0.0, shift)]
    parts = [sound[round(b * RATE) : round((b + 12) * RATE)] for b in begins]
    paths = [write(tmp_path / f"{k}.wav", heard(rng, part)) for k, part in enumerate(parts)]
    found = sound_offset(*paths)
    assert found.seconds == pytest.approx(-shift, abs=0.02)
    assert 0.4 <= found.confidence <= 1
    assert sound_offset(*paths[::-1]).seconds == pytest.approx(shift, abs=0.02)


def test_unrelated_sounds_are_refused(tmp_path: Path) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        paths = [write(tmp_path / f"{k}.wav", heard(rng, knocks(rng, 12))) for k in range(2)]
        with pytest.raises(ProskillError, match="do not clearly fit"):
            sound_offset(*paths)


def test_a_regular_beat_fits_at_many_shifts_and_is_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    beat = np.tile(np.r_[np.sin(np.arange(400)), np.zeros(RATE // 2 - 400)], 24)
    paths = [write(tmp_path / f"{k}.wav", heard(rng, beat)) for k in range(2)]
    with pytest.raises(ProskillError, match="do not clearly fit"):
        sound_offset(*paths)


@pytest.mark.parametrize("samples", [np.zeros(12 * RATE), np.zeros(0), np.ones(2 * RATE)])
def test_silence_and_short_tracks_are_refused(tmp_path: Path, samples: np.ndarray) -> None:
    good = write(tmp_path / "good.wav", knocks(np.random.default_rng(0), 12))
    bad = write(tmp_path / "bad.wav", samples)
    with pytest.raises(ProskillError, match=r"bad\.wav: its sound is silent or shorter"):
        sound_offset(good, bad)


def test_what_is_no_wav_file_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.wav"
    text.write_text("hello")
    with pytest.raises(ProskillError, match="cannot be read as WAV"):
        sound_offset(text, text)


def test_the_sound_of_proxies_is_on_the_clock_of_their_pictures(
    make_video: Callable[[str], Path], run_ffmpeg: Callable[..., Path], tmp_path: Path
) -> None:
    write(tmp_path / "room.wav", knocks(np.random.default_rng(1), 12))
    late = "-itsoffset 0.7 -f lavfi -i testsrc=size=64x48:duration=8"  # pictures begin after sound
    sound = f"-i {tmp_path}/room.wav -t 8 -c:v libx264 -c:a aac -b:a 64k"
    first = run_ffmpeg(f"-f lavfi -i testsrc=size=64x48:duration=8 {sound}", tmp_path / "a.mp4")
    second = run_ffmpeg(f"{late} {sound}", tmp_path / "b.mp4")
    proxies = [make_proxy(path, tmp_path, keep_audio=True) for path in (first, second)]
    audio = [proxy.audio for proxy in proxies if proxy.audio]
    assert sound_offset(*audio).seconds == pytest.approx(-0.7, abs=0.04)
    assert make_proxy(make_video("vp9.webm"), tmp_path, keep_audio=True).audio is None
