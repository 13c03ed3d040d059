"""Progress bars on standard error, silent where it is no terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


@contextmanager
def progress_bar(description: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar while the block runs.

    Yields:
        A function to call with (done, total) as often as wanted.
    """
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(description, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


class Stages(ExitStack):
    """Bars of the stages of a long command, one after another; use it in a `with` block.

    Attributes:
        seconds: stage -> its duration, for the finished ones.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds: dict[str, float] = {}
        self._update: Callable[[int, int], None] = lambda done, total: None

    def begin(self, name: str) -> None:
        """Finish the stage before and begin this one."""
        self.close()
        self.callback(self._record, name, time.perf_counter())
        self._update = self.enter_context(progress_bar(name))

    def progress(self, done: int, total: int) -> None:
        """Update the bar of the present stage."""
        self._update(done, total)

    def _record(self, name: str, start: float) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
