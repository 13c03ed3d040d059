"""Difference between the score of a transcoded copy and the score of the original file.

    python benchmarks/upload_scores.py [--participants 24] [--takes 2]

Writes `benchmarks/results/upload_scores.json`. Simulated takes of the demo's tasks, three views
each, 20 pictures a second, are scored by the demo checkpoint twice: the files (`Scorer.score`) and
their copies at 30 pictures a second (`score_uploads`). The score runs from 0 to 3; `shift` is the
copies' score minus the files', over takes that both ways give a level; `against_the_error` compares
its spread with the half width of the interval that the answer comes with.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measured import write_report

from proskill.scoring import Assessment, Scorer
from proskill.scoring.uploads import score_uploads
from proskill.shipped_files import find_default_checkpoint
from proskill.simulation.takes import simulate_dataset

OUT = Path(__file__).parent / "results" / "upload_scores.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--participants", type=int, default=24)
    parser.add_argument("--takes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=4000, help="not one that trained the demo")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    started = time.perf_counter()
    torch.set_num_threads(1)
    scorer = Scorer.from_checkpoint(find_default_checkpoint())
    pairs = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate_dataset(
            folder / "takes",
            num_participants=arguments.participants,
            takes_per_participant=arguments.takes,
            seed=arguments.seed,
        )
        for views in takes_in(folder / "takes"):
            result = score_uploads(scorer, views, folder=folder / "copies")
            for proxy in result.proxies.values():
                proxy.path.unlink()
            pairs.append((scorer.score(views), result.assessment))
    report: dict[str, Any] = {
        "what": "score of copies minus score of the files themselves, simulated takes",
        "num_takes": len(pairs),
        **compare(pairs),
    }
    write_report(arguments.out, report, started=started)


def takes_in(folder: Path) -> list[dict[str, Path]]:
    takes: dict[str, dict[str, Path]] = defaultdict(dict)
    for path in sorted(folder.rglob("*.mp4")):
        take, _, view = path.stem.rpartition("_")
        takes[take][view] = path
    return list(takes.values())


def compare(pairs: list[tuple[Assessment, Assessment]]) -> dict[str, Any]:
    both = [(a, b) for a, b in pairs if a.score is not None and b.score is not None]
    shift = np.array([b.score - a.score for a, b in both])
    half = np.array([(a.interval.upper - a.interval.lower) / 2 for a, _ in both if a.interval])
    return {
        "with_a_level_both_ways": len(both),
        "shift": {
            "mean": round(float(shift.mean()), 4),
            "mean_absolute": round(float(np.abs(shift).mean()), 4),
            "90_of_100_within": round(float(np.quantile(np.abs(shift), 0.9)), 4),
            "largest": round(float(np.abs(shift).max()), 4),
        },
        "against_the_error": round(float(np.abs(shift).mean() / half.mean()), 4),
        "same_level": sum(a.level == b.level for a, b in both),
        "same_status": sum(a.status == b.status for a, b in pairs),
        "shifts": shift.round(4).tolist(),
    }


if __name__ == "__main__":
    main()
