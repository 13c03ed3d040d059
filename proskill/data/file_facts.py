"""Facts about video files, examined in worker processes and kept in a journal.

The journal is a file of JSON lines, one per examined file, written as results come. A run that was
interrupted goes on where it stopped, and a later one looks again only at files whose size or time
of change is another. Not here: what the facts mean for a take (`check`, `stats`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from proskill.data.take import View
from proskill.data.worker_processes import map_in_processes
from proskill.errors import ProskillError, VideoError
from proskill.plain_json import from_plain_json

Fault = Literal["missing", "unreadable", "truncated"]
Span = tuple[float, float | None]

_SIDE_PX = 32  # of the decoded pictures, which are not shown
_CRASHED = (
    "the process that read it died (a crash of the decoder, or no memory left); convert it to mp4 "
    "(H.264) first"
)


@dataclass(frozen=True)
class FileRequest:
    """File to be examined.

    Attributes:
        path: absolute.
        spans: [start, end) in seconds on the file's clock where takes lie; None is the file's end.
        num_timestamps: how many timestamps of each span are decoded; 0 reads the packets only.
    """

    path: Path
    spans: tuple[Span, ...] = ((0.0, None),)
    num_timestamps: int = 0

    @property
    def sampling(self) -> str:
        """Name of the decoded timestamps; empty where none is decoded."""
        if not self.num_timestamps:
            return ""
        return hashlib.sha256(repr((self.num_timestamps, self.spans)).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class FileFacts:
    """Facts about one file.

    Attributes:
        path: absolute.
        sampling: of the request.
        size_bytes: 0 where the file is missing.
        modified_ns: time of the last change, in nanoseconds.
        fault: why it cannot be read, or None.
        reason: the fault in a sentence without the path.
        duration_seconds: 0 with a fault.
        decoded_ratio: frames that are there by frames announced, in [0, 1]; None where unknown.
        warnings: what a person should know, one sentence each.
    """

    path: Path
    sampling: str
    size_bytes: int = 0
    modified_ns: int = 0
    fault: Fault | None = None
    reason: str = ""
    duration_seconds: float = 0.0
    decoded_ratio: float | None = None
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.fault is not None and self.fault not in get_args(Fault):
            raise ValueError(f"fault={self.fault!r}: allowed are {', '.join(get_args(Fault))}")
        if self.fault is None and not self.duration_seconds > 0:
            raise ValueError(f"duration_seconds={self.duration_seconds}: must be above 0")


def requests_for(views: Iterable[View], *, num_timestamps: int) -> list[FileRequest]:
    """Return one request per file, however many takes it shows, by order of first view."""
    spans: dict[Path, dict[Span, None]] = {}
    for view in views:
        start = view.start_seconds + view.offset_seconds
        end = None if view.end_seconds is None else view.end_seconds + view.offset_seconds
        spans.setdefault(view.path.absolute(), {})[max(0.0, start), end] = None
    return [FileRequest(path, tuple(found), num_timestamps) for path, found in spans.items()]


def examine_files(
    requests: Sequence[FileRequest],
    *,
    journal: Path,
    num_workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[Path, FileFacts]:
    """Return facts by path; those of unchanged files come from the journal.

    Args:
        requests: of distinct files.
        journal: made when missing, with its folder; lines that cannot be understood are ignored.
        num_workers: processes; None means one per core.
        on_progress: called with (files done, files in all).

    Raises:
        ProskillError: the journal cannot be written.
    """
    try:
        journal.parent.mkdir(parents=True, exist_ok=True)
        known = _read_journal(journal, {request.path: request for request in requests})
        todo = [request for request in requests if request.path not in known]
        if on_progress:
            on_progress(len(known), len(requests))
        with journal.open("a", encoding="ascii") as file:
            file.write("\n" if _ends_within_a_line(journal) else "")
            for request, found in map_in_processes(
                examine_file, todo, num_workers=num_workers, preload=("proskill.video.reader",)
            ):
                facts = found or _facts(request, fault="unreadable", reason=_CRASHED)
                known[facts.path] = facts
                file.write(json.dumps({**asdict(facts), "path": str(facts.path)}) + "\n")
                file.flush()
                if on_progress:
                    on_progress(len(known), len(requests))
    except OSError as error:
        raise ProskillError(
            f"{journal}: cannot be written ({error.strerror or error}); free some space or choose "
            "another folder"
        ) from error
    return known


def examine_file(request: FileRequest) -> FileFacts:
    """Open a file, read the times of all its frames and decode the wanted timestamps."""
    import numpy as np

    from proskill.video.probe import DATASET_LIMITS
    from proskill.video.reader import VideoReader
    from proskill.video.sampling import uniform_timestamps

    try:
        with VideoReader(request.path, size=_SIDE_PX, limits=DATASET_LIMITS) as reader:
            duration = reader.duration_seconds
            spans = [
                (start, min(duration, duration if end is None else end))
                for start, end in request.spans
            ]
            timestamps = [
                uniform_timestamps(start, end, num_frames=request.num_timestamps)
                for start, end in spans
                if start < end and request.num_timestamps
            ]
            if timestamps:
                reader.frames_at(np.unique(np.concatenate(timestamps)))
            if not duration > 0:
                raise VideoError(request.path, "shows a single picture for no time at all")
            return _facts(
                request,
                duration_seconds=duration,
                decoded_ratio=reader.decoded_ratio,
                warnings=reader.warnings,
            )
    except VideoError as error:
        fault: Fault = "unreadable" if error.decoded_ratio is None else "truncated"
        if _stamp(request.path) is None:
            fault = "missing"
        return _facts(request, fault=fault, reason=error.reason, decoded_ratio=error.decoded_ratio)


def _facts(request: FileRequest, **values: Any) -> FileFacts:
    size_bytes, modified_ns = _stamp(request.path) or (0, 0)
    return FileFacts(
        request.path, request.sampling, size_bytes=size_bytes, modified_ns=modified_ns, **values
    )


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return size and time of change, or None for a missing file."""
    try:
        status = path.stat()
    except (OSError, ValueError):
        return None
    return status.st_size, status.st_mtime_ns


def _read_journal(journal: Path, requests: Mapping[Path, FileRequest]) -> dict[Path, FileFacts]:
    """Return the facts about requested files that have not changed."""
    known: dict[Path, FileFacts] = {}
    with suppress(FileNotFoundError), journal.open("rb") as file:
        for line in file:
            try:
                facts = from_plain_json(FileFacts, json.loads(line), decode=_as_path)
            except ValueError:
                continue  # cut off when the run was killed, or of another version: look again
            request = requests.get(facts.path)
            if request is not None and request.sampling in ("", facts.sampling):
                known[facts.path] = facts
    return {
        path: facts
        for path, facts in known.items()
        if _stamp(path) == (facts.size_bytes, facts.modified_ns)
    }


def _as_path(kind: type, value: Any) -> Any:
    return Path(value) if kind is Path and isinstance(value, str) else value


def _ends_within_a_line(journal: Path) -> bool:
    with journal.open("rb") as file:
        if not file.seek(0, 2):
            return False
        file.seek(-1, 2)
        return file.read(1) != b"\n"
