"""Run a program on an untrusted file with limits on time, memory and output.

The program gets limits of the operating system on processor time, memory and file size, a group of
its own that is killed as one, no environment, no input, and a folder to work in. No shell is
involved. Not here: which programs are run.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

# Sets the limits in the new process and becomes the program: a function run between fork and exec
# of a process with threads may hang.
_LIMITED_EXEC: Final = """
import os, resource, sys
limits = dict(AS=int(sys.argv[1]), CPU=int(sys.argv[2]), FSIZE=int(sys.argv[3]), CORE=0, NOFILE=256)
for name, value in limits.items():
    kind = getattr(resource, "RLIMIT_" + name)
    most = resource.getrlimit(kind)[1]
    value = value if most == resource.RLIM_INFINITY else min(value, most)
    try:
        resource.setrlimit(kind, (value, value))
    except (OSError, ValueError):
        pass  # macOS knows no limit of address space
os.umask(0o077)
os.execv(sys.argv[4], sys.argv[4:])
"""
# Numeric libraries would start, and reserve memory for, one thread for each core.
_ENVIRONMENT: Final = {"LC_ALL": "C", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
_TICK_SECONDS = 0.1
_MAX_LINE_BYTES = 1 << 20


@dataclass(frozen=True)
class ProcessLimits:
    """Limits of one run of a program.

    Attributes:
        seconds: by the clock; then it is killed. Its processor time may be four times as long.
        memory_bytes: of address space.
        file_bytes: size of each file it writes.
    """

    seconds: float
    memory_bytes: int
    file_bytes: int


def run_bounded(
    command: Sequence[str | Path],
    *,
    folder: Path,
    limits: ProcessLimits,
    on_output: Callable[[str], None] = lambda line: None,
    on_message: Callable[[str], None] = lambda line: None,
    on_tick: Callable[[], None] = lambda: None,
) -> int | None:
    """Run a program to its end; it never outlives this call.

    Args:
        command: the program's absolute path and its arguments.
        folder: where it runs.
        limits: what it may take.
        on_output: called with every line of its standard output.
        on_message: called with every line of its standard error.
        on_tick: called ten times a second. What it raises kills the program and is raised here.

    Returns:
        Its exit status, negative for the signal that ended it; None where its time was over.
    """
    deadline = time.monotonic() + limits.seconds
    numbers = (limits.memory_bytes, int(4 * limits.seconds) + 1, limits.file_bytes)
    process = subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _LIMITED_EXEC, *map(str, numbers), *map(str, command)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=_ENVIRONMENT,
        start_new_session=True,
    )
    try:
        with selectors.DefaultSelector() as selector:
            for pipe, on_line in ((process.stdout, on_output), (process.stderr, on_message)):
                assert pipe is not None
                selector.register(pipe, selectors.EVENT_READ, _Lines(on_line))
            while selector.get_map():
                if time.monotonic() > deadline:
                    return None
                on_tick()
                for key, _ in selector.select(_TICK_SECONDS):
                    if not key.data.feed(os.read(key.fd, 1 << 16)):
                        selector.unregister(key.fileobj)
        while process.poll() is None:
            if time.monotonic() > deadline:
                return None
            on_tick()
            time.sleep(0.01)
        return process.returncode
    finally:
        _end(process)


class _Lines:
    """Splitter of arriving bytes into lines; overlong lines are cut."""

    def __init__(self, on_line: Callable[[str], None]) -> None:
        self._on_line = on_line
        self._rest = b""

    def feed(self, data: bytes) -> bool:
        """Pass on complete lines; return False at the end."""
        *lines, rest = (self._rest + data).split(b"\n")
        if not data and rest:
            lines, rest = [*lines, rest], b""
        self._rest = rest[:_MAX_LINE_BYTES]
        for line in lines:
            self._on_line(line.decode(errors="replace"))
        return bool(data)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and close its pipes."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
