"""Takes to try the page with: simulated ones, made on first use, and videos of your own folder.

None is presented as skilled or unskilled; that is for the model to say, and to doubt.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from proskill.errors import ProskillError

from .work_queue import Progress

_VIDEO_SUFFIXES = (".mp4", ".mov", ".webm", ".mkv", ".avi", ".m4v")
_MAX_FROM_FOLDER = 6
_USUAL_SECONDS = 8.0
_LONGEST_SECONDS = 120.0


@dataclass(frozen=True)
class Example:
    """A take to click on.

    Attributes:
        id: of its button.
        label: name of the activity.
        note: source of its videos.
        make: (folder, progress) -> its videos, in the order of the page.
    """

    id: str
    label: str
    note: str
    make: Callable[[Path, Progress], list[Path]]


def examples_of(folder: Path | None) -> list[Example]:
    """Return the examples of the page.

    Args:
        folder: of a person's own videos: each file is one take, each folder in it one take of
            several views; None for none.
    """
    simulated = [
        Example(
            f"simulated-{task}-{seed}", label, f"simulated, {_counted(views)}",
            _simulated(task, seed=seed, views=views),
        )
        for task, label, seed, views in (
            ("juggling", "Juggling", 11, ("ego", "exo1", "exo2")),
            ("step_and_reach", "Step and reach", 4, ("exo1", "exo2")),
            ("drumming", "Drumming", 7, ("ego",)),
        )
    ]  # fmt: skip
    return [*simulated, *([] if folder is None else _from_folder(folder))]


def _simulated(
    task: str, *, seed: int, views: Sequence[str]
) -> Callable[[Path, Progress], list[Path]]:
    def make(folder: Path, progress: Progress) -> list[Path]:
        if not folder.exists():
            # A process of its own: rendering starts workers, which a server with threads must not.
            command = [
                sys.executable, "-m", "proskill.cli.main", "simulate", str(folder),
                "--participants", "1", "--takes-per-participant", "1", "--tasks", task,
                "--views", ",".join(views), "--seed", str(seed), "--workers", "1",
            ]  # fmt: skip
            try:
                _run(command, progress)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        return sorted(folder.rglob("*.mp4"))

    return make


def _run(command: Sequence[str], progress: Progress) -> None:
    """Run a command to its end; an exception of the progress ends it at once.

    Raises:
        ProskillError: it takes too long or fails, perhaps because the disk is full.
    """
    begin = time.monotonic()
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while process.poll() is None:
            passed = time.monotonic() - begin
            if passed > _LONGEST_SECONDS:
                raise ProskillError("the example takes too long to make on this machine")
            progress("making the example", min(passed / _USUAL_SECONDS, 0.95))
            time.sleep(0.1)
        if process.returncode != 0:
            raise ProskillError("the example could not be made on this machine")
    finally:
        process.kill()
        process.wait()


def _from_folder(folder: Path) -> list[Example]:
    """Return one example for each video, or folder of videos, in a folder."""
    found = []
    for number, entry in enumerate(sorted(folder.iterdir())):
        files = sorted(entry.iterdir()) if entry.is_dir() else [entry]
        videos = [path for path in files if path.suffix.lower() in _VIDEO_SUFFIXES]
        if videos:
            note = f"from your folder, {_counted(videos)}"
            found.append(Example(f"folder-{number}", entry.stem, note, _given(videos)))
    return found[:_MAX_FROM_FOLDER]


def _given(videos: list[Path]) -> Callable[[Path, Progress], list[Path]]:
    return lambda folder, progress: videos


def _counted(views: Sequence[object]) -> str:
    return "one view" if len(views) == 1 else f"{len(views)} views"
