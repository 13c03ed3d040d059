"""Explaining: leave a stretch of the performance out, or a view, and see how the score changes.

Shapes: W windows, G segments, V views, D embedding.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from proskill.errors import ProskillError
from proskill.scoring.encoding import EncodedTake
from proskill.scoring.explanation import (
    MAX_MOMENTS,
    Explanation,
    Moment,
    SegmentEffect,
    ViewEffect,
)
from proskill.scoring.judgeable import frame_seconds
from proskill.scoring.scorer import Scorer

METHOD = (
    "Made by leaving out: each stretch of time is left out of the performance, and each view, and "
    "the effect is by how much the expected level changes. It says what this model's answer rests "
    "on; it is no proof that the performer did something wrong or right there."
)


def explain(
    scorer: Scorer,
    encoded: EncodedTake,
    *,
    progress: Callable[[str, float], None] | None = None,
) -> Explanation:
    """When and in which view a score came about.

    Args:
        scorer: that encoded the take.
        encoded: of a performance that is not abstained on.
        progress: called with what is being done and the share that is done.

    Raises:
        ProskillError: there is no answer to explain.
        VideoError: a file of the take is gone or can no longer be read.
    """
    used = encoded.used
    if not used or scorer.assess(encoded).status == "abstained":
        raise ProskillError("there is no answer to explain; the assessment says why")
    report = progress or (lambda what, share: None)
    report("leaving out stretches", 0.0)
    kinds = [view.kind_number for view in used.values()]
    windows = torch.stack([view.window_features for view in used.values()], dim=1)  # (W, V, D)
    num = len(windows)
    keep = torch.ones(num, num)
    if num > 1:
        keep -= torch.eye(num)
    left = torch.einsum("gw,wvd->gvd", keep / keep.sum(dim=1, keepdim=True), windows)
    whole = windows.mean(dim=0, keepdim=True)
    full = float(scorer.features.scores(whole, kinds)[0])
    effects = full - scorer.features.scores(left, kinds)  # (G,)
    per_view = {}
    for v, name in enumerate(used):
        one = whole.repeat(num, 1, 1)
        one[:, v] = left[:, v]
        per_view[name] = full - scorer.features.scores(one, kinds)
    interval = frame_seconds(scorer.config.input, encoded.instants)
    starts = encoded.instants[:, 0]
    ends = np.append(starts[1:], encoded.instants[-1, -1] + interval)
    noise = float(np.std(effects)) / 2
    segments = tuple(
        SegmentEffect(
            float(starts[g]), float(ends[g]), float(effects[g]), noise,
            {name: float(values[g]) for name, values in per_view.items()},
        )
        for g in range(num)
    )  # fmt: skip
    report("done", 1.0)
    return Explanation(
        segments, _moments(segments), _views(scorer, whole, kinds, list(used), full), METHOD
    )


def _moments(segments: tuple[SegmentEffect, ...]) -> tuple[Moment, ...]:
    strong = [part for part in segments if abs(part.effect) > 2 * part.noise > 0]
    strong.sort(key=lambda part: -abs(part.effect))
    return tuple(
        Moment(
            part.start_seconds, part.end_seconds, part.effect, part.noise,
            max(part.view_effects, key=lambda name: part.view_effects[name] * np.sign(part.effect)),
            part.view_effects,
        )
        for part in strong[:MAX_MOMENTS]
    )  # fmt: skip


def _views(
    scorer: Scorer, whole: torch.Tensor, kinds: list[int], names: list[str], full: float
) -> dict[str, ViewEffect]:
    """Each view left out of (1, V, D) features."""
    effects = np.zeros(len(names))
    for v in range(len(names)) if len(names) > 1 else ():
        others = [k for k in range(len(names)) if k != v]
        effects[v] = full - scorer.features.scores(whole[:, others], [kinds[k] for k in others])[0]
    shares: NDArray[np.float64] = np.abs(effects)
    if len(names) == 1:
        shares = np.ones(1)
    total = float(shares.sum())
    return {
        name: ViewEffect(float(effects[v]), float(shares[v]) / total if total > 0 else 0.0)
        for v, name in enumerate(names)
    }
