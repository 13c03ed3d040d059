"""The processor that a benchmark ran on, by name."""

from __future__ import annotations

import platform
from pathlib import Path


def processor_name() -> str:
    """Return the name that the operating system gives, or else the architecture."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
