"""Memory and time of training on and scoring of a video, against its length.

    python benchmarks/memory_against_length.py

Writes `benchmarks/results/memory_against_length.json`. Each figure is from a process of its own: a
training step and a validation with all weights trained, or one call of the scorer, on a random
TimeSformer of 2 blocks at 112 px. `spread` is BASKET's recipe, 96 frames over the whole video;
`windows` covers the video with windows of 16 frames, one every 2.1 s, at most 64 of them (in
training one at random, in validation 8). `nothing` is a process that only imports.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import torch
from machine import processor_name

from proskill.data import BASKET_SKILLS, Take, View
from proskill.levels import BASKET_LEVELS
from proskill.models import CheckpointConfig, InputSpec, ModelConfig, build_model, save_checkpoint
from proskill.scoring import Scorer
from proskill.training.data_module import TakeDataModule
from proskill.training.module import SkillModule
from proskill.training.run import fit_model
from proskill.training.settings import (
    BackboneSettings,
    FusionSettings,
    HeadSettings,
    InputSettings,
    LoaderSettings,
)

OUT = Path(__file__).parent / "results" / "memory_against_length.json"
MINUTES = (1, 5, 10)
SIDE_PX = 112
BACKBONE = {"img_size": SIDE_PX, "embed_dim": 64, "depth": 2, "num_heads": 2}
FORMS: dict[str, tuple[int, float | None]] = {"spread": (96, None), "windows": (16, 2 / 15)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--child", nargs=3, metavar=("WHAT", "FORM", "VIDEO"))
    arguments = parser.parse_args()
    if arguments.child:
        what, form, video = arguments.child
        print(json.dumps(measure(what, form, Path(video))))
        return
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        for minutes in MINUTES:
            video = Path(name) / f"{minutes}.mp4"
            make_video(video, seconds=60 * minutes)
            rows += [
                {
                    "minutes": minutes,
                    "what": what,
                    "form": form,
                    **in_fresh_process(what, form, video),
                }
                for what in ("train", "score")
                for form in FORMS
            ]
            print(rows[-4:])
        nothing = in_fresh_process("nothing", "spread", video)
    report = {
        "what": "peak resident memory of a process and seconds of its work; 320x240 H.264, 30 Hz",
        "nothing": nothing,
        "rows": rows,
        "hardware": {
            "cpu": processor_name(),
            "cores": os.cpu_count(),
            "load_average": [round(x, 1) for x in os.getloadavg()],
            "python": platform.python_version(),
            "torch": torch.__version__,
        },
    }
    OUT.write_text(json.dumps(report, indent=2) + "\n")


def make_video(path: Path, *, seconds: int) -> None:
    """A moving test picture with ffmpeg's usual groups of pictures."""
    source = f"testsrc2=size=320x240:rate=30:duration={seconds}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", source]
    subprocess.run(
        [*command, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", str(path)],
        check=True,
    )


def in_fresh_process(what: str, form: str, video: Path) -> dict[str, float]:
    """Peak memory and seconds of this script as a child."""
    command = [sys.executable, __file__, "--child", what, form, str(video)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def measure(what: str, form: str, video: Path) -> dict[str, float]:
    """Do it and say what it took."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        if what == "train":
            train(form, video, Path(name))
        elif what == "score":
            score(form, video, Path(name))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"peak_mb": round(peak), "seconds": round(seconds, 1)}


def train(form: str, video: Path, folder: Path) -> None:
    """One step on two takes and a validation on one."""
    num_frames, interval = FORMS[form]
    skills = dict.fromkeys(BASKET_SKILLS, 2.0)
    takes = [
        Take(str(i), str(i), "basketball", {"exo1": View(video, "exo")}, split, skills=skills)
        for i, split in enumerate(("train", "train", "val"))
    ]
    module = SkillModule(
        BackboneSettings(config=BACKBONE, global_pool="token", train=True),
        input=InputSettings(
            num_frames=num_frames,
            frame_interval_seconds="whole_take" if interval is None else interval,
            num_windows=None if interval is None else 8,
            img_size=(SIDE_PX, SIDE_PX),
        ),
        fusion=FusionSettings("late"),
        head=HeadSettings("softmax", levels=BASKET_LEVELS.names, skills=BASKET_SKILLS),
    )
    loader = LoaderSettings(batch_size=2, eval_batch_size=1, num_workers=0)
    data = TakeDataModule(takes=takes, loader=loader)
    fit_model(module, data, run_dir=folder, max_epochs=1, monitor="val/accuracy", progress=False)


def score(form: str, video: Path, folder: Path) -> None:
    """The level and the skills of one video."""
    num_frames, interval = FORMS[form]
    model = ModelConfig(
        backbone={**BACKBONE, "num_frames": num_frames},
        fusion={"kind": "late"},
        head={"kind": "softmax", "num_levels": 5, "num_skills": len(BASKET_SKILLS)},
    )
    spec = InputSpec(
        num_frames=num_frames, frame_interval_seconds=interval, img_size=(SIDE_PX, SIDE_PX)
    )
    config = CheckpointConfig(
        model=model,
        input=spec,
        levels=BASKET_LEVELS.names,
        skills=BASKET_SKILLS,
        licence="Apache-2.0",
        source="random weights of a benchmark",
        data="none",
    )
    save_checkpoint(folder / "checkpoint", build_model(model), config)
    Scorer.from_checkpoint(folder / "checkpoint").score(video)


if __name__ == "__main__":
    main()
