"""Duplicate footage: counted twice in training, or seen before it is judged."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from proskill.data.file_facts import FileFacts
from proskill.data.take import Take, View

_SAMPLE_BYTES = 65536


def find_duplicates(
    takes: Sequence[Take], facts: Mapping[Path, FileFacts]
) -> dict[tuple[str, str], str]:
    """Find views whose footage an earlier view shows already, with a sentence on where.

    Files are the same when their bytes are. The same file under one name may stand in several takes
    (one recording, several performances), and copies may, too, as long as the parts do not overlap;
    within a take every view needs a file of its own.

    Args:
        takes: the first of several copies stays, in this order.
        facts: by absolute path, one for every view; files with a fault are no copies.

    Returns:
        (take_id, view) -> one sentence.
    """
    content_of = _same_content(
        {path: fact.size_bytes for path, fact in facts.items() if fact.fault is None}
    )
    shown: dict[Path, list[tuple[Take, str, View]]] = defaultdict(list)
    copies: dict[tuple[str, str], str] = {}
    for take in takes:
        for name, view in take.views.items():
            path = view.path.absolute()
            if facts[path].fault is not None:
                continue
            content = content_of.get(path, path)
            for other_take, other_name, other in shown[content]:
                is_copy = other.path.absolute() != path or other_take is take
                if is_copy and _overlap(view, other, facts[path].duration_seconds):
                    copies[take.take_id, name] = _sentence(take, other_take, other_name, other)
                    break
            else:
                shown[content].append((take, name, view))
    return copies


def _same_content(size_bytes: Mapping[Path, int]) -> dict[Path, Path]:
    """Return path -> first path with the same bytes, for files that have a duplicate."""
    groups = [list(size_bytes)]
    # Each step looks closer at fewer files: most are told apart by their sizes alone.
    steps: tuple[Callable[[Path], object], ...] = (
        size_bytes.__getitem__,
        _sample_hash,
        _whole_hash,
    )
    for step in steps:
        finer: list[list[Path]] = []
        for group in groups:
            by_mark: dict[object, list[Path]] = defaultdict(list)
            for path in group:
                by_mark[step(path)].append(path)
            finer += [same for same in by_mark.values() if len(same) > 1]
        groups = finer
    return {path: group[0] for group in groups for path in group}


def _sample_hash(path: Path) -> object:
    """Hash the first, middle and last bytes."""
    size = path.stat().st_size
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for start in (0, size // 2, max(0, size - _SAMPLE_BYTES)):
            file.seek(start)
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.digest()


def _whole_hash(path: Path) -> object:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _overlap(first: View, second: View, duration_seconds: float) -> bool:
    starts = [view.start_seconds + view.offset_seconds for view in (first, second)]
    ends = [
        duration_seconds if view.end_seconds is None else view.end_seconds + view.offset_seconds
        for view in (first, second)
    ]
    return max(starts) < min(ends)


def _sentence(take: Take, other_take: Take, other_name: str, other: View) -> str:
    if other_take is take:
        return f"shows the same bytes as view {other_name!r} of the same take ({other.path.name})"
    where = f"take {other_take.take_id!r}, view {other_name!r} ({other.path.name})"
    if other_take.split != take.split:
        where += f", which is in split {other_take.split!r} while this is in {take.split!r}"
    return f"shows the same bytes as {where}"
