"""Waiting for what happens beside a test: in a browser, in a server, in a killed process."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable
from typing import TypeVar

import httpx

Found = TypeVar("Found")


def wait_until(look: Callable[[], Found], *, seconds: float = 60.0) -> Found:
    """What `look` finds, as soon as that counts as true.

    The limit is what a machine busy with other work may need, not what is expected of a page or a
    server: `benchmarks/` measure that.

    Raises:
        AssertionError: it was not true within `seconds`; says what was found last.
    """
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, f"still {found!r} after {seconds:g} s"
        time.sleep(0.03)
    return found


def wait_for_server(url: str, process: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """Until the server that is this process answers."""

    def answers() -> bool:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        try:
            httpx.get(url, timeout=5, trust_env=False)
        except httpx.TransportError:
            return False
        return True

    wait_until(answers, seconds=90)


def free_port() -> int:
    """A port of this machine that nothing listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
