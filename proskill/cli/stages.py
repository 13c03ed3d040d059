"""The stages of a long command: a bar on standard error for each, and how long each took."""

from __future__ import annotations

import time
from contextlib import ExitStack
from types import TracebackType

from proskill.cli.progress import progress_bar


class Stages:
    """Shows one stage after another; use it in a `with` block.

    Attributes:
        seconds: stage -> how long it took, of those that are over.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._name = ""
        self._start = 0.0
        self._bar = ExitStack()
        self._update = lambda done, total: None

    def begin(self, name: str) -> None:
        """End the stage before and begin this one."""
        self.end()
        self._name, self._start = name, time.perf_counter()
        self._update = self._bar.enter_context(progress_bar(name))

    def progress(self, done: int, total: int) -> None:
        """How far the present stage is."""
        self._update(done, total)

    def end(self) -> None:
        """End the present stage, if there is one."""
        self._bar.close()
        self._update = lambda done, total: None
        if self._name:
            elapsed = time.perf_counter() - self._start
            self.seconds[self._name] = self.seconds.get(self._name, 0.0) + elapsed
        self._name = ""

    def __enter__(self) -> Stages:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()
