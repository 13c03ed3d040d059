"""Offset between two cameras' clocks, estimated from their sound tracks, or refused.

Two microphones in one room hear the same knocks and calls, coloured differently by distance and
walls; what survives is when the sound in each band sets in. So the tracks are turned into the
strength of onsets in a few bands, and these are correlated over all shifts. A shift is believed
only if it stands out from all others: silence, unrelated sound and a regular beat give none.

Shapes: S samples, N analysis frames, F bands.
"""

from __future__ import annotations

import wave
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from proskill.errors import ProskillError

_FRAMES_PER_SECOND: Final = 100
_WINDOW_SECONDS = 0.032
_BAND_EDGES_HZ: Final = (100, 200, 400, 700, 1100, 1700, 2500, 3600)
_MIN_OVERLAP_SECONDS = 3.0
_PEAK_HALF_WIDTH_SECONDS = 0.1
# Above what unrelated tracks and regular beats reach (benchmarks/audio_alignment.py).
_MIN_PROMINENCE = 9.0  # of the best fit over the spread of the others
_MIN_CONFIDENCE = 0.4


@dataclass(frozen=True)
class SoundOffset:
    """Offset of one sound track to another.

    Attributes:
        seconds: added to the first track's clock to give the second's.
        confidence: by how much of itself the best shift exceeds every other, in [0, 1].
    """

    seconds: float
    confidence: float


def sound_offset(first: Path, second: Path) -> SoundOffset:
    """Estimate the shift at which two sound tracks fit.

    Args:
        first: WAV file, mono, 16 bit, as `make_proxy` writes it.
        second: likewise, at the same rate.

    Raises:
        ProskillError: a track is too short or silent, or no shift stands out.
    """
    onsets = [_onsets(*_read(path)) for path in (first, second)]
    for path, each in zip((first, second), onsets, strict=True):
        if len(each) < _MIN_OVERLAP_SECONDS * _FRAMES_PER_SECOND or not each.any():
            raise ProskillError(
                f"{path.name}: its sound is silent or shorter than {_MIN_OVERLAP_SECONDS:g} s; "
                "set the views' time origins by hand"
            )
    shifts, fits = _correlation(*onsets)
    best = int(np.argmax(fits))
    is_elsewhere = np.abs(shifts - shifts[best]) > _PEAK_HALF_WIDTH_SECONDS * _FRAMES_PER_SECOND
    confidence = 1 - max(0.0, float(fits[is_elsewhere].max(initial=0.0))) / float(fits[best])
    spread = 1.4826 * float(np.median(np.abs(fits[is_elsewhere])))  # as a standard deviation
    if confidence < _MIN_CONFIDENCE or fits[best] < _MIN_PROMINENCE * spread:
        raise ProskillError(
            "the two views' sounds do not clearly fit each other at any shift; "
            "set their time origins by hand"
        )
    return SoundOffset(
        seconds=float(shifts[best] + _vertex(fits, best)) / _FRAMES_PER_SECOND,
        confidence=min(1.0, confidence),
    )


def _read(path: Path) -> tuple[NDArray[np.float64], int]:
    """Return samples (S,) in [-1, 1) and their rate in Hz.

    Raises:
        ProskillError: not such a file.
    """
    try:
        with wave.open(str(path), "rb") as file:
            form = (file.getnchannels(), file.getsampwidth())
            rate, data = file.getframerate(), file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise ProskillError(f"{path}: cannot be read as WAV ({error}); copy it again") from error
    if form != (1, 2) or rate < 2 * _BAND_EDGES_HZ[-1]:
        raise ProskillError(
            f"{path}: has {form[0]} channels of {8 * form[1]} bit at {rate} Hz; must be one of "
            f"16 bit at {2 * _BAND_EDGES_HZ[-1]} Hz or more"
        )
    return np.frombuffer(data[: len(data) // 2 * 2], "<i2") / 32768, rate


def _onsets(samples: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Return the standardised rise of loudness per band from frame to frame, (N, F)."""
    step, width = rate // _FRAMES_PER_SECOND, round(rate * _WINDOW_SECONDS)
    if len(samples) < width + step:
        return np.zeros((0, len(_BAND_EDGES_HZ) - 1))
    windows = np.lib.stride_tricks.sliding_window_view(samples, width)[::step]
    power = np.concatenate(  # in parts: all spectra of ten minutes would take a gigabyte
        [_band_power(part, rate) for part in np.array_split(windows, 1 + len(windows) // 4096)]
    )  # (N, F)
    loudness = np.log(power + 1e-8)  # of full scale; what is quieter is no sound
    rises = np.maximum(np.diff(loudness, axis=0), 0.0)
    rises -= rises.mean(axis=0)
    scale = rises.std(axis=0)
    standard: NDArray[np.float64] = np.where(scale > 1e-6, rises / np.where(scale > 0, scale, 1), 0)
    return np.clip(standard, -4, 4)  # one door slam is not the whole track


def _band_power(windows: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    spectrum = np.abs(np.fft.rfft(windows * np.hanning(windows.shape[1]), axis=1)) ** 2
    hertz = np.fft.rfftfreq(windows.shape[1], 1 / rate)
    edges = np.searchsorted(hertz, _BAND_EDGES_HZ)
    bands = [spectrum[:, a:b].mean(axis=1) for a, b in pairwise(edges)]
    return np.stack(bands, axis=1)


def _correlation(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return shifts in frames and the correlation at each, by the square root of the overlap."""
    num_points = 1 << (len(first) + len(second) - 1).bit_length()
    spectra = [np.fft.rfft(each, num_points, axis=0) for each in (first, second)]
    products = np.fft.irfft((np.conj(spectra[0]) * spectra[1]).sum(axis=1), num_points)
    shifts = np.arange(-len(first) + 1, len(second))
    overlap = np.minimum(len(first), len(second) - shifts) - np.maximum(0, -shifts)
    is_long = overlap >= _MIN_OVERLAP_SECONDS * _FRAMES_PER_SECOND
    shifts, overlap = shifts[is_long], overlap[is_long]
    return shifts, products[shifts % num_points] / np.sqrt(overlap)


def _vertex(values: NDArray[np.float64], k: int) -> float:
    """Return the peak of the parabola through values k - 1, k, k + 1, from k, in [-0.5, 0.5]."""
    if not 0 < k < len(values) - 1:
        return 0.0
    left, middle, right = values[k - 1 : k + 2]
    bend = left - 2 * middle + right
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < 0 else 0.0
