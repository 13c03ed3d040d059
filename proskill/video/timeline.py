"""Scan of a file's packets: presentation times, and packets at which decoding may start.

Headers lie about rates, counts and durations; packets carry the presentation times that players
use. The scan reads every packet and decodes one frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

Ticks = NDArray[np.int64]

# Packets that may fail before the first picture; a file damaged beyond this has no beginning.
_MAX_FIRST_FRAME_ERRORS = 1000


class TooLong(Exception):
    """Packets past the allowed duration or count."""


@dataclass
class PacketScan:
    """Times and marks of the packets of one video stream, in ticks and in file order.

    Attributes:
        pts: presentation times.
        dts: decoding times.
        is_hidden: whether an edit list hides the packet's frame.
        is_key: whether the packet is marked as a key frame, at which seeks land.
        is_clean_key: whether it also gives a picture that is complete by itself.
        last_duration: duration of the packet shown last, 0 if unknown.
        num_errors: packets that could not be read, or not decoded before the first frame came out.
        num_restarts: places where the clock jumped back (files joined by `cat`) and was joined on.
        has_own_times: whether every packet says when its frame is shown.
        first_frame: the first picture, decoded.
    """

    pts: list[int] = field(default_factory=list)
    dts: list[int] = field(default_factory=list)
    is_hidden: list[bool] = field(default_factory=list)
    is_key: list[bool] = field(default_factory=list)
    is_clean_key: list[bool] = field(default_factory=list)
    last_duration: int = 0
    num_errors: int = 0
    num_restarts: int = 0
    has_own_times: bool = True
    first_frame: VideoFrame | None = None

    def shown_pts(self) -> Ticks:
        """Return the presentation times of the frames that are shown, ascending."""
        pts = np.asarray(self.pts, dtype=np.int64)
        return np.sort(pts[~np.asarray(self.is_hidden, dtype=bool)])

    def entries(self, *, closed_only: bool) -> Ticks:
        """Return positions of packets from which decoding shows what decoding from the start shows.

        All frames before such a key frame in the file are shown before it, so that what is shown
        from it on can be decoded from it on.

        Args:
            closed_only: leave out key frames of open groups, where frames that come after the key
                frame in the file are shown before it.
        """
        pts = np.asarray(self.pts, dtype=np.int64)
        newest_before = np.concatenate([[np.iinfo(np.int64).min], np.maximum.accumulate(pts)[:-1]])
        is_entry = np.asarray(self.is_clean_key) & (newest_before < pts)
        if closed_only:
            is_entry &= np.minimum.accumulate(pts[::-1])[::-1] == pts
        is_entry[0] = True  # where playing starts, whatever is there
        return np.flatnonzero(is_entry).astype(np.int64)

    def num_open_keys(self) -> int:
        """Count key frames that do not begin a closed group of complete pictures."""
        keys = np.flatnonzero(self.is_key)
        return int(np.isin(keys, self.entries(closed_only=True), invert=True).sum())


def scan_packets(
    container: InputContainer, stream: VideoStream, *, max_seconds: float, max_frames: int
) -> PacketScan:
    """Read every packet of `stream` once and decode the first frame on the way.

    Raises:
        TooLong: more than `max_frames` packets or `max_seconds` of them.
    """
    scan = PacketScan()
    clock = Clock()
    max_ticks = max_seconds / float(stream.time_base) if stream.time_base else float("inf")
    first = newest = 0
    stream.codec_context.thread_count = 1  # for one frame, threads cost more than they give
    for packet in clock.packets(container, stream):
        if scan.first_frame is None and scan.num_errors < _MAX_FIRST_FRAME_ERRORS:
            scan.first_frame = _try_decode(packet, scan)
        pts = packet.pts if packet.pts is not None else packet.dts
        if packet.pts is None:
            scan.has_own_times = False
        if pts is None:
            continue
        if not scan.pts:
            first = newest = pts
        if pts >= newest:
            newest, scan.last_duration = pts, int(packet.duration or 0)
        first = min(first, pts)
        scan.pts.append(pts)
        scan.dts.append(packet.dts if packet.dts is not None else pts)
        scan.is_hidden.append(packet.is_discard)
        scan.is_key.append(packet.is_keyframe)
        scan.is_clean_key.append(packet.is_keyframe and _is_clean_entry(packet, stream))
        if len(scan.pts) > max_frames or newest - first > max_ticks:
            raise TooLong
    if scan.first_frame is None:
        scan.first_frame = _flush(stream)
    scan.num_errors += clock.num_errors
    scan.num_restarts = clock.num_restarts
    return scan


class Clock:
    """Iterator over a stream's packets on a clock that never restarts, counting errors."""

    def __init__(self) -> None:
        self.num_errors = 0
        self.num_restarts = 0

    def packets(
        self, container: InputContainer, stream: VideoStream
    ) -> Iterator[Packet[VideoStream]]:
        """Yield packets of `stream` in file order, without the empty one that ends the stream.

        Decoding times never go back within a recording. Where they do, another recording was
        appended to the file; its times are moved so that it follows the one before.
        """
        shift = newest_end = step = 0
        last_dts: int | None = None
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except FFmpegError:
                self.num_errors += 1
                return
            if packet.size == 0:
                continue
            dts, pts = packet.dts, packet.pts
            if dts is not None:
                if last_dts is not None and dts < last_dts:
                    shift = newest_end - (dts if pts is None else pts)
                    self.num_restarts += 1
                elif last_dts is not None:
                    step = dts - last_dts
                last_dts = dts
            if shift:
                packet.dts = None if dts is None else dts + shift
                packet.pts = None if pts is None else pts + shift
            if packet.pts is not None:
                newest_end = max(newest_end, packet.pts + (int(packet.duration or 0) or step or 1))
            yield packet


def _is_clean_entry(packet: Packet[VideoStream], stream: VideoStream) -> bool:
    """Return True if the picture is complete when decoding starts at this key packet.

    H.264 files also mark recovery points (intra refresh) as key frames, where the picture is only
    complete some frames later; and a key packet may bring parameters that the header does not have,
    as after a change of picture size.
    """
    codec = stream.codec_context
    if codec.name not in ("h264", "hevc"):
        return True
    extradata = codec.extradata or b""
    is_hevc = codec.name == "hevc"
    kinds = set()
    for unit in _nal_units(bytes(packet), extradata, length_at=21 if is_hevc else 4):
        kind = (unit[0] >> 1) & 0x3F if is_hevc else unit[0] & 0x1F
        kinds.add(kind)
        if kind == (33 if is_hevc else 7) and unit not in extradata:  # new sequence parameters
            return False
    return bool(kinds) if is_hevc else 5 in kinds  # 5: an instantaneous refresh


def _nal_units(data: bytes, extradata: bytes, *, length_at: int) -> Iterator[bytes]:
    """Yield the NAL units of a packet in mp4 framing (length, unit); none in other framing."""
    if len(extradata) <= length_at or extradata[0] != 1:
        return
    size = (extradata[length_at] & 3) + 1
    at = 0
    while at + size < len(data):
        length = int.from_bytes(data[at : at + size], "big")
        if length < 1:
            return
        yield data[at + size : at + size + length]
        at += size + length


def _try_decode(packet: Packet[VideoStream], scan: PacketScan) -> VideoFrame | None:
    try:
        frames = packet.decode()
    except FFmpegError:
        scan.num_errors += 1
        return None
    return frames[0] if frames else None


def _flush(stream: VideoStream) -> VideoFrame | None:
    try:
        frames = stream.codec_context.decode(None)
    except FFmpegError:
        return None
    return frames[0] if frames else None
