"""What is wrong with the files of takes, judged by what `examine_files` found out about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from proskill.data.duplicates import find_duplicates
from proskill.data.file_facts import FileFacts
from proskill.data.problems import Problem, ProblemKind
from proskill.data.take import Take, View, shared_span
from proskill.errors import ManifestError

_UNEQUAL_SECONDS = 0.5  # cameras that are started and stopped together differ by less


def find_file_problems(
    takes: Sequence[Take],
    facts: Mapping[Path, FileFacts],
    *,
    min_seconds: float = 1.0,
    min_decoded_ratio: float = 0.95,
) -> list[Problem]:
    """What is wrong with the files of takes, and between the views of a take.

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
    """Why a view cannot be used by itself."""
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
    """What is wrong with views that are good by themselves, seen together."""
    if len(views) < 2:
        return []
    durations = {name: facts[v.path.absolute()].duration_seconds for name, v in views.items()}
    shared = 0.0
    try:
        start, end = shared_span(take, durations)
        shared = end - start
    except ManifestError:
        pass  # no instant in common: said below
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
