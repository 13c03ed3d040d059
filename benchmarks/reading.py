"""Reading frames: PyAV, decord alone, and decord where a file's packets allow it.

    python benchmarks/reading.py [--repetitions 9]

Writes `benchmarks/results/reading.json`. Speed: 16 frames at 224 px from 3 views of a 10-second
448-px take (H.264, ffmpeg's default groups of up to 250 pictures), in turn, so that whatever else
the machine does affects all; ratios are medians of the ratios of neighbours, below 1 where PyAV's
reader is faster. Our readers' times include all that a caller pays: opening, refusing, probing.
Wrong frames: the same frames of files that are hard to seek in, each read in one call, against
decoding from the start; a frame is wrong where its picture shows another number. Long files: 16
frames of 9 minutes at 640 x 360 in groups of 250, six times with one thread and with two.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import decord
import imageio_ffmpeg
import numpy as np
from machine import processor_name

from proskill.errors import VideoError
from proskill.input_spec import ReaderName
from proskill.video.reader import VideoReader
from proskill.video.readers import open_reader, read_views

OUT = Path(__file__).parent / "results" / "reading.json"
SIDE, RATE, SECONDS, NUM_FRAMES, OUT_SIDE = 448, 30, 10, 16, 224
NUM_BITS = 9
ENCODINGS = {
    "H.264, closed groups": "-c:v libx264 -g 30 -pix_fmt yuv420p x.mp4",
    "H.264, open groups": "-c:v libx264 -x264-params open-gop=1:keyint=20 -pix_fmt yuv420p x.mp4",
    "H.264, intra refresh": "-c:v libx264 -x264-params intra-refresh=1:keyint=20 "
    "-pix_fmt yuv420p x.mp4",
    "HEVC, open groups": "-c:v libx265 -x265-params log-level=none:keyint=20:min-keyint=5 "
    "-pix_fmt yuv420p x.mp4",
    "MPEG-4 part 2, B frames": "-c:v mpeg4 -bf 2 -g 12 x.mp4",
    "MPEG transport stream": "-c:v libx264 -g 30 -pix_fmt yuv420p x.ts",
    "AVI, B frames": "-c:v libx264 -g 30 -pix_fmt yuv420p x.avi",
    "edit list": "-c:v libx264 -g 30 -pix_fmt yuv420p whole.mp4 "
    "&& -ss 2.35 -i whole.mp4 -c copy x.mp4",
    "mirrored": "-c:v libx264 -g 30 -pix_fmt yuv420p whole.mp4 "
    "&& -display_hflip -i whole.mp4 -c copy x.mp4",
    "AV1": "-c:v libsvtav1 -preset 12 -g 30 x.mp4",
    "H.264, closed groups, 10 bits": "-c:v libx264 -g 30 -pix_fmt yuv420p10le x.mp4",
    "HEVC, closed groups": "-c:v libx265 -x265-params log-level=none:open-gop=0:keyint=20 "
    "-pix_fmt yuv420p x.mp4",
    "VP9": "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 30 x.webm",
}
DAMAGED = ("H.264, closed groups", "HEVC, closed groups", "HEVC, open groups", "AV1", "VP9")
LONG_MINUTES, LONG_TRIES = 9, 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    decord.logging.set_level(decord.logging.QUIET)
    av.logging.set_level(av.logging.PANIC)
    with tempfile.TemporaryDirectory() as folder:
        report = {
            "what": f"{NUM_FRAMES} frames at {OUT_SIDE} px from 3 views of a {SECONDS}-s "
            f"{SIDE}-px take: PyAV's reader, decord alone, and decord behind the packet table",
            "speed": compare_speed(Path(folder), arguments.repetitions),
            "wrong_frames": compare_frames(Path(folder)),
            "wrong_frames_of_long_file": count_wrong_of_long(Path(folder)),
            "hardware": hardware(),
        }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def compare_speed(folder: Path, repetitions: int) -> dict[str, Any]:
    """Seconds and ratios of both our readers, and of decord alone with its default threads and one.

    decord alone scales bilinearly, our readers bicubically; pictures are compared unscaled.
    """
    views = {}
    for k, name in enumerate(("ego", "exo1", "exo2")):
        views[name] = folder / f"{name}.mp4"
        encode(scenes(k), "-c:v libx264 -pix_fmt yuv420p " + views[name].name, folder)
    places = np.linspace(0, RATE * SECONDS - 1, NUM_FRAMES).round().astype(int)
    timestamps = (places + 0.5) / RATE

    def ours(reader: ReaderName, size: tuple[int, int] | None) -> list[np.ndarray]:
        clips = read_views(views, timestamps, size=size, reader=reader)
        return [clip.permute(0, 2, 3, 1).numpy() for clip in clips.values()]

    def decord_alone(num_threads: int, side: int = OUT_SIDE) -> list[np.ndarray]:
        clips = []
        for path in views.values():
            reader = decord.VideoReader(str(path), width=side, height=side, num_threads=num_threads)
            clips.append(reader.get_batch(places).asnumpy())
        return clips

    size = (OUT_SIDE, OUT_SIDE)
    ways: dict[str, Callable[[], list[np.ndarray]]] = {
        "pyav": lambda: ours("pyav", size),
        "decord": lambda: ours("decord", size),
        "decord_alone": lambda: decord_alone(0),
        "decord_alone_one_thread": lambda: decord_alone(1),
    }
    unscaled = ours("pyav", None)
    same = all(
        np.array_equal(a, b) and np.array_equal(a, c)
        for a, b, c in zip(unscaled, ours("decord", None), decord_alone(1, SIDE), strict=True)
    )
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repetitions):
        for name, way in ways.items():
            started, started_cpu = time.perf_counter(), time.process_time()
            way()
            seconds[name].append(round(time.perf_counter() - started, 4))
            cpu[name].append(round(time.process_time() - started_cpu, 4))
    others = [name for name in ways if name != "pyav"]
    return {
        "time_ratio_to": {name: median_ratio(seconds, name) for name in others},
        "cpu_time_ratio_to": {name: median_ratio(cpu, name) for name in others},
        "same_bytes": same,
        "seconds": seconds,
        "cpu_seconds": cpu,
    }


def compare_frames(folder: Path) -> dict[str, dict[str, Any]]:
    """File kind -> how many of the frames asked for are other frames, per reader."""
    frames = np.stack([coded(k) for k in range(RATE * 4)])
    results = {}
    for kind, arguments in ENCODINGS.items():
        path = encode(frames, arguments, folder)
        results[kind] = count_wrong(path)
        if kind in DAMAGED:
            damaged = folder / f"damaged{path.suffix}"
            counts = []
            for seed in range(10):
                shutil.copy(path, damaged)
                damage(damaged, np.random.default_rng(seed))
                counts.append(count_wrong(damaged))
            results[f"{kind}, 10 copies with damaged packets"] = {
                name: sum(count[name] for count in counts) for name in counts[0]
            }
    return results


def count_wrong(path: Path) -> dict[str, int]:
    """Frames asked for, and for each reader how many it gave wrong, and how many it refused."""
    seconds, numbers = play(path)
    chosen = np.random.default_rng(0).permutation(len(numbers))[:NUM_FRAMES]
    truth = numbers[chosen]
    counts = {"asked": len(truth)}
    counts |= verdict("pyav", truth, lambda: read_ours(path, seconds[chosen], "pyav"))
    counts |= verdict("decord", truth, lambda: read_ours(path, seconds[chosen], "decord"))
    counts |= verdict("decord_alone", truth, lambda: read_decord(path, chosen))
    return counts


def count_wrong_of_long(folder: Path) -> dict[str, Any]:
    """Frames of a long file that decord alone gives wrong, try by try, by number of threads."""
    num_frames = LONG_MINUTES * 60 * RATE
    frames = (coded(k % (1 << NUM_BITS)) for k in range(num_frames))
    path = folder / "long.mp4"
    height, width = coded(0).shape
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y", "-f", "rawvideo"]
    command += f"-pix_fmt gray -s {width}x{height} -r {RATE} -i - -vf scale=640:360".split()
    command += ["-c:v", "libx264", "-pix_fmt", "yuv420p", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        for frame in frames:
            process.stdin.write(frame.tobytes())
    places = np.sort(np.random.default_rng(0).choice(num_frames, NUM_FRAMES, replace=False))

    def wrong(num_threads: int) -> int:
        reader = decord.VideoReader(str(path), num_threads=num_threads)
        got = [
            number_in(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))
            for picture in reader.get_batch(places).asnumpy()
        ]
        return int((np.array(got) != places % (1 << NUM_BITS)).sum())

    tries = {
        f"{num_threads} threads": [wrong(num_threads) for _ in range(LONG_TRIES)]
        for num_threads in (1, 2)
    }
    return {"asked": NUM_FRAMES, "decord_alone_wrong": tries}


def verdict(name: str, truth: np.ndarray, read: Callable[[], list[int]]) -> dict[str, int]:
    """Count only frames whose true number is readable, so that damage is no reader's error."""
    try:
        got = np.array(read())
    except (VideoError, RuntimeError, decord.DECORDError, decord.DECORDLimitReachedError):
        return {f"{name}_wrong": 0, f"{name}_refused": len(truth)}
    wrong = (truth >= 0) & (got != truth)
    return {f"{name}_wrong": int(wrong.sum()), f"{name}_refused": 0}


