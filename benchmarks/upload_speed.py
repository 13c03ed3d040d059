"""From an uploaded 1080p file to its level, and what of that ffmpeg alone would take.

    python benchmarks/upload_speed.py [--repetitions 5] [--minutes 10]

Writes `benchmarks/results/upload_speed.json`. Files: H.264 of a phone's kind (1920x1080, 30
pictures a second, 14 Mbit/s for 10 s; 6 Mbit/s for the long one, so that it stays below the largest
upload), zooming into a fractal under sensor noise, which is harder to copy than most scenes.
`seconds` are those of `score_uploads` with the demo checkpoint, everything loaded; `ffmpeg_alone`
is ffmpeg with the same arguments, without limits and without looking at the file first. The level
of the long view is to come within 1.5 times that plus 20 s; `peak_rss_mb` and `child_peak_mb` are
the largest resident memory of this process and of those it starts.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from child_memory import ChildMemory
from measured import write_report

from proskill.scoring import Scorer
from proskill.scoring.uploads import score_uploads
from proskill.shipped_files import find_default_checkpoint
from proskill.video.probe import DEFAULT_LIMITS
from proskill.video.probe_apart import probe_apart
from proskill.video.sanitize import MAX_SHORT_SIDE_PX
from proskill.video.transcode import Cut, even_size, video_arguments

OUT = Path(__file__).parent / "results" / "upload_speed.json"
FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        short = film(folder / "short.mp4", seconds=10, rate="14M")
        long = film(folder / "long.mp4", seconds=60 * arguments.minutes, rate="6M")
        scorer = Scorer.from_checkpoint(find_default_checkpoint())
        score(scorer, [short], folder)
        report: dict[str, Any] = {
            "what": "seconds from a 1080p file to its level, through a copy",
            "one_10_s_view": repeated(arguments.repetitions, scorer, [short], folder),
            "three_10_s_views": repeated(arguments.repetitions, scorer, [short] * 3, folder),
        }
        with ChildMemory() as children:
            seconds = timed(lambda: score(scorer, [long], folder))
        report["long_view"] = {
            "minutes": arguments.minutes,
            "megabytes": round(long.stat().st_size / 1e6),
            "seconds": seconds,
            "ffmpeg_alone": timed(lambda: ffmpeg_alone(long, folder)),
            "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "child_peak_mb": children.peak_mb,
        }
        report["load_average"] = [round(x, 1) for x in os.getloadavg()]
        alone = report["long_view"]["ffmpeg_alone"]
        report["long_view"]["allowed_seconds"] = round(1.5 * alone + 20, 1)
    write_report(arguments.out, report, started=started)


def film(path: Path, *, seconds: float, rate: str) -> Path:
    """Ten seconds, played again and again until it is long enough."""
    scene = f"{path}.scene.mp4"
    ffmpeg(
        *("-f", "lavfi", "-i", "mandelbrot=size=1920x1080:rate=30:maxiter=200:end_scale=0.05"),
        *("-f", "lavfi", "-i", "sine", "-t", str(min(10, seconds)), "-vf", "noise=alls=6:allf=t"),
        *("-c:v", "libx264", "-preset", "veryfast", "-b:v", rate, "-maxrate", rate),
        *("-bufsize", rate, "-pix_fmt", "yuv420p", "-g", "60", "-c:a", "aac", scene),
    )
    ffmpeg("-stream_loop", "-1", "-i", scene, "-c", "copy", "-t", str(seconds), str(path))
    os.remove(scene)
    return path


def repeated(count: int, scorer: Scorer, files: list[Path], folder: Path) -> dict[str, Any]:
    seconds = [timed(lambda: score(scorer, files, folder)) for _ in range(count)]
    return {"median_seconds": statistics.median(seconds), "seconds": seconds}


def score(scorer: Scorer, files: list[Path], folder: Path) -> None:
    views = {f"exo{k + 1}": path for k, path in enumerate(files)}
    result = score_uploads(scorer, views, folder=folder / "copies")
    for proxy in result.proxies.values():
        proxy.path.unlink()


def ffmpeg_alone(path: Path, folder: Path) -> None:
    found = probe_apart(path, limits=DEFAULT_LIMITS, folder=folder, on_tick=lambda: None)
    cut = Cut(
        start_seconds=0,
        seconds=found.info.duration_seconds,
        size=even_size(found.info.width, found.info.height, max_short_side_px=MAX_SHORT_SIDE_PX),
        frame_rate=30,
        keyframe_interval=15,
        max_pixels=DEFAULT_LIMITS.max_pixels,
    )
    ffmpeg(*video_arguments(path, folder / "alone.mp4", found, cut))


def ffmpeg(*arguments: str) -> None:
    subprocess.run(
        [FFMPEG, "-loglevel", "error", "-nostdin", "-y", *arguments],
        check=True,
        capture_output=True,
    )


def timed(work: Callable[[], None]) -> float:
    begin = time.perf_counter()
    work()
    return round(time.perf_counter() - begin, 2)


if __name__ == "__main__":
    main()
