from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from proskill.errors import ProskillError
from proskill.scoring import Proxy
from proskill.scoring.uploads import sound_origins
from proskill.video.probe import VideoInfo

RATE = 8000


def _proxy(path: Path, samples: np.ndarray | None) -> Proxy:
    """A copy whose sound is given; its pictures are of no interest here."""
    audio = None
    if samples is not None:
        audio = path.with_suffix(".wav")
        with wave.open(str(audio), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    info = VideoInfo(
        path=path, size_bytes=1, container="mov,mp4", codec="h264", pixel_format="yuv420p",
        width=2, height=2, rotation_degrees=0, is_mirrored=False, duration_seconds=20.0,
        frame_rate=30.0, num_frames=600, decoded_ratio=1.0, has_audio=audio is not None,
    )  # fmt: skip
    return Proxy(path=path, info=info, sha256="0", audio=audio)


def _bounces(seconds: float) -> np.ndarray:
    """Knocks at irregular times, as of a ball."""
    rng = np.random.default_rng(5)
    sound = 0.003 * rng.standard_normal(int(RATE * seconds))
    for at in np.cumsum(rng.uniform(0.25, 0.9, 60)):
        begin = int(RATE * at)
        knock = rng.standard_normal(800) * np.exp(-np.arange(800) / 120)
        room = sound[begin : begin + 800]
        room += 0.5 * knock[: len(room)]
    return sound


def test_the_view_that_began_last_begins_at_its_start_and_the_others_later(tmp_path: Path) -> None:
    sound = _bounces(25.0)
    proxies = {
        "ego": _proxy(tmp_path / "a", sound[: 20 * RATE]),
        "exo1": _proxy(tmp_path / "b", sound[2 * RATE : 22 * RATE]),
        "exo2": _proxy(tmp_path / "c", sound[RATE // 2 : 20 * RATE]),
    }
    origins = sound_origins(proxies)
    assert origins == pytest.approx({"ego": 2.0, "exo1": 0.0, "exo2": 1.5}, abs=0.02)


def test_a_view_without_sound_is_named(tmp_path: Path) -> None:
    proxies = {
        "ego": _proxy(tmp_path / "a", _bounces(20.0)), "exo1": _proxy(tmp_path / "b", None)
    }  # fmt: skip
    with pytest.raises(ProskillError, match="view 'exo1' has no sound"):
        sound_origins(proxies)


def test_sounds_of_different_moments_are_not_aligned(tmp_path: Path) -> None:
    other = 0.3 * np.random.default_rng(8).standard_normal(20 * RATE)
    proxies = {
        "ego": _proxy(tmp_path / "a", _bounces(20.0)), "exo1": _proxy(tmp_path / "b", other)
    }  # fmt: skip
    with pytest.raises(ProskillError, match="does not clearly fit that of 'ego'"):
        sound_origins(proxies)


def test_a_single_view_has_nothing_to_be_aligned_with(tmp_path: Path) -> None:
    with pytest.raises(ProskillError, match="add another"):
        sound_origins({"ego": _proxy(tmp_path / "a", _bounces(20.0))})
