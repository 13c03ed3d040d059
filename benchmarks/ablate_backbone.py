"""Ablations of the pretraining of the motion backbone: one change at a time, equal steps.

    python benchmarks/ablate_backbone.py --pool DIR [--steps 120] [--participants 525]

Every variant learns from the same pool (`pretrain_backbone.py` films it) for the same number of
steps and is judged on held-out performers: rank correlation of predicted and true share of failing
motor control in a window, for each component in the views that show it. One seed each, short runs:
the order of the variants is evidence, the size of the differences is not. Results are written after
every variant; variants already in the file are skipped.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from pretrain_backbone import Pool, Settings, held_out_correlations, render_pool, train

RESULT = Path(__file__).parent / "results" / "ablate_backbone.json"
BASE = Settings()
VARIANTS = {
    "base: conv stem, motion input, spells + skill, 16 frames": BASE,
    "rgb input": replace(BASE, input_mode="rgb"),
    "patch stem": replace(BASE, stem="patch"),
    "taught skill only": replace(BASE, teach="skill"),
    "8 frames": replace(BASE, num_frames=8),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pool", type=Path, required=True)
    parser.add_argument("--participants", type=int, default=525)
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    render_pool(args.pool, args.participants)
    report = json.loads(RESULT.read_text()) if RESULT.exists() else {"variants": {}}
    report["steps"], report["batch_size"], report["cores"] = (
        args.steps,
        BASE.batch_size,
        os.cpu_count(),
    )
    for name, settings in VARIANTS.items():
        if name in report["variants"]:
            continue
        pool = Pool(args.pool, settings.num_frames)
        begin = time.process_time()
        student = train(settings, pool, steps=args.steps)
        held_out = held_out_correlations(student, pool)
        report["variants"][name] = {
            "held_out": held_out,
            "mean": round(float(np.mean(list(held_out.values()))), 3),
            "cpu_seconds": round(time.process_time() - begin),
        }
        RESULT.write_text(json.dumps(report, indent=2) + "\n")
        print(name, report["variants"][name], flush=True)


if __name__ == "__main__":
    main()
