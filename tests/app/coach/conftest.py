"""Running servers of the coach's page, each in a process of its own, and takes to send to them."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

_START_SECONDS = 90.0


@dataclass(frozen=True)
class CoachServer:
    """A running server.

    Attributes:
        url: of its page, without a slash at the end.
        folder: its home, temporary folder and working directory.
        process: of the server.
    """

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    def files(self) -> list[Path]:
        """Everything that lies in its temporary folder."""
        return [path for path in (self.folder / "tmp").rglob("*") if path.is_file()]

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


@contextmanager
def _run(folder: Path, *options: object) -> Iterator[CoachServer]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    (folder / "tmp").mkdir()
    environment = {
        **os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder / "data"),
        "TMPDIR": str(folder / "tmp"), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "proskill.cli.main", "app", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, *map(str, options)], cwd=folder, env=environment, stdout=log, stderr=log
        )
    server = CoachServer(url, folder, process)
    try:
        _wait_for(server)
        yield server
    finally:
        process.kill()  # ending in order waits for every open page
        process.wait()


def _wait_for(server: CoachServer) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and server.process.poll() is None:
        try:
            httpx.get(f"{server.url}/login", timeout=5)
            return
        except httpx.TransportError:
            time.sleep(0.1)
    pytest.fail(f"the server did not start:\n{server.log()}")


@pytest.fixture(scope="session")
def coach_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoachServer]:
    """A server without accounts that all tests of a worker share."""
    with _run(tmp_path_factory.mktemp("coach")) as server:
        yield server


@pytest.fixture(scope="session")
def start_coach(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[..., AbstractContextManager[CoachServer]]:
    """Run a server with options of its own: `with start_coach("--auth", file) as server`."""
    return lambda *options: _run(tmp_path_factory.mktemp("coach"), *options)


@pytest.fixture(scope="session")
def run_async() -> Iterator[Callable[[Coroutine[Any, Any, Any]], Any]]:
    """Run a coroutine in a thread: a browser that another test opened occupies this one's loop."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        yield lambda coroutine: pool.submit(asyncio.run, coroutine).result()


@pytest.fixture(scope="session")
def simulated_take(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """View name -> video of one simulated performance."""
    from proskill.simulation.takes import simulate_dataset

    folder = tmp_path_factory.mktemp("take")
    simulate_dataset(
        folder, num_participants=1, takes_per_participant=1, views=("ego", "exo1"),
        tasks=("juggling",), seed=3, num_workers=1,
    )  # fmt: skip
    return {path.stem.rsplit("_", 1)[-1]: path for path in sorted(folder.rglob("*.mp4"))}
