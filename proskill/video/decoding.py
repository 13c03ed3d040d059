"""Decoding of chosen frames, each identified by its presentation time.

Every decoded frame carries the presentation time of the packet it came from. Frames are identified
by it, not by counting, so that a damaged packet cannot make one frame pass for another.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from proskill.errors import VideoError
from proskill.video.container import open_container, pick_stream
from proskill.video.geometry import Orientation
from proskill.video.timeline import Clock, Ticks

Pictures = NDArray[np.uint8]


class DamagedError(Exception):
    """A damaged packet, after which only decoding the whole file in order gives its frames."""


@dataclass(frozen=True)
class PacketIndex:
    """Positions of packets, for starting in the middle; in ticks, in file order.

    Attributes:
        pts: presentation times, each once.
        dts: decoding times.
        entries: ascending positions of packets at which decoding may start; the first is 0.
    """

    pts: Ticks
    dts: Ticks
    entries: Ticks


@dataclass(frozen=True)
class Survey:
    """Outcome of decoding a whole file in order.

    Attributes:
        pts: presentation times in ticks, ascending: the k-th frame shown has the k-th time.
        num_errors: packets that could not be read or decoded.
        num_damaged: frames that came out marked as damaged.
    """

    pts: Ticks
    num_errors: int
    num_damaged: int


@dataclass(frozen=True)
class Decoder:
    """Decoder of one file.

    Attributes:
        path: the file.
        size: (height, width) of the upright pictures delivered.
        orientation: what turns decoded pictures upright.
        max_pixels: larger pictures are refused by the decoder.
        num_threads: decoding threads for random access.
    """

    path: Path
    size: tuple[int, int]
    orientation: Orientation
    max_pixels: int
    num_threads: int

    def frames_by_time(self, pts: Ticks, index: PacketIndex) -> Pictures:
        """Decode the frames shown at the given times, starting at the entries before them.

        Args:
            pts: presentation times of packets, in any order, repeats allowed, shape (T,).
            index: the file's packets.

        Returns:
            RGB, shape (T, H, W, 3).

        Raises:
            DamagedError: a frame is missing or damaged.
        """
        pictures = self._empty(len(pts))
        scaler = Scaler(self.size, self.orientation)
        for frame in self._wanted_frames(pts, index):
            pictures[pts == frame.pts] = scaler.rgb(frame)
        return pictures

    def require_intact(self, pts: Ticks, index: PacketIndex) -> None:
        """Decode every packet on the way to the frames of the given times, keeping no picture.

        Raises:
            DamagedError: a frame is missing or damaged.
        """
        for _ in self._wanted_frames(pts, index, skips=False):
            pass

    def _wanted_frames(
        self, pts: Ticks, index: PacketIndex, *, skips: bool = True
    ) -> Iterator[VideoFrame]:
        order = np.argsort(index.pts, kind="stable")
        positions = order[np.searchsorted(index.pts, pts, sorter=order)]  # of packets, (T,)
        before = np.searchsorted(index.pts[index.entries], pts, side="right") - 1
        entries = index.entries[np.maximum(before, 0)]  # (T,)
        with self._open(is_strict=True) as (container, stream):
            # In H.264 a packet marked as "not a reference" is needed by no other frame. HEVC's mark
            # means less: such a frame may be needed in a higher temporal layer.
            skips &= stream.codec_context.name == "h264"
            for entry in np.unique(entries):
                chosen = entries == entry
                wanted = set(pts[chosen].tolist())
                packets = _packets_from(container, stream, index, int(entry))
                packets = islice(packets, int(positions[chosen].max() - entry) + 1)
                first = int(index.pts[entry])
                for frame in _decode_wanted(packets, stream, wanted, first, skips=skips):
                    yield frame
                    wanted.discard(frame.pts)
                if wanted:
                    raise DamagedError(f"no frame came out for time {min(wanted)}")

    def frames_in_order(self, indices: NDArray[np.int64]) -> Pictures:
        """Decode the frames at the given places of the order in which they are shown.

        Args:
            indices: from 0 for the first frame, in any order, repeats allowed, shape (T,).

        Returns:
            RGB, shape (T, H, W, 3).

        Raises:
            VideoError: the file ends before the last of them.
        """
        pictures = self._empty(len(indices))
        wanted = set(indices.tolist())
        last = max(wanted, default=-1)
        scaler = Scaler(self.size, self.orientation)
        for index, frame in enumerate(self._all_frames([])):
            if index in wanted:
                pictures[indices == index] = scaler.rgb(frame)
                wanted.remove(index)
            if index >= last:
                break
        if wanted:
            raise VideoError(self.path, "ends early; the file changed while it was read")
        return pictures

    def survey(self) -> Survey:
        """Decode the whole file in order without keeping a picture.

        Raises:
            VideoError: no frame comes out.
        """
        errors: list[FFmpegError] = []
        pts: list[int] = []
        num_damaged = 0
        for frame in self._all_frames(errors):
            num_damaged += bool(frame.is_corrupt)
            pts.append(frame.pts if frame.pts is not None else (pts[-1] + 1 if pts else 0))
        if not pts:
            raise VideoError(self.path, "no frame of it can be decoded; record or export it again")
        return Survey(np.sort(np.asarray(pts, dtype=np.int64)), len(errors), num_damaged)

    def _all_frames(self, errors: list[FFmpegError]) -> Iterator[VideoFrame]:
        """Yield every frame that decodes, in order; failures are added to `errors`."""
        with self._open(is_strict=False) as (container, stream):
            for packet in Clock().packets(container, stream):
                try:
                    yield from packet.decode()
                except FFmpegError as error:
                    errors.append(error)
            try:
                yield from stream.codec_context.decode(None)
            except FFmpegError as error:
                errors.append(error)

    @contextmanager
    def _open(self, *, is_strict: bool) -> Iterator[tuple[InputContainer, VideoStream]]:
        """Open the file with a decoder that stops at damage, or one that conceals it.

        The lenient one shows of damaged pictures what players show. With several slice threads, the
        decoders would leave what happened to be in memory in the place of missing parts.
        """
        with open_container(self.path, max_pixels=self.max_pixels) as container:
            stream = pick_stream(container, self.path)
            codec = stream.codec_context
            codec.options = {"max_pixels": str(self.max_pixels)}
            if is_strict:
                codec.options = {**codec.options, "err_detect": "explode"}
                codec.thread_count = self.num_threads
                codec.thread_type = "AUTO"
            elif codec.name != "libdav1d":  # which loses more frames with one thread
                codec.thread_count = 1
            yield container, stream

    def _empty(self, num_frames: int) -> Pictures:
        return np.empty((num_frames, *self.size, 3), dtype=np.uint8)  # (T, H, W, C)


def _packets_from(
    container: InputContainer, stream: VideoStream, index: PacketIndex, entry: int
) -> Iterator[Packet[VideoStream]]:
    """Yield packets from position `entry` on, wherever the container's seek lands.

    Raises:
        DamagedError: the packet does not turn up.
    """
    entry_pts, entry_dts = int(index.pts[entry]), int(index.dts[entry])
    # Some containers look a seek's target up among showing times, some among decoding times.
    for target in (entry_pts, entry_dts):
        if entry > 0:
            container.seek(target, stream=stream)
        packets = container.demux(stream)
        for packet in packets:
            if packet.pts == entry_pts and packet.size:
                yield packet
                yield from (later for later in packets if later.size)
                return
            if packet.dts is not None and packet.dts > entry_dts:
                break  # landed too late
        if entry == 0:
            break
    raise DamagedError(f"the packet of time {entry_pts} was not found again")


def _decode_wanted(
    packets: Iterator[Packet[VideoStream]],
    stream: VideoStream,
    wanted: set[int],
    entry_pts: int,
    *,
    skips: bool,
) -> Iterator[VideoFrame]:
    """Yield frames whose time is in `wanted`, which shrinks as they are taken.

    Raises:
        DamagedError: a packet fails, or a frame from the entry on is marked as damaged.
    """
    codec = stream.codec_context

    def checked(frames: list[VideoFrame]) -> Iterator[VideoFrame]:
        for frame in frames:
            # Frames of an open group shown before the entry lack references and are not wanted.
            if frame.is_corrupt and (frame.pts is None or frame.pts >= entry_pts):
                raise DamagedError(f"the frame of time {frame.pts} is damaged")
            if frame.pts in wanted:
                yield frame

    try:
        for packet in packets:
            if skips:
                codec.skip_frame = "DEFAULT" if packet.pts in wanted else "NONREF"
            yield from checked(packet.decode())
        yield from checked(codec.decode(None))  # what is still held back for reordering
    except FFmpegError as error:
        raise DamagedError(str(error)) from None
    codec.flush_buffers()  # ready for packets again


class Scaler:
    """Filter graph of swscale, rebuilt when the decoded picture's size or format changes.

    The graph is the one that `ffmpeg` and decord build, so that they give the same bytes.
    """

    def __init__(self, size: tuple[int, int], orientation: Orientation) -> None:
        self._orientation = orientation
        self._height, self._width = size[::-1] if orientation.is_transposed else size
        self._built_for: tuple[int, int, str] | None = None

    def rgb(self, frame: VideoFrame) -> Pictures:
        """Return the frame upright, as RGB, shape (H, W, 3)."""
        kind = (frame.height, frame.width, frame.format.name)
        if kind != self._built_for:
            self._build(frame)
            self._built_for = kind
        self._graph.push(frame)
        scaled = self._graph.pull()
        assert isinstance(scaled, VideoFrame)
        return self._orientation.apply(np.asarray(scaled.to_ndarray(), dtype=np.uint8))

    def _build(self, frame: VideoFrame) -> None:
        self._graph = av.filter.Graph()
        source = self._graph.add_buffer(
            width=frame.width,
            height=frame.height,
            format=frame.format,
            time_base=frame.time_base or Fraction(1, 1000),
        )
        scale = self._graph.add("scale", f"{self._width}:{self._height}:flags=bicubic")
        to_rgb = self._graph.add("format", "pix_fmts=rgb24")
        sink = self._graph.add("buffersink")
        source.link_to(scale)
        scale.link_to(to_rgb)
        to_rgb.link_to(sink)
        self._graph.configure()
