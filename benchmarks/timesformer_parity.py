"""TimeSformer against transformers' implementation: same weights and clip, float32, CPU.

    python benchmarks/timesformer_parity.py [--repetitions 5] [--threads 1]

Writes `benchmarks/results/timesformer_parity.json`. The two are timed in turn, so that whatever
else the machine does falls on both, and `time_ratio` is the median of the ratios of neighbours.
`cpu_time_ratio` counts the processor time of this process only, which a busy machine disturbs less.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from machine import processor_name

from proskill.models import TimeSformer
from proskill.models.weight_names import to_transformers

OUT = Path(__file__).parent / "results" / "timesformer_parity.json"
SIZES: dict[str, dict[str, Any]] = {
    "tiny": {"size": "tiny", "img_size": 112, "num_frames": 8},
    "base": {"size": "base", "img_size": 224, "num_frames": 8},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--threads", type=int, default=None, help="1 on a machine that is busy")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    results = {name: compare(arguments.repetitions, **size) for name, size in SIZES.items()}
    report = {
        "what": "TimeSformer.forward_features against transformers.TimesformerModel, float32, "
        "batch 1",
        "results": results,
        "hardware": hardware(),
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


def compare(repetitions: int, **size: Any) -> dict[str, Any]:
    """Relative error and time ratio of one configuration."""
    import transformers

    torch.manual_seed(0)
    ours = TimeSformer.from_size(**size).eval()
    with torch.no_grad():
        for parameter in ours.parameters():  # no part may hide behind a zero
            parameter.add_(0.02 * torch.randn_like(parameter))
    c = ours.config
    config = transformers.TimesformerConfig(
        image_size=c["img_size"][0],
        patch_size=c["patch_size"],
        num_frames=c["num_frames"],
        hidden_size=c["embed_dim"],
        num_hidden_layers=c["depth"],
        num_attention_heads=c["num_heads"],
        intermediate_size=int(c["embed_dim"] * c["mlp_ratio"]),
        layer_norm_eps=1e-6,
    )
    theirs = transformers.TimesformerModel(config).eval()
    state = {
        k.removeprefix("timesformer."): v for k, v in to_transformers(ours.state_dict()).items()
    }
    theirs.load_state_dict(state, strict=True)

    clip = torch.randn(1, 3, c["num_frames"], *c["img_size"])
    swapped = clip.transpose(1, 2).contiguous()  # (B, T, C, H, W), as theirs takes it
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    cpu_seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    with torch.no_grad():
        a, b = ours.forward_features(clip), theirs(swapped).last_hidden_state  # also warms up
        for i in range(repetitions):
            order = ["ours", "theirs"] if i % 2 == 0 else ["theirs", "ours"]
            for name in order:
                run: Callable[[], Any] = (
                    (lambda: ours.forward_features(clip))
                    if name == "ours"
                    else (lambda: theirs(swapped))
                )
                start, cpu_start = time.perf_counter(), time.process_time()
                run()
                seconds[name].append(time.perf_counter() - start)
                cpu_seconds[name].append(time.process_time() - cpu_start)
    ratios = [x / y for x, y in zip(seconds["ours"], seconds["theirs"], strict=True)]
    medians = {name: statistics.median(values) for name, values in cpu_seconds.items()}
    return {
        "config": c,
        "relative_error": float((a - b).norm() / b.norm()),
        "largest_absolute_error": float((a - b).abs().max()),
        "time_ratio": statistics.median(ratios),
        "cpu_time_ratio": medians["ours"] / medians["theirs"],
        "time_ratios": [round(ratio, 4) for ratio in ratios],
        "seconds": {name: [round(s, 4) for s in values] for name, values in seconds.items()},
        "median_seconds": {name: statistics.median(values) for name, values in seconds.items()},
    }


def hardware() -> dict[str, Any]:
    """Return the hardware and versions of the measurement."""
    import transformers

    return {
        "cpu": processor_name(),
        "cores": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


if __name__ == "__main__":
    main()
