"""`probe` in a process of its own, which may crash, hang or run out of memory alone."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

from proskill.errors import VideoError
from proskill.plain_json import from_plain_json
from proskill.video.bounded_process import ProcessLimits, run_bounded
from proskill.video.container import check_regular_file
from proskill.video.probe import VideoInfo, VideoLimits, inspect

_MEMORY_BYTES = 3 << 30
_SECONDS, _BYTES_PER_SECOND = 60.0, 20e6  # every packet is read, from a slow disk at worst
# Finds our packages where this process finds them, and believes no environment variable.
_PROGRAM: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
    "from proskill.video.probe_apart import main; main()"
)


@dataclass(frozen=True)
class Examined:
    """Facts about a video file that its transcoding needs.

    Attributes:
        info: what it is.
        num_announced: frames the file announces, at least `info.num_frames`.
        stream_index: of the stream shown, among all streams of the file.
        start_seconds: when its first frame is shown, past the time where the file says it starts.
        is_interlaced: whether its pictures are made of two fields.
    """

    info: VideoInfo
    num_announced: int
    stream_index: int
    start_seconds: float
    is_interlaced: bool


def probe_apart(
    path: Path, *, limits: VideoLimits, folder: Path, on_tick: Callable[[], None]
) -> Examined:
    """Probe the file at `path` in a bounded process.

    Args:
        path: a local file.
        limits: larger videos are refused.
        folder: where the process runs.
        on_tick: called ten times a second; what it raises ends the process.

    Raises:
        VideoError: as `probe`; or examining the file crashes, or takes too long or too much memory.
    """
    size_bytes = check_regular_file(path, max_bytes=limits.max_bytes)
    seconds = _SECONDS + size_bytes / _BYTES_PER_SECOND
    paths = json.dumps([os.path.abspath(entry) for entry in sys.path if entry])
    answers: list[str] = []
    status = run_bounded(
        [sys.executable, "-I", "-c", _PROGRAM, paths, path.absolute(), json.dumps(asdict(limits))],
        folder=folder,
        limits=ProcessLimits(seconds, _MEMORY_BYTES, file_bytes=0),
        on_output=answers.append,
        on_tick=on_tick,
    )
    if status is None:
        raise VideoError(
            path, f"could not be examined within {seconds:.0f} s; convert it to mp4 (H.264) first"
        )
    if status != 0 or not answers:
        raise VideoError(
            path, "makes the video reader fail (damaged content); convert it to mp4 (H.264) first"
        )
    answer = json.loads(answers[-1])
    if "reason" in answer:
        raise VideoError(path, answer["reason"], decoded_ratio=answer["decoded_ratio"])
    answer["info"]["path"] = str(path)
    return from_plain_json(Examined, answer, decode=lambda kind, value: kind(value))


def main() -> None:
    """Print one line of JSON, in the other process."""
    path, limits = Path(sys.argv[1]), VideoLimits(**json.loads(sys.argv[2]))
    try:
        found = inspect(path, limits=limits)
    except VideoError as error:
        answer: dict[str, Any] = {"reason": error.reason, "decoded_ratio": error.decoded_ratio}
    else:
        known = {item.name: getattr(found, item.name) for item in fields(Examined)}
        answer = {**known, "info": {**asdict(found.info), "path": ""}}
    print(json.dumps(answer), flush=True)
