"""The largest resident memory of the processes that a benchmark starts.

The system's own account of ended children is of no use here: it counts what they shared with their
parent before they became another program.
"""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

_EVERY_SECONDS = 0.05


class ChildMemory:
    """Watches this process's children, and theirs, until the `with` block ends.

    Attributes:
        peak_mb: of the one that grew largest.
    """

    def __init__(self) -> None:
        self.peak_mb = 0
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> ChildMemory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._is_over.wait(_EVERY_SECONDS):
            for pid in _descendants(os.getpid()):
                self.peak_mb = max(self.peak_mb, _resident_mb(pid))


def _descendants(pid: int) -> list[int]:
    found = []
    for file in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = [int(child) for child in file.read_text().split()]
        except OSError:
            continue
        found += children + [grand for child in children for grand in _descendants(child)]
    return found


def _resident_mb(pid: int) -> int:
    """Of a process that has become another program; 0 where it has not, or has ended."""
    try:
        if os.readlink(f"/proc/{pid}/exe") == os.readlink("/proc/self/exe"):
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            if command == Path("/proc/self/cmdline").read_bytes():
                return 0
        size = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return round(int(size[1]) / 1024) if size else 0
