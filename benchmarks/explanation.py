"""Does an explanation find a fault that was planted? On simulated performances.

    python benchmarks/explanation.py [--takes 120] [--controls 60] [--seed 9191]

Every take holds one fault of known time that one of three views sees; everything else is done
without a fault. Measured on takes whose level is answered rightly: whether the strongest span of
the map overlaps the fault (at all, and by half), whether the first named moment does, and whether
the view that sees it has the largest share; each beside what chance would give. The same on takes
that no explanation may find anything in: random weights, shuffled frames, the seeing view blacked
out, and no fault. On ordinary takes: how the map agrees with where the faults truly are. Also
seconds and peak memory. About 30 minutes on one quiet core; with 30 takes
and 10 controls about 6. Seed 4242 was used to choose the method and must not be reported.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from measured import measured, spearman, write_report

from proskill.models import build_model, load_checkpoint
from proskill.scoring import EncodedTake, Explanation, Scorer, explain_take
from proskill.shipped_files import find_default_checkpoint
from proskill.simulation.planted import PlantedTake, plant_faults, without_fault
from proskill.simulation.render import write_video
from proskill.simulation.take_spec import (
    DEFAULT_VIEWS,
    FRAME_RATE,
    draw_quality,
    film_take,
    perform_take,
    plan_takes,
)

RESULT = Path(__file__).parent / "results" / "explanation.json"
Row = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--takes", type=int, default=120)
    parser.add_argument("--controls", type=int, default=60, help="takes of each control")
    parser.add_argument("--seed", type=int, default=9191)
    parser.add_argument("--checkpoint", type=Path, default=None)
    parser.add_argument("--out", type=Path, default=RESULT)
    arguments = parser.parse_args()
    started = time.perf_counter()
    cv2.setNumThreads(0)
    directory = arguments.checkpoint or find_default_checkpoint()
    scorer = Scorer.from_checkpoint(directory)
    results: dict[str, Any] = {}
    for seconds, count in (
        (2.0, arguments.takes),
        (1.0, arguments.controls),
        (3.0, arguments.controls),
    ):
        takes = plant_faults(
            count, views=DEFAULT_VIEWS, fault_seconds=seconds, seed=arguments.seed + round(seconds)
        )
        results[f"fault_of_{seconds:g}_s"] = _summary(list(_rows(scorer, takes)))
    takes = plant_faults(arguments.controls, views=DEFAULT_VIEWS, seed=arguments.seed + 2)
    results["random_weights"] = _summary(list(_rows(_with_random_weights(directory), takes)))
    results["shuffled_frames"] = _summary(list(_rows(scorer, takes, spoil="shuffle")))
    results["seeing_view_black"] = _summary(list(_rows(scorer, takes, spoil="black")))
    results["no_fault"] = _summary(list(_rows(scorer, takes, spoil="no fault")))
    results["ordinary_takes"] = _agreement_with_truth(scorer, arguments.controls, arguments.seed)
    report = {
        "checkpoint": scorer.name,
        "checkpoint_sha256": scorer.sha256,
        "settings": vars(arguments) | {"checkpoint": str(directory.name), "out": ""},
        "results": results,
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "torch_threads": torch.get_num_threads(),
    }
    write_report(arguments.out, report, started=started)


def _agreement_with_truth(scorer: Scorer, num_takes: int, seed: int) -> Row:
    """Rank correlation of the map with the time without faults, take by take, all faults drawn."""
    specs = plan_takes(num_participants=num_takes, takes_per_participant=1, seed=seed + 9)
    correlations = []
    for spec in specs:
        performance = perform_take(spec)
        faults = [
            (spell.start_seconds, spell.end_seconds)
            for name, deviation in performance.deviations.items()
            for spell in deviation.spells
            if name != "timing"  # which the model hardly reads
        ]
        with tempfile.TemporaryDirectory() as folder:
            files = {view: Path(folder, f"{view}.mp4") for view in DEFAULT_VIEWS}
            for view, path in files.items():
                frames = film_take(spec, view, performance)
                write_video(path, frames, frame_rate=FRAME_RATE, quality=draw_quality(spec, view))
            encoded = scorer.encode(files)
            if scorer.assess(encoded).status == "abstained":
                continue
            explanation = explain_take(scorer, encoded)
        load = [sum(_overlap(span, fault) for fault in faults) for span in _spans(explanation)]
        effects = [part.effect for part in explanation.segments]
        correlations.append(float(spearman(-np.array(load), np.array(effects))[0]))
    return {"rank_correlation": measured(correlations)}


def _with_random_weights(directory: Path) -> Scorer:
    """The shipped model's shape and none of what it learned; without the calibration, by which it
    would abstain from everything."""
    torch.manual_seed(0)
    checkpoint = load_checkpoint(directory)
    model = build_model(checkpoint.config.model)
    with torch.no_grad():
        model.head.fc.weight.mul_(8)  # fresh heads say nearly the same of everything
    return Scorer(replace(checkpoint, model=model, calibration=None), name="random")


def _rows(scorer: Scorer, takes: Sequence[PlantedTake], *, spoil: str = "") -> Iterator[Row]:
    for number, take in enumerate(takes):
        (seeing,) = take.seen_by(DEFAULT_VIEWS)
        filmed = without_fault(take) if spoil == "no fault" else take
        with tempfile.TemporaryDirectory() as folder:
            files = filmed.write(Path(folder), DEFAULT_VIEWS)
            if spoil == "shuffle":
                for view, path in files.items():
                    frames = list(filmed.frames(view))
                    order = np.random.default_rng(number).permutation(len(frames))
                    write_video(path, (frames[i] for i in order), frame_rate=FRAME_RATE, quality=23)
            if spoil == "black":
                black = [np.zeros_like(frame) for frame in filmed.frames(seeing)]
                write_video(files[seeing], black, frame_rate=FRAME_RATE, quality=23)
            encoded = scorer.encode(files)
            yield _row(scorer, encoded, take, seeing)


def _row(scorer: Scorer, encoded: EncodedTake, take: PlantedTake, seeing: str) -> Row:
    assessment = scorer.assess(encoded)
    row: Row = {
        "view": seeing,
        "status": assessment.status,
        "is_right": assessment.level == take.skill.level,
    }
    if assessment.status == "abstained":
        return row
    began = time.perf_counter()
    explanation = explain_take(scorer, encoded)
    row["seconds"] = time.perf_counter() - began
    return row | _found(explanation, take, seeing)


def _found(explanation: Explanation, take: PlantedTake, seeing: str) -> Row:
    assert take.fault is not None
    fault = (take.fault.start_seconds, take.fault.end_seconds)
    segments = explanation.segments
    half = (segments[0].end_seconds - segments[0].start_seconds) / 2
    spans = [
        (
            max(0.0, part.start_seconds - half),
            min(segments[-1].end_seconds, part.end_seconds + half),
        )
        for part in segments
    ]
    parts = np.array([_overlap(span, fault) for span in spans])
    top = int(np.argmax([abs(part.effect) - part.noise for part in segments]))
    views = {name: part.share for name, part in explanation.views.items()}
    moments = explanation.moments
    named = _overlap((moments[0].start_seconds, moments[0].end_seconds), fault) if moments else None
    return {
        "any": bool(parts[top] > 0),
        "half": bool(parts[top] >= 0.5),
        "chance_any": float((parts > 0).mean()),
        "chance_half": float((parts >= 0.5).mean()),
        "top_lowers": segments[top].effect < 0,
        "num_moments": len(moments),
        "moment_any": None if named is None else named > 0,
        "moment_half": None if named is None else named >= 0.5,
        "view_first": max(views, key=lambda name: views[name]) == seeing,
        "seeing_share": views.get(seeing, 0.0),
        "moment_view": moments[0].view == seeing if moments else None,
    }


def _spans(explanation: Explanation) -> list[tuple[float, float]]:
    """Return the measured range of each segment: half a segment more on either side."""
    parts = explanation.segments
    half = (parts[0].end_seconds - parts[0].start_seconds) / 2
    first, last = parts[0].start_seconds, parts[-1].end_seconds
    return [(max(first, p.start_seconds - half), min(last, p.end_seconds + half)) for p in parts]


def _overlap(span: tuple[float, float], fault: tuple[float, float]) -> float:
    """Share of a span that lies in the fault."""
    common = min(span[1], fault[1]) - max(span[0], fault[0])
    return max(0.0, common) / (span[1] - span[0])


def _summary(rows: list[Row]) -> Row:
    """Shares with Wilson's 95 % intervals; takes are of different performers."""
    explained = [row for row in rows if "seconds" in row]
    right = [row for row in explained if row["is_right"]]
    named = [row for row in right if row["num_moments"]]
    summary: Row = {
        "num_takes": len(rows), "num_explained": len(explained), "num_right": len(right),
        "num_right_with_a_moment": len(named),
    }  # fmt: skip
    for key in ("any", "half", "view_first", "top_lowers"):
        summary[key] = _share([row[key] for row in right])
        summary[f"{key}_all_explained"] = _share([row[key] for row in explained])
    for key in ("moment_any", "moment_half", "moment_view"):
        summary[key] = _share([row[key] for row in named])
    for view in DEFAULT_VIEWS:
        mine = [row for row in right if row["view"] == view]
        for key in ("any", "half", "view_first"):
            summary[f"{view}_{key}"] = _share([row[key] for row in mine])
    for key in ("chance_any", "chance_half", "num_moments", "seeing_share", "seconds"):
        values = [row[key] for row in explained]
        summary[key] = round(float(np.mean(values)), 3) if values else None
    return summary


def _share(hits: list[bool]) -> Row:
    n = len(hits)
    if not n:
        return {"share": None, "n": 0}
    p, z = sum(hits) / n, 1.96
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return {
        "share": round(p, 3), "lower": round(centre - reach, 3), "upper": round(centre + reach, 3),
        "n": n,
    }  # fmt: skip


if __name__ == "__main__":
    main()
