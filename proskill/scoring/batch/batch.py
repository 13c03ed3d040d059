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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proskill.data.take import Take
from proskill.errors import ProskillError
from proskill.scoring.batch.rows import RowJournal, write_rows
from proskill.scoring.batch.table_row import table_row
from proskill.scoring.scorer import ScoredTake

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchCounts:
    """Outcome of a batch.

    Attributes:
        num_rows: rows in the file, one per performance.
        num_errors: how many of them are errors.
        num_kept: how many were kept from an earlier run.
    """

    num_rows: int
    num_errors: int
    num_kept: int


def fingerprint_of(take: Take, scored_by: str, options: Sequence[str] = ()) -> str:
    """Return a name for "these files, scored like this", which changes when a file does.

    Args:
        take: the files need not exist.
        scored_by: everything else that decides the result, such as the checkpoint's sha256.
        options: of the command that made the result; the name ends with them.
    """
    views = [
        (
            name, view.kind, view.start_seconds, view.end_seconds, view.offset_seconds,
            str(view.path), _stamp(view.path),
        )
        for name, view in take.views.items()
    ]  # fmt: skip
    name = hashlib.sha256(json.dumps((scored_by, views)).encode()).hexdigest()[:16]
    return "+".join((name, *options))


def shard_of(takes: Sequence[Take], *, num_shards: int, shard: int) -> Sequence[Take]:
    """One of several nearly equal parts; their rows one after the other are those of all.

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
    takes: Sequence[Take],
    score: Callable[[Take], ScoredTake],
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
            fingerprint = fingerprint_of(take, scored_by, options)
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
    take: Take, fingerprint: str, score: Callable[[Take], ScoredTake], *, is_flat: bool
) -> dict[str, Any]:
    start: dict[str, Any] = {"take_id": take.take_id, "fingerprint": fingerprint}
    try:
        result = score(take)
    except Exception as error:  # one bad file must not cost the night's work
        if not isinstance(error, ProskillError | OSError | ValueError):
            _log.exception("take %r: not an error of its files", take.take_id)
        files = "; ".join(f"{name}={view.path}" for name, view in take.views.items())
        sentence = " ".join(str(error).split()) or type(error).__name__
        return {**start, "status": "error", "error": sentence, "files": files}
    if is_flat:
        return {**start, **table_row(result.assessment, explanation=result.explanation)}
    row = {**start, **result.assessment.to_dict()}
    if result.explanation is not None:
        row["explanation"] = result.explanation.to_dict()
    return row


def _require_distinct(takes: Sequence[Take]) -> None:
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
