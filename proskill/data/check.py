"""Check of a dataset: its table, its files, and the views of each take together.

A problem either makes a view unusable or is a remark that a person should know. Files are judged as
training would read them. Not here: the command's output (`proskill.cli.data`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from proskill.data.file_facts import examine_files, requests_for
from proskill.data.file_problems import find_file_problems
from proskill.data.problems import CheckReport, Problem, ProblemKind
from proskill.data.sources import load_takes
from proskill.data.take import Split, Take
from proskill.levels import EGOEXO4D_LEVELS, LevelScale
from proskill.table_files import Row


def check_dataset(
    source: Path | str,
    *,
    journal: Path | None,
    scale: LevelScale | None = EGOEXO4D_LEVELS,
    num_timestamps: int = 5,
    min_seconds: float = 1.0,
    min_decoded_ratio: float = 0.95,
    num_workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> CheckReport:
    """Check everything that a source names.

    Args:
        source: as for `load_takes`.
        journal: remembers examined files, see `examine_files`; None opens no video.
        scale: the levels that a manifest may name; None accepts any name.
        num_timestamps: decoded per view, spread over its part of the take.
        min_seconds: shorter views, and takes whose views share less, are unusable.
        min_decoded_ratio: a file with a smaller share of its announced frames is unusable, and so
            is a view that shows a smaller share of the time between its start and its end.
        num_workers: processes; None means one per core.
        on_progress: called with (files done, files in all).

    Raises:
        ManifestError: the source is no dataset, or (other layouts than manifests) breaks a rule.
        ProskillError: the journal cannot be written.
    """
    problems: list[Problem] = []
    folder = Path(source) if Path(source).is_dir() else Path(source).parent

    def on_wrong_row(row: Row, reason: str) -> None:
        cells = row[1]
        name = cells.get("path", "")
        path = folder / name if name and "\0" not in name else None
        problems.append(
            Problem("wrong row", cells.get("take_id", ""), cells.get("view", ""), path, reason)
        )

    takes = load_takes(source, scale=scale, on_wrong_row=on_wrong_row)
    problems += find_table_problems(takes)
    num_files = 0
    if journal is not None:
        views = [view for take in takes for view in take.views.values()]
        requests = requests_for(views, num_timestamps=num_timestamps)
        facts = examine_files(
            requests, journal=journal, num_workers=num_workers, on_progress=on_progress
        )
        num_files = len(facts)
        problems += find_file_problems(
            takes, facts, min_seconds=min_seconds, min_decoded_ratio=min_decoded_ratio
        )
    bad = {(problem.take_id, problem.view) for problem in problems if problem.is_unusable}
    return CheckReport(
        num_takes=len(takes),
        num_usable_takes=sum(
            any((take.take_id, name) not in bad for name in take.views) for take in takes
        ),
        num_views=sum(len(take.views) for take in takes),
        num_files=num_files,
        problems=tuple(problems),
    )


def find_table_problems(takes: Sequence[Take]) -> list[Problem]:
    """Find takes that occur twice, and takes of participants of an earlier split."""
    problems: list[Problem] = []
    split_of: dict[str, tuple[Split, str]] = {}
    first: dict[str, Take] = {}
    for take in takes:
        other = first.setdefault(take.take_id, take)
        if other is not take:
            place = "" if other.split == take.split else f", there in split {other.split!r}"
            problems += _of_all_views(
                take, "take twice", f"take_id={take.take_id!r} occurs twice{place}; keep one"
            )
        if take.split is None:
            continue
        split, take_id = split_of.setdefault(take.participant, (take.split, take.take_id))
        if split != take.split:
            problems += _of_all_views(
                take,
                "participant in two splits",
                f"participant_id={take.participant!r} is in split {take.split!r} here and "
                f"in {split!r} in take {take_id!r}; keep all takes of a participant in one split",
            )
    return problems


def _of_all_views(take: Take, kind: ProblemKind, reason: str) -> list[Problem]:
    return [
        Problem(kind, take.take_id, name, view.path, reason) for name, view in take.views.items()
    ]
