"""Explaining: which stretches of a performance, and which views, a score came from.

The files are read once more, in windows that overlap; then every stretch is judged by itself
(`occlusion.py`). Grid after grid is encoded, and every grid makes the explanation surer.

Shapes: W windows, T frames, G grids, F frames of a grid, V views, D embedding, N segments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from proskill.errors import ProskillError
from proskill.models import InputSpec
from proskill.scoring.encoding import EncodedTake
from proskill.scoring.explanation import (
    MAX_MOMENTS,
    Explanation,
    Moment,
    SegmentEffect,
    ViewEffect,
)
from proskill.scoring.feature_scorer import expected_levels
from proskill.scoring.judgeable import frame_seconds
from proskill.scoring.occlusion import Floats, Grid, Map, Segments, combine, cut, peaks, shares
from proskill.scoring.scorer import Scorer
from proskill.scoring.views import SeenView

_NUM_GRIDS = 4
_MAX_WINDOWS = 240  # of all views together: about ten seconds for the demo model on one core


def explain(
    scorer: Scorer,
    encoded: EncodedTake,
    *,
    progress: Callable[[str, float], None] | None = None,
) -> Explanation:
    """When and in which view a score came about: the last and surest of `explain_stepwise`."""
    *_, last = explain_stepwise(scorer, encoded, progress=progress)
    return last


def explain_stepwise(
    scorer: Scorer,
    encoded: EncodedTake,
    *,
    progress: Callable[[str, float], None] | None = None,
) -> Iterator[Explanation]:
    """Explanations that grow surer, from the first that knows its noise to the complete one.

    Args:
        scorer: that encoded the take.
        encoded: of a performance that is not abstained on; its files are read again.
        progress: called with what is being done and the share that is done.

    Raises:
        ProskillError: there is no answer to explain.
        VideoError: a file of the take is gone or can no longer be read.
    """
    used = encoded.used
    span = encoded.span_seconds
    if not used or span is None or scorer.assess(encoded).status == "abstained":
        raise ProskillError("there is no answer to explain; the assessment says why")
    report = progress or (lambda what, share: None)
    spec = scorer.config.input
    grids = grid_instants(span, spec, num_views=len(used))
    interval = frame_seconds(spec, grids[0])
    segments = cut(*span, stretch_seconds=_stretch_seconds(span, spec, grids))
    instants = np.unique(np.concatenate([grid.ravel() for grid in grids]).round(6))
    frames = []
    for number, (name, view) in enumerate(used.items()):
        report(f"reading {name} again", 0.3 * number / len(used))
        frames.append(scorer.encoder.read_again(view, instants))  # (N, C, H, W)
    encoded_grids: list[Grid] = []
    for number, grid in enumerate(grids):
        features = []
        for v, name in enumerate(used):
            done = (number + v / len(used)) / len(grids)
            report(f"judging stretches of {name}", 0.3 + 0.7 * done)
            clips = frames[v][np.searchsorted(instants, grid.round(6))]  # (W, T, C, H, W)
            features.append(scorer.encoder.encode_frames(clips).double().cpu().numpy())
        encoded_grids.append(_grid(features, grid, spec, interval))
        if number or len(grids) == 1:
            yield _explanation(scorer, used, encoded_grids, segments, num_grids=len(grids))


def grid_instants(
    span: tuple[float, float], spec: InputSpec, *, num_views: int
) -> list[NDArray[np.float64]]:
    """Instants (W, T) of each grid on the common clock; windows of a grid hardly overlap.

    Args:
        span: [start, end) that all views show.
        spec: what the model looks at.
        num_views: the more there are, the fewer windows each gets.
    """
    start, end = span
    interval = spec.frame_interval_seconds
    if interval is None:  # one window holds the whole span: grids differ in where its frames lie
        steps = np.arange(spec.num_frames)
        shifts = (np.arange(_NUM_GRIDS) + 0.5) / _NUM_GRIDS
        return [(start + (steps + s) * (end - start) / spec.num_frames)[None] for s in shifts]
    window = spec.num_frames * interval
    hop = max(1, spec.num_frames // _NUM_GRIDS) * interval
    spare = max(0.0, end - start - window)
    begins = start + np.append(np.arange(0.0, spare - 1e-6, hop), spare)
    budget = max(2, _MAX_WINDOWS // num_views)
    if len(begins) > budget:
        begins = start + np.linspace(0.0, spare, budget)
        hop = spare / (budget - 1)
    # In a long performance windows lie apart, and many grids would each see too little of it.
    count = min(_NUM_GRIDS if hop * _NUM_GRIDS <= 2 * window else 2, len(begins))
    instants = begins[:, None] + np.arange(spec.num_frames) * interval
    instants = np.minimum(instants, np.nextafter(end, start))
    return [instants[number::count] for number in range(count)]


def _stretch_seconds(
    span: tuple[float, float], spec: InputSpec, grids: Sequence[NDArray[np.float64]]
) -> float:
    """Half a window, or as much more as a grid needs to have frames in every stretch."""
    interval = frame_seconds(spec, grids[0])
    if spec.frame_interval_seconds is None:
        return 2 * interval
    window = spec.num_frames * interval
    between = max((float(np.diff(g[:, 0]).max()) for g in grids if len(g) > 1), default=0.0)
    wanted = max(window / 2, 2 * interval) + max(0.0, between - window)
    return min(wanted, span[1] - span[0])


def _grid(
    features: Sequence[Floats], instants: NDArray[np.float64], spec: InputSpec, interval: float
) -> Grid:
    """V arrays (W, T, D) of features as one line of frames.

    A window's first frame has none before it: to a model that looks at motion it is perfect calm.
    """
    first = 0 if spec.frame_interval_seconds is None else 1
    together = np.stack(features, axis=2)[:, first:]  # (W, T, V, D)
    seconds = instants[:, first:] + interval / 2
    return Grid(together.reshape(-1, *together.shape[2:]), seconds.ravel())


def _explanation(
    scorer: Scorer,
    used: dict[str, SeenView],
    grids: Sequence[Grid],
    segments: Segments,
    *,
    num_grids: int,
) -> Explanation:
    kinds = [view.kind_number for view in used.values()]

    def map_of(columns: list[int]) -> Map:
        def score(features: Floats) -> Floats:
            part = torch.from_numpy(features[:, columns].astype(np.float32))
            return scorer.features.scores(part, [kinds[v] for v in columns])

        return combine(np.stack([grid.effects(segments, score) for grid in grids]))

    every = list(range(len(used)))
    found = map_of(every)
    alone = {name: map_of([v]).effects for v, name in enumerate(used)}
    chosen = peaks(found, segments, at_most=MAX_MOMENTS)
    return Explanation(
        segments=tuple(
            SegmentEffect(
                start_seconds=float(segments.edges[n]),
                end_seconds=float(segments.edges[n + 1]),
                effect=float(found.effects[n]),
                noise=float(found.noise[n]),
                view_effects={name: float(each[n]) for name, each in alone.items()},
            )
            for n in range(len(found.effects))
        ),
        moments=tuple(_moment(scorer, n, found, alone, grids, segments, kinds) for n in chosen),
        views=_view_effects(scorer, grids, kinds, alone),
        method=_method(segments, num_grids=len(grids), is_complete=len(grids) == num_grids),
    )


def _moment(
    scorer: Scorer,
    index: int,
    found: Map,
    alone: dict[str, Floats],
    grids: Sequence[Grid],
    segments: Segments,
    kinds: list[int],
) -> Moment:
    start, end = segments.stretch(index)
    sign = float(np.sign(found.effects[index]))
    return Moment(
        start_seconds=start,
        end_seconds=end,
        effect=float(found.effects[index]),
        noise=float(found.noise[index]),
        view=max(alone, key=lambda name: sign * alone[name][index]),
        view_effects={name: float(each[index]) for name, each in alone.items()},
        skill_effects=_skill_effects(scorer, index, grids, segments, kinds),
    )


def _skill_effects(
    scorer: Scorer, index: int, grids: Sequence[Grid], segments: Segments, kinds: list[int]
) -> dict[str, float]:
    """What a stretch does to each skill, for models of several."""
    if not scorer.config.skills:
        return {}
    changes = []
    for grid in grids:
        means, found = grid.kept(segments)
        pair = np.concatenate([means[found == index], grid.features.mean(axis=0)[None]])
        if len(pair) == 2:
            features = torch.from_numpy(pair.astype(np.float32))
            levels = expected_levels(scorer.features.skill_probabilities(features, kinds))  # (2, S)
            changes.append(levels[0] - levels[1])
    return dict(zip(scorer.config.skills, np.mean(changes, axis=0).tolist(), strict=True))


def _view_effects(
    scorer: Scorer, grids: Sequence[Grid], kinds: list[int], alone: dict[str, Floats]
) -> dict[str, ViewEffect]:
    """What leaving a view out changes, and how much of what changes over time shows in it."""
    frames = np.concatenate([grid.features for grid in grids])
    whole = torch.from_numpy(frames.mean(axis=0)[None].astype(np.float32))  # (1, V, D)
    score = float(scorer.features.scores(whole, kinds)[0])
    effects = []
    for v in range(len(kinds)):
        others = [k for k in range(len(kinds)) if k != v]
        rest = [kinds[k] for k in others]
        left = float(scorer.features.scores(whole[:, others], rest)[0]) if others else score
        effects.append(score - left)
    parts = shares(list(alone.values()))
    return {
        name: ViewEffect(effect, share)
        for name, effect, share in zip(alone, effects, parts, strict=True)
    }


def _method(segments: Segments, *, num_grids: int, is_complete: bool) -> str:
    """How the map was made and what it is not."""
    stretch = segments.stretch_seconds
    sentences = [
        f"Each stretch of {stretch:.2g} s is judged by itself, with everything else left out, and "
        "compared with the whole: an effect of -0.5 means that a performance that is like this "
        "stretch throughout would score half a level lower.",
        f"This is done {num_grids} times with windows that begin at different instants; the noise "
        "is the standard error over these, and a moment is named only where all agree and the "
        "effect is more than twice its noise."
        if num_grids > 1
        else "The performance is too short to repeat this, so the noise is unknown and no moment "
        "is named.",
        "A view's share is how much the judgement from it alone changes along the performance.",
        "It shows what this model's answer rests on. It is no proof that something was done well "
        "or badly there, and it does not say what.",
    ]
    if not is_complete:
        sentences.append("Not yet complete.")
    return " ".join(sentences)
