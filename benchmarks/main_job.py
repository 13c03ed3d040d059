"""The demo, measured: every figure of the main job on simulated performers.

    python benchmarks/main_job.py [--out runs/main_job]

Runs `proskill demo` in a process of its own and writes what it measured, with the machine it ran
on, to `benchmarks/results/main_job.json`: rank correlation, accuracy and kappa on performers never
seen, each with its 95 % interval; each view alone and late averaging; the ceiling from true motion;
the controls that must not know skill; seconds per stage and peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from pathlib import Path

from machine import processor_name

RESULT = Path(__file__).parent / "results" / "main_job.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/main_job"))
    out = parser.parse_args().out
    command = [str(Path(sys.executable).with_name("proskill")), "demo", "--out", str(out)]
    subprocess.run(command, check=True)
    summary = json.loads((out / "summary.json").read_text())
    hardware = {
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
    }
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    RESULT.write_text(json.dumps({"results": summary, "hardware": hardware}, indent=2) + "\n")
    print(f"Written: {RESULT}")


if __name__ == "__main__":
    main()
