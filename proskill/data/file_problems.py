"""Problems with the files of takes, by the facts of `examine_files`, and duplicate footage."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from proskill.data.file_facts import FileFacts
from proskill.data.problems import Problem, ProblemKind
from proskill.data.take import Take, View, shared_span
from proskill.errors import ManifestError

_SAMPLE_BYTES = 65536
_UNEQUAL_SECONDS = 0.5  # cameras that are started and stopped together differ by less


def find_file_problems(
    takes: Sequence[Take],
    facts: Mapping[Path, FileFacts],
    *,
    min_seconds: float = 1.0,
    min_decoded_ratio: float = 0.95,
) -> list[Problem]:
    """Find problems with the files of takes, and between the views of a take.

    Args:
        takes: in the order in which problems are told.
        facts: by absolute path, one for every view.
        min_seconds: as for `check_dataset`.
        min_decoded_ratio: as for `check_dataset`.
    """
    problems: list[Problem] = []
    copies = find_duplicates(takes, facts)
    for take in takes:
        good: dict[str, View] = {}
        for name, view in take.views.items():
            fact = facts[view.path.absolute()]
            found = _view_problem(view, fact, min_seconds, min_decoded_ratio)
            if found is None and (take.take_id, name) in copies:
                found = "same content twice", copies[take.take_id, name]
            if found is not None:
                problems.append(_problem(take, name, *found, fact))
                continue
            good[name] = view
            problems += [
                _problem(take, name, "worth knowing", text, fact) for text in fact.warnings
            ]
        problems += _between_views(take, good, facts, min_seconds)
    return problems


def _view_problem(
    view: View, fact: FileFacts, min_seconds: float, min_decoded_ratio: float
) -> tuple[ProblemKind, str] | None:
    """Return why a view cannot be used by itself, or None."""
    if fact.fault is not None:
        return fact.fault, fact.reason
    if fact.decoded_ratio is not None and fact.decoded_ratio < min_decoded_ratio:
        return "truncated", (
            f"only {fact.decoded_ratio:.0%} of the announced frames can be decoded, at least "
            f"{min_decoded_ratio:.0%} are asked for; copy the whole file again"
        )
    start = max(0.0, view.start_seconds + view.offset_seconds)
    file_end = fact.duration_seconds
    end = file_end if view.end_seconds is None else view.end_seconds + view.offset_seconds
    shown = min(end, file_end) - start
    if shown < min_seconds:
        return "too short", (
            f"shows {max(0.0, shown):.2f} s of the take, at least {min_seconds:g} s are asked for; "
            f"the file lasts {file_end:.2f} s"
        )
    asked = (view.end_seconds or 0.0) - view.start_seconds
    if view.end_seconds is not None and shown < min_decoded_ratio * asked:
        return "too short", (
            f"shows {shown:.2f} s of the {asked:.2f} s between start_seconds and end_seconds; the "
            f"file lasts {file_end:.2f} s"
        )
    return None


def _between_views(
    take: Take, views: Mapping[str, View], facts: Mapping[Path, FileFacts], min_seconds: float
) -> list[Problem]:
    """Find problems between views that are good by themselves."""
    if len(views) < 2:
        return []
    durations = {name: facts[v.path.absolute()].duration_seconds for name, v in views.items()}
    shared = 0.0
    try:
        start, end = shared_span(take, durations)
        shared = end - start
    except ManifestError:
        pass  # no timestamp in common: said below
    if shared < min_seconds:
        reason = (
            f"the views {', '.join(views)} share {shared:.2f} s, at least {min_seconds:g} s are "
            "asked for; check start_seconds, end_seconds and offset_seconds"
        )
        return [
            _problem(take, name, "too short", reason, facts[view.path.absolute()])
            for name, view in views.items()
        ]
    ends = {
        name: min(
            durations[name] - view.offset_seconds,
            float("inf") if view.end_seconds is None else view.end_seconds,
        )
        for name, view in views.items()
    }
    shortest, longest = min(ends, key=lambda n: ends[n]), max(ends, key=lambda n: ends[n])
    if ends[longest] - ends[shortest] <= _UNEQUAL_SECONDS:
        return []
    reason = (
        f"ends at {ends[shortest]:.2f} s of the take and view {longest!r} at {ends[longest]:.2f} "
        "s; only what all views show is used"
    )
    fact = facts[views[shortest].path.absolute()]
    return [_problem(take, shortest, "unequal lengths", reason, fact)]


def _problem(take: Take, view: str, kind: ProblemKind, reason: str, fact: FileFacts) -> Problem:
    return Problem(kind, take.take_id, view, take.views[view].path, reason, fact.decoded_ratio)


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
