"""Ego-Exo4D's expert commentary: remarks on a take, and ratings of it.

The aggregated `annotations/expert_commentary_{train,val}.json` hold the transcribed remarks. The
ratings are in `annotations/expert_commentary/TAKE/EXPERT/data.json`, a download of its own.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from proskill.data.dataset_paths import is_plain_name
from proskill.data.json_files import Entry, load_object

MIN_RATING, MAX_RATING = 1, 10

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Remark:
    """One remark of an expert.

    Attributes:
        seconds: where the expert stopped the video, on the take's clock.
        text: as transcribed from speech, stripped of surrounding space.
    """

    seconds: float
    text: str


@dataclass(frozen=True)
class Commentary:
    """Remarks and rating of one expert on one take.

    Attributes:
        expert: six characters that stand for the expert.
        remarks: in the order of the file.
        rating: proficiency in [1, 10], or None where the ratings were not downloaded.
        reason: why the expert gave that rating; may be empty.
    """

    expert: str
    remarks: tuple[Remark, ...]
    rating: float | None
    reason: str


def read_commentary(root: Path | str) -> dict[str, list[Commentary]]:
    """Return take name -> commentary of each expert.

    Remarks whose transcription failed are left out, counted and reported through `logging`.

    Args:
        root: the folder that holds `annotations/`.

    Raises:
        ManifestError: no such file, a key that is missing, or a rating out of range.
    """
    root = Path(root)
    files = [root / "annotations" / f"expert_commentary_{split}.json" for split in ("train", "val")]
    said: dict[str, list[Commentary]] = defaultdict(list)
    failed: Counter[Path] = Counter()
    for file in [file for file in files if file.is_file()] or files[:1]:
        by_uid = load_object(file).child("annotations")
        for uid in by_uid.values:
            for entry in by_uid.children(uid):
                said[_plain(entry, "take_name")].append(_commentary(root, entry, failed))
    for file, count in failed.items():
        _log.warning("%s: left out: %d remarks whose transcription failed", file, count)
    return dict(said)


def read_mean_rating(root: Path, take_name: str) -> float | None:
    """Return the mean of the experts' ratings of a take, in [1, 10], or None.

    Experts were free to use the scale as they liked, so a mean of few is coarse.

    Raises:
        ManifestError: a rating that is missing or out of range.
    """
    folder = root / "annotations" / "expert_commentary" / take_name
    ratings = [_rating(load_object(file))[0] for file in sorted(folder.glob("*/data.json"))]
    return sum(ratings) / len(ratings) if ratings else None


def _commentary(root: Path, entry: Entry, failed: Counter[Path]) -> Commentary:
    # "TAKE/EXPERT" names the folder under expert_commentary/.
    expert = entry.text("commentary").rpartition("/")[2]
    if not is_plain_name(expert):
        raise entry.error(
            "commentary", "must end with the expert's id, as in 'cmu_bike15_4/qfbn5o'"
        )
    remarks = []
    for remark in entry.children("commentary_data"):
        if remark.values.get("error") or not remark.values.get("text"):
            failed[entry.file] += 1
            continue
        seconds = remark.number("video_time")
        if seconds is None:
            raise remark.error("video_time", "must be a number of seconds")
        remarks.append(Remark(seconds, remark.text("text").strip()))
    take_name = _plain(entry, "take_name")
    file = root / "annotations" / "expert_commentary" / take_name / expert / "data.json"
    rating, reason = _rating(load_object(file)) if file.is_file() else (None, "")
    return Commentary(expert, tuple(remarks), rating, reason)


def _rating(data: Entry) -> tuple[float, str]:
    proficiency = data.child("proficiency")
    rating = proficiency.number("rating")
    if rating is None or not MIN_RATING <= rating <= MAX_RATING:
        raise proficiency.error("rating", f"{rating}: allowed are {MIN_RATING} to {MAX_RATING}")
    why = proficiency.values.get("why")
    return rating, why.strip() if isinstance(why, str) else ""


def _plain(entry: Entry, key: str) -> str:
    name = entry.text(key)
    if not is_plain_name(name):
        raise entry.error(key, f"{name!r} must be a folder's name without a path")
    return name
