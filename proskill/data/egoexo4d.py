"""Ego-Exo4D's demonstrator-proficiency benchmark on disk, as a list of takes.

Reads `takes.json`, `annotations/splits.json`, `annotations/proficiency_demonstrator_*.json`, the
experts' ratings, and the list of hidden test takes. What cannot be used (annotated takes that
`takes.json` lacks, takes and cameras that are not on disk) is counted and reported through
`logging`. Which file shows which view is `egoexo4d_views`; what experts said, `expert_commentary`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from proskill.data.dataset_paths import is_plain_name
from proskill.data.egoexo4d_views import find_views
from proskill.data.expert_commentary import read_mean_rating
from proskill.data.json_files import Entry, load_entries, load_list, load_object
from proskill.data.splits import without_crossing_people
from proskill.data.take import Split, Take
from proskill.errors import ManifestError
from proskill.levels import EGOEXO4D_LEVELS

TEST_LIST_FILE = "demonstrator_proficiency_test_v2.json"

_BENCHMARK_NAMES = frozenset({"proficiency_demonstrator", "demonstrator_proficiency"})

_log = logging.getLogger(__name__)


def is_egoexo4d(folder: Path) -> bool:
    """Return True for a folder with Ego-Exo4D's layout."""
    return (folder / "takes.json").is_file()


def read_egoexo4d(root: Path | str) -> list[Take]:
    """Read the benchmark's takes: those with a label in the order of their annotations, then the
    test takes, whose labels are not public, in the order of their list.

    A take's id is its name (`unc_basketball_03-30-23_02_34`), as in submissions. Views are named as
    the benchmark names them: `ego`, `exo1`, `exo2`, ... The split is that of `splits.json`, or of
    the annotation file's name where it says nothing. The test takes are those that
    `annotations/demonstrator_proficiency_test_v2.json` lists, or else those that `splits.json`
    gives to the benchmark. The rating is the mean of the experts' ratings from 1 to 10, where they
    were downloaded (`expert_commentary/`). A person in two splits leaves the training side.

    Args:
        root: the folder that holds `takes.json`, `annotations/` and `takes/`.

    Raises:
        ManifestError: a file is missing or not what it should be, a label is not on the scale, a
            take is annotated twice, or no take of the benchmark has a video here.
    """
    root = Path(root)
    annotations = root / "annotations"
    described = _described_takes(root / "takes.json")
    splits = _split_by_uid(annotations / "splits.json")
    takes: dict[str, Take] = {}
    left_out: Counter[str] = Counter()
    num_annotated = num_listed = 0
    for file_split, annotation in _annotations(annotations):
        num_annotated += 1
        uid = annotation.text("take_uid")
        if uid in takes:
            raise annotation.error("take_uid", f"{uid!r} is annotated twice; keep one label")
        level = _level(annotation)
        split = splits.get(uid, file_split)
        if split != file_split:
            left_out["annotations in the file of another split (splits.json counts)"] += 1
        take = _take(root, described.get(uid), annotation, split, level, left_out)
        if take is not None:
            takes[uid] = take
    for uid in _test_uids(annotations, described, splits):
        if uid not in takes:
            num_listed += 1
            take = _take(root, described.get(uid), None, "test", None, left_out)
            if take is not None:
                takes[uid] = take
    total = f"{num_annotated} annotated and {num_listed} unlabelled test takes"
    for what, count in sorted(left_out.items()):
        _log.warning("%s: left out: %d %s; of %s", root, count, what, total)
    if not takes:
        raise ManifestError(
            f"{root}: none of its {total} can be used; download their videos to "
            "takes/TAKE/frame_aligned_videos/"
        )
    return without_crossing_people(list(takes.values()), source=root)


