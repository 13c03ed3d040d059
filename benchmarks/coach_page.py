"""Waiting times of a coach: the page, the level after the drop of a video, the explanation.

    python benchmarks/coach_page.py [--repetitions 5]

Writes `benchmarks/results/coach_page.json`. A server is started as a person starts it and used in
Chromium as a person uses it. `start`: from the command to a page that takes videos. `one_view` and
`three_views`: a simulated take enlarged to 1920x1080, 10 s of 30 pictures a second, sensor noise;
from the drop to the level on the page; "Score" is pressed as soon as it can be. `why`: from the
level to the complete explanation. The model is loaded when measuring the views; `first_level` is
the one that follows the start at once.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from measured import write_report
from playwright.sync_api import Browser, Error, Page, sync_playwright
from upload_speed import ffmpeg

from proskill.simulation.takes import simulate_dataset

OUT = Path(__file__).parent / "results" / "coach_page.json"
CHROMIUM = "/usr/bin/chromium"
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        take = film(folder)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OPTIONS))
        report: dict[str, Any] = {"what": "seconds that a coach waits, in Chromium"}
        starts, firsts = [], []
        for repetition in range(arguments.repetitions):
            with serve(folder / f"run{repetition}", browser) as (page, seconds):
                starts.append(seconds)
                firsts.append(waited(page, take[-1:])["level"])
                if repetition < arguments.repetitions - 1:
                    continue
                for label, files in (("one_view", take[-1:]), ("three_views", take)):
                    report[label] = repeated(arguments.repetitions, page, files)
        report["start"], report["first_level"] = summary(starts), summary(firsts)
        browser.close()
    write_report(arguments.out, report, started=started)


def film(folder: Path) -> list[Path]:
    """A take in three views as a phone would film it."""
    simulate_dataset(
        folder / "take", num_participants=1, takes_per_participant=1,
        views=("ego", "exo1", "exo2"), tasks=("juggling",), seed=3, num_workers=1,
    )  # fmt: skip
    films = []
    for path in sorted((folder / "take").rglob("*.mp4")):
        films.append(folder / path.name)
        look = "fps=30,scale=1920:-2,crop=1920:1080,noise=alls=6:allf=t"
        ffmpeg(
            *(
                "-stream_loop",
                "-1",
                "-i",
                str(path),
                "-t",
                "10",
                "-vf",
                f"{look},noise=alls=6:allf=t",
            ),
            *("-c:v", "libx264", "-preset", "veryfast", "-b:v", "14M", "-maxrate", "14M"),
            *("-bufsize", "14M", "-pix_fmt", "yuv420p", "-g", "60", str(films[-1])),
        )
    return films


@contextmanager
def serve(folder: Path, browser: Browser) -> Iterator[tuple[Page, float]]:
    """A page of a server that was just started, and how long that took."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder.mkdir()
    page = browser.new_page()
    page.set_default_timeout(600_000)
    begin = time.perf_counter()
    server = subprocess.Popen(
        [sys.executable, "-m", "proskill.cli.main", "app", "--port", str(port)],
        cwd=folder, env={**os.environ, "HOME": str(folder), "TMPDIR": str(folder)},
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while True:
            try:
                page.goto(f"http://127.0.0.1:{port}/")
                break
            except Error:
                time.sleep(0.1)
        page.wait_for_selector("coach-views .drop")
        yield page, time.perf_counter() - begin
    finally:
        page.close()
        server.send_signal(signal.SIGKILL)
        server.wait()


def waited(page: Page, files: Sequence[Path]) -> dict[str, float]:
    """Seconds from the drop to the level, and from there to the explanation."""
    page.reload()
    page.wait_for_selector("coach-views .drop")
    begin = time.perf_counter()
    page.set_input_files("coach-views input[type=file]", [str(file) for file in files])
    page.wait_for_function(
        "n => [...document.querySelectorAll('li.view .facts')].length === n"
        " && !document.querySelector('coach-views button.large').disabled",
        arg=len(files),
    )
    page.click("coach-views button.large")
    page.wait_for_selector("#coach-answer .level")
    level = time.perf_counter() - begin
    if page.inner_text("#coach-answer .level") != "No level":
        page.wait_for_function(
            "(({explanation, busy} = {}) => explanation && !busy)"
            "(document.querySelector('coach-player').value ?? undefined)"
        )
    return {"level": level, "why": time.perf_counter() - begin - level}


def repeated(repetitions: int, page: Page, files: Sequence[Path]) -> dict[str, dict[str, float]]:
    """The median and the range of both waits."""
    found = [waited(page, files) for _ in range(repetitions)]
    return {name: summary([each[name] for each in found]) for name in ("level", "why")}


def summary(seconds: Sequence[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(seconds), 2),
        "least": round(min(seconds), 2),
        "most": round(max(seconds), 2),
        "num_repetitions": len(seconds),
    }


if __name__ == "__main__":
    main()
