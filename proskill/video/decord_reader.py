"""Frames decoded by decord 0.6, for files of which it gives the frames that playing them shows.

decord finds frames by counting what its decoder returns after a seek. That is right where every key
frame begins a closed group; elsewhere it returns other frames without an error
(`benchmarks/reading.py` counts them). So a file's packets decide beforehand, and a file that decord
would misread is refused with the reason. Damage does not show in packets: PyAV decodes, in
addition, whatever the wanted frames depend on, and damage is refused, too.

Pictures equal those of `VideoReader` to the byte at the size at which they are stored. Other sizes
are scaled after the conversion to RGB instead of before it, which changes colours at sharp edges.
Not for uploads: decord knows no limit of memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from proskill.errors import ProskillError, VideoError
from proskill.video.decoding import DamagedError, Pictures, Scaler
from proskill.video.geometry import Orientation
from proskill.video.probe import INDEXED_FORMATS, Inspection
from proskill.video.reader import VideoReader

# Of these, all pictures were equal to PyAV's.
_CODECS = ("h264", "hevc", "vp8", "vp9", "mpeg4", "mpeg2video", "mjpeg", "prores", "dnxhd")
_PIXEL_FORMATS = (
    "yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p", "yuv422p10le",
    "yuv444p10le", "gbrp",
)  # fmt: skip
_MIN_WIDTH_PX = 65  # decord takes the padding of narrower rows for more channels
_NUM_AT_ONCE = 16  # pictures in memory before they are scaled
_MAX_CLOCK_DIFFERENCE_SECONDS = 0.01


class DecordReader(VideoReader):
    """One video file, read at timestamps with decord; arguments and results as of `VideoReader`.

    Raises:
        VideoError: as `VideoReader`; or decord would give other frames than playing the file shows.
        ProskillError: decord is not installed.
    """

    def _prepare(self) -> None:
        if reason := why_not_decord(self._inspection):
            raise self._refusal(reason)
        with self._decoding() as decord:
            uri = f"file:{self.info.path.absolute()}"
            self._decord = decord.VideoReader(uri, num_threads=self._decoder.num_threads)
            seconds = self._decord.get_frame_timestamp(range(len(self._decord)))[:, 0]
            first = self._stored(np.zeros(1, dtype=np.int64))[0]
            decoder = replace(self._decoder, size=first.shape[:2])
            assert self._index is not None
            expected = decoder.frames_by_time(self._inspection.shown_pts[:1], self._index)[0]
        if len(seconds) != self.info.num_frames or not np.allclose(
            seconds - seconds[0],
            self._inspection.seconds,
            rtol=0,
            atol=_MAX_CLOCK_DIFFERENCE_SECONDS,
        ):
            raise self._refusal("it counts its frames differently")
        if not np.array_equal(first, expected):
            raise self._refusal("its first picture comes out different")

    def _pictures(self, timestamps: NDArray[np.float64]) -> Pictures:
        wanted, inverse = np.unique(self._places_at(timestamps), return_inverse=True)
        scaler = Scaler(self.size, Orientation())  # decord delivers upright pictures
        pictures = np.empty((len(wanted), *self.size, 3), dtype=np.uint8)
        with self._decoding():
            assert self._index is not None
            self._decoder.require_intact(self._inspection.shown_pts[wanted], self._index)
            for start in range(0, len(wanted), _NUM_AT_ONCE):
                batch = self._stored(wanted[start : start + _NUM_AT_ONCE])
                for place, picture in enumerate(batch, start):
                    if picture.shape[:2] != self.size:
                        picture = scaler.rgb(VideoFrame.from_ndarray(picture, format="rgb24"))
                    pictures[place] = picture
        return pictures[inverse]

    def _stored(self, places: NDArray[np.int64]) -> Pictures:
        """Decode frames with decord at the size at which they are stored, (T, H, W, 3)."""
        batch: Pictures = self._decord.get_batch(places).numpy()
        return batch

    @contextmanager
    def _decoding(self) -> Iterator[ModuleType]:
        """Give decord with torch tensors as its results, and word its errors."""
        try:
            import decord
        except ImportError as error:
            raise ProskillError(
                "reader='decord': decord is not installed; install it by "
                "`pip install 'proskill[decord]'`, or read with PyAV (data.reader: pyav)"
            ) from error
        decord.logging.set_level(decord.logging.QUIET)
        try:
            with decord.bridge.use_torch():  # in place of the bridge that the program has chosen
                yield decord
        except DamagedError:
            raise self._refusal("it is damaged") from None
        except (decord.DECORDError, decord.DECORDLimitReachedError, RuntimeError) as error:
            raise self._refusal("it fails to decode it") from error

    def _refusal(self, reason: str) -> VideoError:
        return VideoError(
            self.info.path,
            f"cannot be read with decord: {reason}; read it with PyAV (data.reader: pyav)",
        )


def why_not_decord(found: Inspection) -> str | None:
    """Return why decord would give other frames than playing the file shows, or None.

    Args:
        found: the file's packets and first picture.
    """
    info = found.info
    if info.codec not in _CODECS:
        return f"its codec is {info.codec}; allowed are {', '.join(_CODECS)}"
    if not info.container.startswith(INDEXED_FORMATS):
        return f"its container is {info.container}; allowed are mp4, mov, mkv and webm"
    if found.index is None:
        return "the timestamps of its packets do not identify its frames"
    if found.num_alike:
        return "it has several video streams of one picture size"
    if found.num_hidden:
        return f"its edit list hides {found.num_hidden} frames"
    if found.num_open_keys:
        return (
            f"{found.num_open_keys} of its key frames begin an open group, a gradual refresh or "
            "pictures of another size"
        )
    if info.is_mirrored:
        return "it is to be shown mirrored"
    if info.pixel_format not in _PIXEL_FORMATS:
        return f"its pixel format is {info.pixel_format}; allowed are {', '.join(_PIXEL_FORMATS)}"
    if min(info.width, info.height) < _MIN_WIDTH_PX:
        return f"its pictures are {info.width}x{info.height} px; needed are {_MIN_WIDTH_PX} or more"
    return None
