"""Shared by benchmarks on ratings: a mean with its standard error, and a report with hardware."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy
from machine import processor_name
from scipy.stats import rankdata


def measured(values: Sequence[float] | np.ndarray) -> dict[str, float]:
    """Mean over independent repetitions, its standard error, and how many there were."""
    values = np.asarray(values, float)
    return {
        "mean": round(float(values.mean()), 5),
        "standard_error": round(float(values.std(ddof=1) / len(values) ** 0.5), 5),
        "num_repetitions": len(values),
    }


def spearman(truth: np.ndarray, estimate: np.ndarray) -> np.ndarray:
    """Spearman's rho of each row of (R, I); of a row whose estimates are all equal, 0."""
    x, y = (rankdata(np.atleast_2d(z), axis=1) for z in (truth, estimate))
    x, y = (z - z.mean(axis=1, keepdims=True) for z in (x, y))
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return (x * y).sum(axis=1) / np.where(scale > 0, scale, 1)


def write_report(out: Path, report: dict[str, Any], *, started: float) -> None:
    """Write and print a report; `started` is `time.perf_counter()` of its beginning."""
    report["seconds"] = round(time.perf_counter() - started)
    report["hardware"] = {
        "cpu": processor_name(),
        "cores": os.cpu_count(),
        "threads": os.environ.get("OMP_NUM_THREADS", "not limited"),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=2, default=float) + "\n")
    print(json.dumps(report, indent=2, default=float))
