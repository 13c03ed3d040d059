"""ProSkill (arXiv 2601.20661) on disk: segments of procedural video, rated by a tournament.

    ROOT/SUBSET/{train,val,test}.txt      lines "winner,loser,global goal->subgoal"
    ROOT/SUBSET/rankings/rank_after_round_N.yml      ratings of each segment after round N
    ROOT/SUBSET/videos/VIEW/SEGMENT.mp4      ours: the data set comes without videos
    ROOT/SUBSET/participants.csv      ours, optional: segment, participant_id

The files of the data set are published, their spelling inside `rankings/` could not be checked
here: a ranking may nest segments under goals and subgoals, and a segment's Elo rating is whichever
key has "elo" in its name. The pairs are read as comparisons elsewhere (`proskill.rating_files`);
here segments become takes. Their expert level is not read: it is a cut of the same Elo rating, and
by which rule is not published.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from proskill.data.dataset_paths import VIDEO_SUFFIXES, is_plain_name
from proskill.data.splits import without_crossing_people
from proskill.data.take import Split, Take, View
from proskill.errors import ManifestError
from proskill.plain_yaml import load_plain_yaml
from proskill.table_files import read_table
from proskill.view_names import ViewKind

_MAX_DEPTH = 4

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Segment:
    """Scenario and split of a segment, by the pairs it is in."""

    scenario: str
    split: Split


def is_proskill(folder: Path) -> bool:
    """Return True for one of ProSkill's subsets, or a folder with some."""
    return bool(_subsets(folder))


def read_proskill(source: Path | str) -> list[Take]:
    """Read ProSkill's segments, with their Elo rating after the last round as `rating`.

    A take's id is `SUBSET/SEGMENT`, its scenario `global goal->subgoal`. Its split is that of the
    pairs it is in; a segment that is in pairs of two splits counts for the later one, and test
    takes stay as published. Without `participants.csv`, who performs is not known: each segment
    then stands for itself, which is reported through `logging`, because the same person may be in
    two splits and intervals come out too narrow. Views are the folders under `videos/`, whose names
    begin with `ego` or `exo`.

    Args:
        source: the folder of a subset, or the folder that holds the subsets.

    Raises:
        ManifestError: a file that is missing or not what it should be, a segment without a rating
            or named in no pair, or no video.
    """
    source = Path(source)
    takes = [take for subset in _subsets(source) for take in _read_subset(subset)]
    if not takes:
        raise ManifestError(
            f"{source}: no rated segment has a video; put the clips under "
            "SUBSET/videos/VIEW/SEGMENT.mp4 (VIEW is ego or exo1, exo2, ...)"
        )
    return without_crossing_people(takes, source=source)


def _subsets(folder: Path) -> list[Path]:
    candidates = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    return [path for path in candidates if _ranking_files(path)]


def _ranking_files(subset: Path) -> dict[int, Path]:
    """Return round -> file."""
    files = {}
    for file in (subset / "rankings").glob("*.y*ml"):
        match = re.fullmatch(r"(?:rank_after_round_)?(\d+)", file.stem)
        if match:
            files[int(match[1])] = file
    return files


def _read_subset(subset: Path) -> Iterator[Take]:
    files = _ranking_files(subset)
    ratings = dict(_ratings(files[max(files)]))
    segments = _segments(subset)
    people = _participants(subset / "participants.csv")
    videos = _videos(subset / "videos")
    name = subset.resolve().name
    num_without_video = 0
    for segment, rating in ratings.items():
        if segment not in segments:
            raise ManifestError(
                f"{files[max(files)]}: segment {segment!r} is in no pair of train.txt, val.txt or "
                "test.txt, so that its split is not known; are the files of one release?"
            )
        if segment not in videos:
            num_without_video += 1
            continue
        if people is not None and segment not in people:
            raise ManifestError(
                f"{subset / 'participants.csv'}: names no participant of {segment!r}"
            )
        yield Take(
            take_id=f"{name}/{segment}",
            participant_id=f"{name}/{segment if people is None else people[segment]}",
            scenario=segments[segment].scenario,
            views=videos[segment],
            split=segments[segment].split,
            rating=rating,
        )
    if num_without_video:
        _log.warning(
            "%s: left out: %d rated segments without a video; of %d",
            subset, num_without_video, len(ratings),
        )  # fmt: skip
    if people is None:
        _log.warning(
            "%s: has no participants.csv: each segment counts as a person of its own, so that "
            "people may cross splits and intervals come out too narrow",
            subset,
        )


