"""What every test gets: its own random numbers, and marks that mean something."""

from __future__ import annotations

import glob
import os
import random
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import numpy as np
import pytest

from waiting import wait_until

# One thread each: two workers with two torch threads each are slower than one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import torch

# Before anything imports torchvision, timm, peft, transformers or lightning.
from proskill.models.torchvision_ops import ensure_torchvision_ops

ensure_torchvision_ops()
torch.set_num_threads(1)

# CI judges a change, so it repeats the same examples; elsewhere every run looks for new ones.
hypothesis.settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")


if TYPE_CHECKING:
    from playwright.sync_api import Browser

# A browser that neither updates itself nor calls home, as root and without a graphics card; its
# camera shows a made-up picture to pages that are allowed to use it.
_CHROMIUM_OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
    "--use-fake-device-for-media-stream",
)  # fmt: skip


def _chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser")


def _postgresql() -> str | None:
    """The folder of PostgreSQL's programs; Debian keeps `initdb` away from the path."""
    found = shutil.which("initdb") or max(
        glob.glob("/usr/lib/postgresql/*/bin/initdb"), default=None
    )
    return None if found is None else str(Path(found).resolve().parent)


# Programs that some tests need: mark -> (where they are, the variable that makes them required).
_NEEDED_PROGRAMS = {
    "needs_browser": (_chromium, "PROSKILL_REQUIRE_BROWSER"),
    "needs_postgresql": (_postgresql, "PROSKILL_REQUIRE_POSTGRESQL"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow as well")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # A browser, once started, keeps an event loop running, in which no test can run its own.
    items.sort(key=lambda item: "needs_browser" in item.keywords)
    skip_slow = pytest.mark.skip(reason="slow; run with --slow")
    for item in items:
        if "slow" in item.keywords and not config.getoption("--slow"):
            item.add_marker(skip_slow)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if "needs_cuda" in item.keywords and not torch.cuda.is_available():
        if os.environ.get("PROSKILL_REQUIRE_CUDA") == "1":
            pytest.fail("PROSKILL_REQUIRE_CUDA=1, but torch sees no CUDA device")
        pytest.skip("needs a CUDA device")
    for mark, (find, variable) in _NEEDED_PROGRAMS.items():
        if mark in item.keywords and find() is None:
            if os.environ.get(variable) == "1":
                pytest.fail(f"{variable}=1, but the programs of `{mark}` are not installed")
            pytest.skip(f"{mark}: not installed")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium without a window; a test opens a context of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=_chromium(), args=list(_CHROMIUM_OPTIONS)
        )
        yield chromium
        chromium.close()


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    """The URL of an empty database, on a PostgreSQL server of its own behind a socket file."""
    programs = Path(_postgresql() or "")
    # A socket's path may have 107 characters, which pytest's own folders exceed.
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        user = None
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            user = "postgres"
            shutil.chown(folder, user)
        data = Path(folder, "data")
        subprocess.run(
            [programs / "initdb", "-D", data, "-A", "trust", "-U", "proskill", "-E", "UTF8"],
            check=True, capture_output=True, user=user, cwd=folder,
        )  # fmt: skip
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", folder, "-h", "", "-F"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, user=user, cwd=folder,
        )  # fmt: skip
        try:
            wait_until(
                lambda: Path(folder, ".s.PGSQL.5432").exists() and _is_ready(programs, folder)
            )
            yield f"postgresql+psycopg://proskill@/postgres?host={folder}"
        finally:
            server.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
            server.wait(timeout=30)


def _is_ready(programs: Path, folder: str) -> bool:
    return subprocess.run([programs / "pg_isready", "-q", "-h", folder]).returncode == 0


@pytest.fixture
def write_clip() -> Callable[..., Path]:
    """Write a small mp4 of noise, 10 pictures a second, its index before its pictures."""
    from proskill.simulation.render import write_video

    def write(path: Path, *, seconds: float = 2.0, seed: int = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (round(10 * seconds), 48, 64, 3)
        frames = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
        write_video(path, frames, frame_rate=10, quality=30)
        return path

    return write


@pytest.fixture(autouse=True)
def _own_random_numbers() -> Iterator[None]:
    """Every test starts from the same seeds and leaves the global generators as they were."""
    python_state, numpy_state, torch_state = (
        random.getstate(),
        np.random.get_state(),
        torch.get_rng_state(),
    )
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)
    yield
    random.setstate(python_state)
    np.random.set_state(numpy_state)
    torch.set_rng_state(torch_state)