def _take(
    root: Path,
    described: Entry | None,
    annotation: Entry | None,
    split: Split,
    level: str | None,
    left_out: Counter[str],
) -> Take | None:
    """Return a take of the benchmark, or None with the reason counted."""
    if described is None or described.values.get("is_dropped"):
        left_out["takes that takes.json lacks or has dropped"] += 1
        return None
    views = find_views(root, described, annotation, left_out)
    if not views:
        left_out["takes without a video on disk"] += 1
        return None
    name = described.text("take_name")
    scenario = (
        described.text("parent_task_name")
        if annotation is None
        else annotation.text("scenario_name")
    )
    return Take(
        take_id=name,
        participant_id=_participant(described, annotation),
        scenario=scenario,
        views=views,
        split=split,
        level=level,
        # Ratings of hidden test takes would be labels of the test.
        rating=None if annotation is None else read_mean_rating(root, name),
    )


def _described_takes(file: Path) -> dict[str, Entry]:
    """Return uid -> entry of takes.json, used by the benchmark or not."""
    takes: dict[str, Entry] = {}
    names: set[str] = set()
    for entry in load_entries(file):
        uid, name = entry.text("take_uid"), entry.text("take_name")
        if uid in takes or name in names:
            key = "take_uid" if uid in takes else "take_name"
            raise entry.error(key, f"{entry.text(key)!r} appears twice; download the file again")
        if not is_plain_name(name):
            raise entry.error("take_name", f"{name!r} must be a folder's name without a path")
        takes[uid] = Entry(file, f"take {name!r}", entry.values)
        names.add(name)
    return takes


def _split_by_uid(file: Path) -> dict[str, Split]:
    known = load_object(file).child("take_uid_to_split")
    splits: dict[str, Split] = {}
    for uid in known.values:
        split: Any = known.text(uid).lower()
        if split not in get_args(Split):
            raise known.error(uid, f"split={split!r}; allowed are {', '.join(get_args(Split))}")
        splits[uid] = split
    return splits


def _annotations(folder: Path) -> Iterator[tuple[Split, Entry]]:
    files: dict[Split, Path] = {
        split: folder / f"proficiency_demonstrator_{split}.json" for split in get_args(Split)
    }
    if not any(file.is_file() for file in files.values()):
        raise ManifestError(
            f"{folder}: has no proficiency_demonstrator_train.json or _val.json; download the "
            "benchmark's annotations"
        )
    for split, file in files.items():
        if not file.is_file():
            continue
        number = 0
        for number, entry in enumerate(load_object(file).children("annotations"), 1):
            yield split, Entry(file, f"annotation {number}", entry.values)
        if number == 0:
            raise ManifestError(f"{file}: split {split!r} is empty; download the file again")


def _test_uids(
    folder: Path, described: Mapping[str, Entry], splits: Mapping[str, Split]
) -> Iterator[str]:
    """Yield the hidden test takes, also names that takes.json lacks, which are counted."""
    if (folder / TEST_LIST_FILE).is_file():
        uid_of = {take.text("take_name"): uid for uid, take in described.items()}
        for number, name in enumerate(load_list(folder / TEST_LIST_FILE), 1):
            if not isinstance(name, str):
                raise ManifestError(
                    f"{folder / TEST_LIST_FILE}: entry {number}: {name!r} must be a take's name"
                )
            yield uid_of.get(name, name)
        return
    benchmarks = load_object(folder / "splits.json").values.get("take_uid_to_benchmark")
    for uid, split in splits.items():
        names = benchmarks.get(uid) if isinstance(benchmarks, Mapping) else None
        names = {names} if isinstance(names, str) else set(names or ())
        if split == "test" and names & _BENCHMARK_NAMES:
            yield uid


def _level(annotation: Entry) -> str:
    level = annotation.text("proficiency_score")
    if level not in EGOEXO4D_LEVELS.names:
        allowed = ", ".join(map(repr, EGOEXO4D_LEVELS.names))
        raise annotation.error("proficiency_score", f"{level!r} is no level; allowed are {allowed}")
    return level


def _participant(take: Entry, annotation: Entry | None) -> str:
    if take.values.get("participant_uid") is not None:
        return take.text("participant_uid")
    if annotation is None or annotation.values.get("origin_participant_id") is None:
        raise take.error(
            "participant_uid",
            "names no participant, and the annotation has no origin_participant_id; without one, "
            "splits cannot be kept apart",
        )
    # These numbers are unique within a university only.
    return f"{annotation.text('university_id')}/{annotation.text('origin_participant_id')}"
