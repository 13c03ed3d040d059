"""Running servers of the coach's page, each in a process of its own, and takes to send to them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from waiting import free_port, wait_for_server, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_READY = (
    "n => { const rows = [...document.querySelector('coach-views').rows.values()];"
    "return rows.length === n && rows.every(row => row.state !== 'working'); }"
)


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

    def files(self) -> set[Path]:
        """Everything that lies in its temporary folder, which it may be changing meanwhile."""
        walk = os.walk(self.folder / "tmp")  # unlike `rglob`, goes on where a folder has gone
        return {Path(folder, name) for folder, _, names in walk for name in names}

    @contextmanager
    def keeping_nothing(self) -> Iterator[None]:
        """Fails if a file of what happens inside stays, also what is deleted soon after it."""
        before = self.files()
        yield
        wait_until(lambda: not self.files() - before)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


@dataclass(frozen=True)
class CoachPage:
    """The tab "Score" in a browser, and what a coach does on it.

    Attributes:
        page: of the browser.
    """

    page: Page

    def add(self, *files: Path, num_rows: int | None = None) -> None:
        """Choose files; ends when so many rows, by default as many, are copied or refused."""
        chosen = [str(file) for file in files]
        self.page.set_input_files("coach-views input[type=file]", chosen)
        self.wait_for_rows(num_rows or len(files))

    def wait_for_rows(self, num_rows: int) -> None:
        self.page.wait_for_function(_READY, arg=num_rows)

    def score(self) -> str:
        """Press the button; the level that the page then shows."""
        self.page.click("coach-views button.large")
        return self.level()

    def level(self) -> str:
        self.page.wait_for_selector("#coach-answer .level")
        return self.page.inner_text("#coach-answer .level")

    def wait_for_why(self) -> None:
        self.page.wait_for_function(
            "(({explanation, busy} = {}) => explanation && !busy)"
            "(document.querySelector('coach-player').value ?? undefined)"
        )

    def seconds(self) -> list[float]:
        """Where in its file each video of the player is."""
        times: list[float] = self.page.evaluate(
            "[...document.querySelectorAll('coach-player video')].map(v => v.currentTime)"
        )
        return times


@contextmanager
def _run(folder: Path, *options: object) -> Iterator[CoachServer]:
    port = free_port()
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
        wait_for_server(f"{url}/login", process)
        yield server
    finally:
        process.kill()  # ending in order waits for every open page
        process.wait()


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


@pytest.fixture
def open_page(browser: Browser, coach_server: CoachServer) -> Iterator[Callable[..., CoachPage]]:
    """Open the page in a context of its own; a script's error or a foreign address fails.

    `url` names another server, `beside` a page whose browser context is shared, as by two tabs of
    one person, and `account` who logs in first; more options are those of the context.
    """
    contexts, wrong = [], list[str]()

    def opened(
        url: str = coach_server.url,
        *,
        beside: CoachPage | None = None,
        account: tuple[str, str] | None = None,
        **options: Any,
    ) -> CoachPage:
        context = browser.new_context(**options) if beside is None else beside.page.context
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: _note_foreign(request.url, url, wrong))
        page.goto(f"{url}/")
        if account is not None:
            page.fill("input[name=username]", account[0])
            page.fill("input[name=password]", account[1])
            page.click("form button")
        page.wait_for_selector("coach-views .drop")
        return CoachPage(page)

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def _note_foreign(address: str, url: str, wrong: list[str]) -> None:
    if not address.startswith((url, "data:", "blob:")):
        wrong.append(address)


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
