"""Many performances to one file of rows: in the order given, resumable, one row each whatever
happens.

A performance that cannot be scored becomes a row with status "error" and a sentence. Rows go to
disk as they come, so that memory does not grow and an interrupted run can go on; the file itself
appears whole at the end. Not here: which files make up a performance, how it is scored.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from proskill.errors import ProskillError
from proskill.scoring.assessment import Assessment
from proskill.scoring.batch.rows import RowJournal, write_rows
from proskill.scoring.batch.table_row import table_row
from proskill.scoring.explain.explanation import Explanation

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchTake:
    """The files of one performance.

    Attributes:
        take_id: unique in a batch.
        views: view name -> video file; need not exist.
        kinds: view name -> "ego" or "exo"; guessed from the name where absent.
        offsets: view name -> seconds added to the common clock to give the file's clock.
        span_seconds: [start, end) of the performance on the common clock; None ends with the file.
    """

    take_id: str
    views: Mapping[str, Path]
    kinds: Mapping[str, str] = field(default_factory=dict)
    offsets: Mapping[str, float] = field(default_factory=dict)
    span_seconds: tuple[float, float | None] = (0.0, None)

    def __post_init__(self) -> None:
        for name in ("views", "kinds", "offsets"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def fingerprint(self, scored_by: str, options: Sequence[str] = ()) -> str:
        """A name for "these files, scored like this"; changes when a file does.

        Args:
            scored_by: what else decides the result, such as the checkpoint's sha256.
            options: of the command that made the result; the name ends with them.
        """
        files = [(name, str(path), _stamp(path)) for name, path in self.views.items()]
        asked = (sorted(self.kinds.items()), sorted(self.offsets.items()), self.span_seconds)
        parts = (scored_by, files, asked)
        name = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
        return "+".join((name, *options))


@dataclass(frozen=True)
class BatchResult:
    """What became of one performance.

    Attributes:
        assessment: of it.
        explanation: of the assessment; None where it was not asked for or there is no answer.
    """

    assessment: Assessment
    explanation: Explanation | None = None


@dataclass(frozen=True)
class BatchCounts:
    """How a batch ended.

    Attributes:
        num_rows: rows in the file, one per performance.
        num_errors: how many of them are errors.
        num_kept: how many were kept from an earlier run.
    """

    num_rows: int
    num_errors: int
    num_kept: int


def shard_of(takes: Sequence[BatchTake], *, num_shards: int, shard: int) -> Sequence[BatchTake]:
    """One of several nearly equal stretches; their rows one after the other are those of all.

    Raises:
        ValueError: no such shard.
    """
    if num_shards < 1 or not 0 <= shard < num_shards:
        raise ValueError(
            f"shard={shard} of {num_shards}: must be from 0 to the number of shards less one"
        )
    begin, end = (len(takes) * k // num_shards for k in (shard, shard + 1))
    return takes[begin:end]


def shard_path(out: Path, *, num_shards: int, shard: int) -> Path:
    """The file of one shard, such as `results-00002-of-00008.jsonl`; `out` if there is but one."""
    if num_shards == 1:
        return out
    return out.with_name(f"{out.stem}-{shard:05}-of-{num_shards:05}{out.suffix}")


def score_batch(
    takes: Sequence[BatchTake],
    score: Callable[[BatchTake], BatchResult],
    *,
    out: Path,
    columns: Sequence[str],
    scored_by: str,
    options: Sequence[str] = (),
    resume: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> BatchCounts:
    """Score performances one after the other and write a row for each, in their order.

    Args:
        takes: with distinct ids.
        score: what scores one; what it raises becomes the row of that performance.
        out: ends in `.jsonl` (whole assessments), `.csv` or `.parquet` (`table_row`). Until it is
            complete its rows are in `<out>.partial`.
        columns: of a table, see `table_columns`.
        scored_by: what besides the files decides the results, such as the checkpoint's sha256.
        options: of the command that change what a row says, such as "as-upload"; rows made with
            others are never mixed with these.
        resume: keep the rows of an earlier run whose files and `scored_by` are the same; its errors
            are tried again. Otherwise an earlier file is never overwritten.
        progress: called with (rows done, rows in all).

    Raises:
        ProskillError: an id twice, another ending, an earlier file without `resume` or made with
            other options, another run that writes to it, or a file that cannot be written.
    """
    _require_distinct(takes)
    with RowJournal(out, resume=resume, options=options) as journal:
        kept = 0
        for number, take in enumerate(takes):
            if progress:
                progress(number, len(takes))
            fingerprint = take.fingerprint(scored_by, options)
            if journal.has(take.take_id, fingerprint):
                kept += 1
                continue
            journal.add(_row(take, fingerprint, score, is_flat=journal.is_flat))
        if progress:
            progress(len(takes), len(takes))
        ids = [take.take_id for take in takes]
        write_rows(out, journal.lines(ids), columns=columns)
        counts = BatchCounts(len(ids), sum(map(journal.is_error, ids)), kept)
        journal.discard()
    return counts


def _row(
    take: BatchTake, fingerprint: str, score: Callable[[BatchTake], BatchResult], *, is_flat: bool
) -> dict[str, Any]:
    start: dict[str, Any] = {"take_id": take.take_id, "fingerprint": fingerprint}
    try:
        result = score(take)
    except Exception as error:  # one bad file must not cost the night's work
        if not isinstance(error, ProskillError | OSError | ValueError):
            _log.exception("take %r: not an error of its files", take.take_id)
        files = "; ".join(f"{name}={path}" for name, path in take.views.items())
        sentence = " ".join(str(error).split()) or type(error).__name__
        return {**start, "status": "error", "error": sentence, "files": files}
    if is_flat:
        return {**start, **table_row(result.assessment, explanation=result.explanation)}
    row = {**start, **result.assessment.to_dict()}
    if result.explanation is not None:
        row["explanation"] = result.explanation.to_dict()
    return row


def _require_distinct(takes: Sequence[BatchTake]) -> None:
    seen: set[str] = set()
    for take in takes:
        if take.take_id in seen:
            raise ProskillError(f"take {take.take_id!r} is given twice; ids must differ")
        seen.add(take.take_id)


def _stamp(path: Path) -> tuple[int, int] | None:
    """Size and time of change; None where there is no such file."""
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_size, facts.st_mtime_ns