def read_ours(path: Path, timestamps: np.ndarray, name: ReaderName) -> list[int]:
    with open_reader(path, reader=name) as reader:
        frames = reader.frames_at(timestamps + 1e-3)
    mirrored = reader.info.is_mirrored
    pictures = frames.permute(0, 2, 3, 1).numpy()
    return [number_in(p[:, ::-1] if mirrored else p) for p in pictures]


def read_decord(path: Path, places: np.ndarray) -> list[int]:
    reader = decord.VideoReader(str(path), num_threads=1)
    pictures = reader.get_batch(places).asnumpy()
    # Upright means mirrored for the one file that asks for it.
    mirrored = VideoReader(path).info.is_mirrored
    return [number_in(p[:, ::-1] if mirrored else p) for p in pictures]


def play(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Seconds and numbers of all frames, decoded from the start by PyAV alone."""
    times, numbers = [], []
    with av.open(str(path)) as container:
        codec = container.streams.video[0].codec_context
        if codec.name != "libdav1d":
            codec.thread_count = 1  # as players; slice threads show old memory where damaged
        for packet in container.demux(video=0):
            try:
                for frame in packet.decode():
                    times.append(frame.time)
                    numbers.append(number_in(frame.to_ndarray(format="rgb24", threads=1)))
            except av.error.FFmpegError:
                continue
    if path.suffix == ".avi":
        times = [k / RATE for k in range(len(times))]  # AVI stores decoding order alone
    return np.array(times) - times[0], np.array(numbers)


def damage(path: Path, rng: np.random.Generator) -> None:
    """Flip bits in three packets of the file."""
    with av.open(str(path)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size > 40]
    data = bytearray(path.read_bytes())
    for k in rng.choice(len(packets), 3, replace=False):
        position, size = packets[k]
        for place in rng.integers(position + 16, position + size, 4):
            data[place] ^= 1 << int(rng.integers(8))
    path.write_bytes(data)


def encode(frames: np.ndarray, arguments: str, folder: Path) -> Path:
    """Encode grey frames (T, H, W) by the `&&`-separated steps; the last word is the file."""
    steps = [step.split() for step in arguments.split("&&")]
    height, width = frames.shape[1:]
    source = f"-f rawvideo -pix_fmt gray -s {width}x{height} -r {RATE} -i -".split()
    for k, step in enumerate(steps):
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y"]
        command += [*(source if k == 0 else []), *step]
        given = frames.tobytes() if k == 0 else b""
        subprocess.run(command, input=given, cwd=folder, check=True, capture_output=True)
    return folder / steps[-1][-1]


def scenes(seed: int) -> np.ndarray:
    """Grey frames (T, H, W): a person-sized patch swings before a still, textured room; noise."""
    rng = np.random.default_rng(seed)
    room = cv2.GaussianBlur(rng.normal(0, 1, (SIDE, SIDE)), None, 4)
    room = 110 + 40 * room / room.std()
    person = cv2.GaussianBlur(rng.normal(0, 1, (180, 90)), None, 3)
    person = 140 + 40 * person / person.std()
    frames = np.empty((RATE * SECONDS, SIDE, SIDE), np.uint8)
    for t in range(len(frames)):
        picture = room + rng.normal(0, 2, room.shape)
        x = round(180 + 120 * np.sin(2 * np.pi * t / (2.3 * RATE)))
        y = round(130 + 20 * np.sin(2 * np.pi * t / (0.9 * RATE)))
        picture[y : y + 180, x : x + 90] = person
        frames[t] = picture.clip(0, 255)
    return frames


def coded(number: int) -> np.ndarray:
    """Grey picture of 96x176: white block, the number's bits, black block; grey below."""
    bits = [1, *((number >> k) & 1 for k in range(NUM_BITS)), 0]
    picture = np.full((96, 16 * len(bits)), 128, np.uint8)
    for k, bit in enumerate(bits):
        picture[:48, 16 * k : 16 * k + 16] = 235 if bit else 16
    return picture


def number_in(picture: np.ndarray) -> int:
    """The number shown by an RGB picture; -1 where it shows none."""
    blocks = picture[16:32].mean(axis=(0, 2)).reshape(-1, 16)[:, 4:12].mean(axis=1)
    if blocks[0] < 170 or blocks[-1] > 90 or (np.abs(blocks - 128) < 40).any():
        return -1
    return int(sum(1 << k for k, level in enumerate(blocks[1:-1]) if level > 128))


def median_ratio(seconds: dict[str, list[float]], other: str) -> float:
    ratios = [a / b for a, b in zip(seconds["pyav"], seconds[other], strict=True)]
    return round(statistics.median(ratios), 3)


def hardware() -> dict[str, Any]:
    return {
        "cpu": processor_name(),
        "cores": os.cpu_count(),
        "load_average": [round(x, 1) for x in os.getloadavg()],
        "python": platform.python_version(),
        "av": av.__version__,
        "decord": decord.__version__,
    }


if __name__ == "__main__":
    main()
