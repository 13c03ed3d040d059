"""Explanations: attribution of a score to segments of the performance and to views.

The files are read once more, in overlapping windows; then every segment is scored by itself
(`segment_attribution`). Grid after grid is encoded, and every grid reduces the noise.

Shapes: W windows, T frames, G grids, F frames of a grid, V views, D embedding, N segments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from proskill.errors import ProskillError
from proskill.features.encoding import EncodedTake
from proskill.features.reading import EncodedView
from proskill.scoring.explain.segment_attribution import (
    Floats,
    Grid,
    Map,
    Scores,
    Segments,
    combine,
    cut,
    peaks,
    shares,
)
from proskill.scoring.explain.window_grids import window_grids
from proskill.scoring.explanation import (
    MAX_MOMENTS,
    Explanation,
    Moment,
    SegmentEffect,
    ViewEffect,
)
from proskill.scoring.feature_scorer import expected_levels
from proskill.scoring.scorer import Scorer


def explain_take(
    scorer: Scorer,
    encoded: EncodedTake,
    *,
    progress: Callable[[str, float], None] | None = None,
) -> Explanation:
    """Return the last explanation of `explain_stepwise`, which has the least noise."""
    *_, last = explain_stepwise(scorer, encoded, progress=progress)
    return last


def explain_stepwise(
    scorer: Scorer,
    encoded: EncodedTake,
    *,
    progress: Callable[[str, float], None] | None = None,
) -> Iterator[Explanation]:
    """Yield explanations of decreasing noise, from the first with a noise to the complete one.

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
    score = scorer.assess(encoded).score if used and span is not None else None
    if span is None or score is None:
        raise ProskillError("there is no answer to explain; the assessment says why")
    report = progress or (lambda what, share: None)
    grids = window_grids(span, scorer.config.input, num_views=len(used))
    segments = cut(*span, segment_seconds=grids.segment_seconds)
    timestamps = grids.every_timestamp
    frames = []
    for number, (name, view) in enumerate(used.items()):
        report(f"reading {name} again", 0.3 * number / len(used))
        frames.append(scorer.read_again(view, timestamps))  # (N, C, H, W)
    encoded_grids: list[Grid] = []
    num_grids = len(grids.timestamps)
    for number, grid in enumerate(grids.timestamps):
        features = []
        for v, name in enumerate(used):
            done = (number + v / len(used)) / num_grids
            report(f"judging segments of {name}", 0.3 + 0.7 * done)
            clips = frames[v][np.searchsorted(timestamps, grid)]  # (W, T, C, H, W)
            features.append(scorer.encode_frames(clips).double().cpu().numpy())
        encoded_grids.append(_grid(features, grid, grids.interval_seconds))
        if number or num_grids == 1:
            found = _explanation(
                scorer, used, encoded_grids, segments, answer_score=score,
                is_complete=number + 1 == num_grids,
            )  # fmt: skip
            yield found


def _grid(features: Sequence[Floats], timestamps: NDArray[np.float64], interval: float) -> Grid:
    """V arrays (W, T, D) of features as one line of frames.

    A window's first frame has none before it: to a model that looks at motion it is perfect calm.
    """
    first = 1 if timestamps.shape[1] > 2 else 0
    together = np.stack(features, axis=2)[:, first:]  # (W, T', V, D)
    seconds = timestamps[:, first:] + interval / 2
    return Grid(together.reshape(-1, *together.shape[2:]), seconds.ravel())


def _explanation(
    scorer: Scorer,
    used: dict[str, EncodedView],
    grids: Sequence[Grid],
    segments: Segments,
    *,
    answer_score: float,
    is_complete: bool,
) -> Explanation:
    kinds = [view.kind_number for view in used.values()]

    def score_of(columns: list[int]) -> Scores:
        def score(features: Floats) -> Floats:
            part = torch.from_numpy(features[:, columns].astype(np.float32))
            return scorer.features.scores(part, [kinds[v] for v in columns])

        return score

    def map_of(score: Scores) -> Map:
        return combine(np.stack([grid.effects(segments, score) for grid in grids]))

    every = score_of(list(range(len(used))))
    found = map_of(every)
    baseline = float(np.mean([grid.baseline(every) for grid in grids]))
    alone = {name: map_of(score_of([v])).effects for v, name in enumerate(used)}
    views = _view_effects(scorer, grids, kinds, alone)
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
        baseline=baseline,
        moments=tuple(
            _moment(
                n, found, alone, views, segments, _skill_effects(scorer, n, grids, segments, kinds)
            )
            for n in chosen
        ),
        views=views,
        method=_method(
            segments, baseline, answer_score, num_grids=len(grids), is_complete=is_complete
        ),
    )


def _moment(
    index: int,
    found: Map,
    alone: dict[str, Floats],
    views: dict[str, ViewEffect],
    segments: Segments,
    skill_effects: dict[str, float],
) -> Moment:
    start, end = segments.segment(index)
    sign = float(np.sign(found.effects[index]))
    # One view's effect on one segment is noisy; one that says little elsewhere says little here.
    seen = {name: sign * each[index] * views[name].share for name, each in alone.items()}
    return Moment(
        start_seconds=start,
        end_seconds=end,
        effect=float(found.effects[index]),
        noise=float(found.noise[index]),
        view=max(seen, key=lambda name: seen[name]),
        view_effects={name: float(each[index]) for name, each in alone.items()},
        skill_effects=skill_effects,
    )


def _skill_effects(
    scorer: Scorer, index: int, grids: Sequence[Grid], segments: Segments, kinds: list[int]
) -> dict[str, float]:
    """Return the effect of a segment on each skill, for models of several."""
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
    """Return the effect of omitting each view, and its share of the changes over time."""
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


def _method(
    segments: Segments,
    baseline: float,
    answer_score: float,
    *,
    num_grids: int,
    is_complete: bool,
) -> str:
    """Describe the method and its limits in sentences for people."""
    sentences = [
        f"Each segment of {segments.segment_seconds:.2g} s is judged by itself, with everything "
        "else left out, and compared with the average segment of this performance, which scores "
        f"{baseline:.2f}: an effect of -0.5 means that the segment by itself scores half a level "
        f"less than that. The answer's own score, {answer_score:.2f}, comes from another look at "
        "the performance and need not agree.",
        f"This is done {num_grids} times with windows that begin at different times; the noise "
        "is the standard error over these, and a moment is named only where all agree and the "
        "effect is more than twice its noise."
        if num_grids > 1
        else "The performance is too short to repeat this, so the noise is unknown and no moment "
        "is named.",
        "A view's share is how much the judgement from it alone changes along the performance; "
        "how the average segment scores without the view is another question, and the two need "
        "not agree.",
        "It shows what this model's answer rests on. It is no proof that something was done well "
        "or badly there, and it does not say what.",
    ]
    if not is_complete:
        sentences.append("Not yet complete.")
    return " ".join(sentences)
