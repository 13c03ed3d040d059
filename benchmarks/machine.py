"""The processor that a benchmark ran on, by name."""

from __future__ import annotations

import platform
from pathlib import Path


def processor_name() -> str:
    """As the operating system names it, or the architecture where it does not say."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
