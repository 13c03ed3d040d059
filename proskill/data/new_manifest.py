"""Manifest to fill in, made from the video files of a folder.

Takes and views are guessed from names, ends of takes are probed; who performs, the split and the
labels are left empty, because no file name says them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from proskill.data.dataset_paths import FoundView, find_views
from proskill.data.file_facts import FileFacts, FileRequest, examine_files
from proskill.data.manifest import MANIFEST_COLUMNS, NUMERIC_COLUMNS, checked_row
from proskill.errors import ManifestError
from proskill.table_files import write_table
from proskill.view_names import guess_kind


@dataclass(frozen=True)
class NewManifest:
    """Manifest that was written.

    Attributes:
        path: of the manifest.
        views: its rows.
        left_out: files that cannot be read, with the reason.
    """

    path: Path
    views: tuple[FoundView, ...]
    left_out: tuple[FileFacts, ...]


def init_manifest(
    folder: Path,
    *,
    out: Path | None = None,
    journal: Path,
    num_workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> NewManifest:
    """Write a manifest for the videos under a folder.

    Args:
        folder: searched with its subfolders; hidden files and folders are passed over.
        out: the manifest; None means `manifest.csv` in the folder. Never overwritten.
        journal: remembers examined files, see `examine_files`.
        num_workers: processes that probe; None means one per core.
        on_progress: called with (files done, files in all).

    Raises:
        ManifestError: no such folder, no readable video in it, a file name that no table can hold,
            or the manifest exists already.
        ProskillError: the journal cannot be written.
    """
    out = folder / "manifest.csv" if out is None else out
    if out.exists():
        raise ManifestError(f"{out}: exists already; remove it or choose another place with --out")
    found = find_views(folder)
    requests = [FileRequest(view.path.absolute()) for view in found]
    facts = examine_files(
        requests, journal=journal, num_workers=num_workers, on_progress=on_progress
    )
    good = [view for view in found if facts[view.path.absolute()].fault is None]
    if not good:
        reason = next(iter(facts.values())).reason
        raise ManifestError(f"{folder}: none of its {len(found)} videos can be read: {reason}")
    parent = out.parent.absolute()
    rows = [checked_row(out, _row(view, facts[view.path.absolute()], parent)) for view in good]
    write_table(out, MANIFEST_COLUMNS, rows, numeric=NUMERIC_COLUMNS)
    left_out = [fact for fact in facts.values() if fact.fault is not None]
    return NewManifest(out, tuple(good), tuple(left_out))


def _row(view: FoundView, fact: FileFacts, parent: Path) -> dict[str, str | float | None]:
    path = view.path.absolute()
    inside = path.is_relative_to(parent)
    return {
        **dict.fromkeys(MANIFEST_COLUMNS),
        "take_id": view.take_id,
        "view": view.view,
        "kind": guess_kind(view.view),
        "path": path.relative_to(parent).as_posix() if inside else str(path),
        "start_seconds": 0.0,
        # Down to the millisecond, so that the end never lies past the file's.
        "end_seconds": max(0.001, math.floor(fact.duration_seconds * 1000) / 1000),
        "offset_seconds": 0.0,
    }