def _segments(subset: Path) -> dict[str, _Segment]:
    segments: dict[str, _Segment] = {}
    # In this order, so that the split named last counts.
    for split in get_args(Split):
        file = subset / f"{split}.txt"
        num_lines = 0
        for number, line in enumerate(_text(file).splitlines(), 1):
            if not line.strip():
                continue
            num_lines += 1
            parts = [part.strip() for part in line.split(",", 2)]  # a subgoal may hold commas
            if len(parts) < 3 or not all(parts):
                raise ManifestError(
                    f"{file}: row {number}: {line[:60]!r}: expected is winner,loser,goal->subgoal"
                )
            for segment in parts[:2]:
                known = segments.get(segment)
                if known is not None and known.scenario != parts[2]:
                    raise ManifestError(
                        f"{file}: row {number}: segment {segment!r} shows {parts[2]!r} here and "
                        f"{known.scenario!r} before"
                    )
                segments[segment] = _Segment(parts[2], split)
        if num_lines == 0:
            raise ManifestError(f"{file}: split {split!r} is empty; download the file again")
    return segments


def _ratings(file: Path) -> Iterator[tuple[str, float]]:
    try:
        content = load_plain_yaml(_text(file))
    except ValueError as error:
        raise ManifestError(f"{file}: is not YAML of ratings: {error}") from None
    seen: set[str] = set()
    for segment, record in _records(file, content, "", depth=0):
        if segment in seen:
            raise ManifestError(f"{file}: segment {segment!r} is rated twice; keep one rating")
        seen.add(segment)
        yield segment, _elo(file, segment, record)


def _records(
    file: Path, node: Any, name: str, *, depth: int
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (segment, its numbers), however deep goals and subgoals nest them."""
    if not isinstance(node, Mapping) or depth > _MAX_DEPTH:
        where = f"{name!r}: " if name else ""
        raise ManifestError(
            f"{file}: {where}expected are segments with their ratings under names of goals"
        )
    if node and not any(isinstance(value, Mapping | list) for value in node.values()):
        yield name, node
        return
    for key, child in node.items():
        yield from _records(file, child, str(key), depth=depth + 1)


def _elo(file: Path, segment: str, record: Mapping[str, Any]) -> float:
    keys = [key for key in record if "elo" in str(key).lower()]
    if len(keys) != 1:
        raise ManifestError(
            f"{file}: segment {segment!r}: needs one key for its Elo rating, such as 'elo'; its "
            f"keys are {', '.join(map(repr, record))}"
        )
    try:
        rating = float(record[keys[0]])
    except ValueError:
        rating = math.nan
    if not math.isfinite(rating):
        raise ManifestError(
            f"{file}: segment {segment!r}: key {keys[0]!r}: {record[keys[0]]!r} must be a number"
        )
    return rating


def _participants(file: Path) -> dict[str, str] | None:
    if not file.is_file():
        return None
    columns, rows = read_table(file)
    if not {"segment", "participant_id"} <= set(columns):
        raise ManifestError(f"{file}: needs the columns segment and participant_id")
    people = {}
    for number, row in rows:
        if not row["segment"] or not row["participant_id"] or row["segment"] in people:
            raise ManifestError(
                f"{file}: row {number}: segment={row['segment']!r}: needs a participant_id, once"
            )
        people[row["segment"]] = row["participant_id"]
    return people


def _videos(folder: Path) -> dict[str, dict[str, View]]:
    """Return segment -> its views; ego views first."""
    found: dict[str, dict[str, View]] = {}
    views = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    for view in views:
        if not view.name.startswith(("ego", "exo")):
            raise ManifestError(
                f"{view}: is no view; name the folder ego or exo1, exo2, ... after the camera"
            )
        kind: ViewKind = "ego" if view.name.startswith("ego") else "exo"
        for file in sorted(view.iterdir()):
            if file.suffix.lower() in VIDEO_SUFFIXES and is_plain_name(file.stem):
                # Segments may be named with or without the file's suffix.
                for segment in (file.stem, file.name):
                    found.setdefault(segment, {})[view.name] = View(file, kind)
    return found


def _text(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ManifestError(f"{file}: no such file; download the annotations again") from None
    except UnicodeDecodeError as error:
        raise ManifestError(
            f"{file}: is not UTF-8 text ({error.reason}); save it as UTF-8"
        ) from None
