"""The annotator's page in Chromium: drift between its two players, and latency of the next pair.

    python benchmarks/annotation_playback.py [--seconds 60] [--pairs 40]

Writes `benchmarks/results/annotation_playback.json`; takes about 8 minutes. Clips are simulated
takes; for the drift each is repeated until it is long enough, which shows no difference to the
players. A campaign of them is made and served by the commands, the page is opened through a link
and worked by keys alone.

Drift: `requestVideoFrameCallback` says of each clip which frame is on the screen from when on. Over
the time that both are on the screen, their distance in frames is weighted by how long it was seen,
at 1x and 0.5x, side by side and in the same place. `clock_milliseconds` is the distance of the two
`currentTime`s.

Going on: from the time stamp of a key that answers to the presentation of the first frame of both
clips of the next pair, loaded before; the page's own part of the time that a vote takes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import imageio_ffmpeg
from machine import processor_name
from playwright.sync_api import Browser, Page, sync_playwright

from proskill.annotation import CampaignStore

OUT = Path(__file__).parent / "results" / "annotation_playback.json"
FRAME_SECONDS = 1 / 30
CHROMIUM_OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
UNLOCKED = "#judge:not(.locked):not([hidden]) .answer"

# Of each frame: side, when it was shown (ms), its place in the clip (s); and the clips' clocks.
RECORD = """() => {
  window.shown = [];
  window.clocks = [];
  const videos = [...document.querySelectorAll(".deck.shown video")];
  videos.forEach((video, side) => {
    const note = (now, frame) => {
      window.shown.push([side, frame.expectedDisplayTime, frame.mediaTime]);
      if (side === 0) window.clocks.push(videos[0].currentTime - videos[1].currentTime);
      video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
  });
}"""

# When a key came, and when each clip that is seen showed its first frame after it.
WATCH_KEYS = """() => {
  addEventListener("keydown", (event) => {
    window.key = event.timeStamp;
    window.first = {};
  }, true);
  document.querySelectorAll("video").forEach((video, number) => {
    const note = (now, frame) => {
      const isSeen = video.closest(".deck").classList.contains("shown");
      const isNew = window.first && !(number in window.first) && frame.mediaTime < 0.5;
      if (isSeen && isNew && frame.presentationTime > window.key)
        window.first[number] = frame.presentationTime - window.key;
      video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
  });
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="of playing, for each drift")
    parser.add_argument("--pairs", type=int, default=40, help="answers by keyboard")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    load = os.getloadavg()
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        run("simulate", folder / "takes", "--participants", 6, "--takes-per-participant", 2,
            "--views", "exo1", "--seed", 0, "--workers", 1)  # fmt: skip
        chromium = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(CHROMIUM_OPTIONS)
        )
        report = {
            "what": "the annotator's page in Chromium, with simulated clips",
            "drift": measure_drift(folder, chromium, arguments.seconds),
            "going_on": measure_going_on(folder, chromium, arguments.pairs),
            "hardware": {
                "cpu": processor_name(),
                "cores": os.cpu_count(),
                "load_average_before": [round(x, 1) for x in load],
                "load_average_after": [round(x, 1) for x in os.getloadavg()],
                "chromium": chromium.version,
                "graphics": "software",
                "python": platform.python_version(),
            },
        }
        chromium.close()
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def measure_drift(folder: Path, chromium: Browser, seconds: float) -> list[dict[str, Any]]:
    """Distance of the frames of both clips on the screen, in frames."""
    (folder / "long" / "videos").mkdir(parents=True)
    header, *lines = (folder / "takes" / "manifest.csv").read_text().splitlines()
    lines = lines[:2]
    for line in lines:
        [name] = [cell for cell in line.split(",") if cell.endswith(".mp4")]
        subprocess.run(
            [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-stream_loop", "-1",
             "-i", folder / "takes" / name, "-t", f"{seconds + 10:g}", "-c", "copy",
             folder / "long" / name],
            check=True,
        )  # fmt: skip
    (folder / "long" / "manifest.csv").write_text("\n".join([header, *lines]) + "\n")
    results = []
    with served(folder / "long" / "manifest.csv", folder / "drift") as link:
        for key, speed in ((None, 1.0), ("<", 0.5)):
            for arrangement in ("side by side", "in place"):
                page = open_page(chromium, link)
                page.wait_for_selector(UNLOCKED)
                page.keyboard.press("k")
                page.keyboard.press("Home")
                if key:
                    page.keyboard.press(key)
                if arrangement == "in place":
                    page.keyboard.press("v")
                page.wait_for_timeout(1000)
                page.evaluate(RECORD)
                page.keyboard.press("k")
                page.wait_for_timeout(1000 * seconds)
                found = drift(page.evaluate("window.shown"), page.evaluate("window.clocks"))
                results.append({"speed": speed, "arrangement": arrangement} | found)
                page.context.close()
    return results


def drift(shown: list[list[float]], clocks: list[float]) -> dict[str, Any]:
    """Distances of what was on the screen at the same time, weighted by how long it was."""
    latest: dict[float, float] = {}
    weighted = []
    for (side, at, place), following in itertools.pairwise(sorted(shown, key=lambda x: x[1])):
        latest[side] = place
        if len(latest) == 2 and following[1] - at > 0.5:
            frames = abs(latest[0] - latest[1]) / FRAME_SECONDS
            weighted.append((round(frames, 3), following[1] - at))
    whole = sum(weight for _, weight in weighted)
    gaps = [b[1] - a[1] for a, b in itertools.pairwise(x for x in shown if x[0] == 0)]
    size = sorted(1000 * abs(x) for x in clocks)
    return {
        "max_frames": max(frames for frames, _ in weighted),
        "share_of_time_on_different_frames": share(weighted, whole, 0.5),
        "share_of_time_over_one_frame": share(weighted, whole, 1.001),
        "seconds_seen": round(whole / 1000, 1),
        "frames_shown": [sum(x[0] == side for x in shown) for side in (0, 1)],
        "longest_still_milliseconds": round(max(gaps), 1),
        "clock_milliseconds": {
            "median": round(statistics.median(size), 2),
            "p99": round(size[int(0.99 * len(size))], 2),
        },
    }


def share(weighted: list[tuple[float, float]], whole: float, least: float) -> float:
    return round(sum(weight for frames, weight in weighted if frames > least) / whole, 5)


def measure_going_on(folder: Path, chromium: Browser, num_pairs: int) -> dict[str, Any]:
    """Milliseconds between a key and the first frame of the next pair; votes an hour."""
    milliseconds, missing = [], 0
    with served(folder / "takes" / "manifest.csv", folder / "keys") as link:
        page = open_page(chromium, link)
        page.wait_for_selector(UNLOCKED)
        page.evaluate(WATCH_KEYS)
        started = time.perf_counter()
        for number in range(num_pairs):
            page.wait_for_selector(UNLOCKED)
            page.wait_for_timeout(1000)  # people are no faster
            page.keyboard.press("1" if number % 2 else "2")
            page.wait_for_timeout(500)
            first = page.evaluate("Object.values(window.first)")
            if len(first) == 2:
                milliseconds.append(max(first))
            else:
                missing += 1
        seconds = time.perf_counter() - started
        page.wait_for_selector("#saving[data-state=saved]")
        page.context.close()
    milliseconds.sort()
    return {
        "key_to_first_frame_milliseconds": {
            "median": round(statistics.median(milliseconds), 1),
            "p90": round(milliseconds[int(0.9 * len(milliseconds))], 1),
            "max": round(milliseconds[-1], 1),
        },
        "num_answers": num_pairs,
        "num_without_a_measurement": missing,
        "votes_an_hour_of_the_script": round(3600 * num_pairs / seconds),
    }


@contextmanager
def served(manifest: Path, campaign: Path) -> Iterator[str]:
    """Make and serve a campaign; yields an annotator's link."""
    run("annotate", "create", campaign, "--manifest", manifest, "--min-watched", 0.02)
    with CampaignStore.open(campaign) as store:
        token = store.invite("measurement", now=time.time())
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["annotate", "serve", str(campaign), "--port", str(port)]
    server = subprocess.Popen(
        [sys.executable, "-m", "proskill.cli.main", *command], stdout=subprocess.DEVNULL
    )
    try:
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/#t={token}"
    finally:
        server.terminate()
        server.wait()


def open_page(chromium: Browser, link: str) -> Page:
    page = chromium.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.goto(link)
    return page


def run(*arguments: object) -> None:
    command = [sys.executable, "-m", "proskill.cli.main", *map(str, arguments)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
