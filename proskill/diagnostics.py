"""Diagnosis of this machine: versions, devices, codecs, disk, and a clip written and decoded.

Not here: printing (`cli.doctor`).
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from proskill._version import __version__

Status = Literal["ok", "note", "fail"]

# Module -> distributions that may bring it. These must import; optional ones are only looked up.
_REQUIRED = {
    "torch": ("torch",),
    "torchvision": ("torchvision",),
    "timm": ("timm",),
    "peft": ("peft",),
    "lightning": ("lightning",),
    "cv2": ("opencv-python-headless", "opencv-python"),
    "av": ("av",),
}
_OPTIONAL = {
    "transformers": "dev",
    "gradio": "app",
    "fastapi": "annotate",
    "sqlalchemy": "annotate",
}
_DECODERS = ("h264", "hevc", "vp9", "av1")
_LITTLE_DISK_BYTES = 3e9  # for the output of the demo


@dataclass(frozen=True)
class Finding:
    """Result of one check.

    Attributes:
        name: of the checked thing.
        status: "ok", "note" (works with less) or "fail" (proskill cannot work like this).
        detail: version, size, or the problem and its remedy.
    """

    name: str
    status: Status
    detail: str


@dataclass(frozen=True)
class Diagnosis:
    """Results of all checks, in reading order."""

    findings: tuple[Finding, ...]

    @property
    def is_healthy(self) -> bool:
        """True if every requirement is present and works."""
        return all(finding.status != "fail" for finding in self.findings)


def diagnose() -> Diagnosis:
    """Check this machine; takes some seconds, because every library is imported."""
    findings = [
        Finding("python", "ok", f"{platform.python_version()} ({sys.executable})"),
        Finding("proskill", "ok", f"{__version__} ({Path(__file__).parent})"),
        *(_library(module, names) for module, names in _REQUIRED.items()),
        *(_extra(name, extra) for name, extra in _OPTIONAL.items()),
        _cpu(),
        _accelerator(),
        *_codecs(),
        _disk(),
        _clip(),
    ]
    return Diagnosis(tuple(findings))


def _library(module: str, distributions: tuple[str, ...]) -> Finding:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a library's warnings are for its developers
            if module == "torchvision":
                _declare_torchvision_operators()
            found = importlib.import_module(module)
    except Exception as error:  # an import can fail in any way, and that is the finding
        reason = " ".join(str(error).split()) or type(error).__name__
        return Finding(module, "fail", f"{reason}; install it: pip install {distributions[0]}")
    version = getattr(found, "__version__", None)
    return Finding(module, "ok", str(version or _version(distributions) or "version unknown"))


def _declare_torchvision_operators() -> None:
    from proskill.models.torchvision_ops import ensure_torchvision_ops

    ensure_torchvision_ops()


def _extra(name: str, extra: str) -> Finding:
    version = _version((name,))
    if version is None:
        return Finding(name, "note", f"not installed; comes with the extra {extra!r}")
    return Finding(name, "ok", version)


def _version(distributions: tuple[str, ...]) -> str | None:
    for name in distributions:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def _cpu() -> Finding:
    model, flags = platform.processor() or platform.machine(), ""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        first_core = cpuinfo.read_text().split("\n\n")[0]
        pairs = (line.partition(":") for line in first_core.splitlines())
        fields = {name.strip(): value.strip() for name, _, value in pairs}
        model = fields.get("model name", model)
        flags = fields.get("flags", fields.get("Features", ""))
    bf16 = "bf16" if {"avx512_bf16", "amx_bf16", "bf16"} & set(flags.split()) else "no bf16"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return Finding("cpu", "ok", f"{model}, {cores} cores, {_memory()}, {bf16}")


def _memory() -> str:
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not a system with these names
        return "memory unknown"
    return f"{total / 2**30:.0f} GiB memory"


def _accelerator() -> Finding:
    try:
        import torch
    except ImportError:
        return Finding("accelerator", "note", "unknown without torch")
    if torch.cuda.is_available():
        devices = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
        names = ", ".join(f"{d.name} {d.total_memory / 2**30:.0f} GiB" for d in devices)
        bf16 = "bf16" if torch.cuda.is_bf16_supported() else "no bf16"
        return Finding("accelerator", "ok", f"CUDA: {names}, {bf16}")
    if torch.backends.mps.is_available():
        return Finding("accelerator", "ok", "Apple MPS")
    return Finding("accelerator", "note", "none; everything runs on the CPU")


def _codecs() -> list[Finding]:
    try:
        import av
    except ImportError:
        return []
    missing = [name for name in _DECODERS if not _has_codec(av, name, "r")]
    present = ", ".join(name for name in _DECODERS if name not in missing)
    status: Status = "fail" if "h264" in missing else "note" if missing else "ok"
    detail = present + (f"; not {', '.join(missing)}" if missing else "")
    writes = _has_codec(av, "libx264", "w")
    return [
        Finding("decoders", status, detail),
        Finding("h264 encoder", "ok" if writes else "fail", "libx264" if writes else "missing"),
    ]


def _has_codec(av: object, name: str, mode: str) -> bool:
    try:
        av.Codec(name, mode)  # type: ignore[attr-defined]
    except Exception:  # PyAV's own class for an unknown codec differs between its versions
        return False
    return True


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    detail = f"{free / 1e9:.0f} GB free at {Path.cwd()}"
    if free < _LITTLE_DISK_BYTES:
        return Finding(
            "disk", "note", f"{detail}; the demo needs {_LITTLE_DISK_BYTES / 1e9:.0f} GB"
        )
    return Finding("disk", "ok", detail)


def _clip() -> Finding:
    """Write a clip with one grey per frame, and read it with the project's reader."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "clip.mp4"
            greys = write_grey_clip(path)
            wrong = _wrong_frames(path, greys)
    except Exception as error:  # any failure here breaks every command, and is the finding
        return Finding("decoding", "fail", " ".join(str(error).split()) or type(error).__name__)
    if wrong:
        return Finding("decoding", "fail", f"frames {wrong} of a generated clip came out wrong")
    return Finding("decoding", "ok", f"{len(greys)} frames of a generated clip, each the right one")


def write_grey_clip(path: Path) -> list[int]:
    """Write an H.264 clip of one grey per frame, 10 frames a second.

    Returns:
        The grey of each frame, [0, 255].
    """
    import av
    import numpy as np

    greys = list(range(30, 226, 15))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        for grey in greys:
            picture = np.full((64, 64, 3), grey, np.uint8)  # (H, W, C)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return greys


def _wrong_frames(path: Path, greys: list[int]) -> list[int]:
    import numpy as np

    from proskill.video.reader import VideoReader

    order = np.random.default_rng(0).permutation(len(greys))
    with VideoReader(path) as reader:
        frames = reader.frames_at((order + 0.5) / 10)  # (T, C, H, W)
    means = frames.float().mean(dim=(1, 2, 3)).tolist()  # (T)
    return sorted(
        int(index) for index, mean in zip(order, means, strict=True) if abs(mean - greys[index]) > 5
    )
