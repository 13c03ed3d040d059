"""Predictions of a model on takes, as arrays. No torch, no files.

Shapes: N takes, V views, K levels, L skill levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from proskill.data.take import Take
from proskill.levels import UNLABELLED, LevelScale, median_level
from proskill.view_names import VIEW_KINDS


@dataclass(frozen=True)
class Predictions:
    """Predictions of a model on takes.

    Attributes:
        takes: N takes.
        scale: the K levels.
        view_names: the V columns of the per-view fields.
        view_mask: (N, V) True where the take has the view.
        logits: (N, K).
        probabilities: (N, K), rows sum to 1.
        score: (N,) higher is more skilled; from the heads here the expected level index.
        view_probabilities: (N, V, K) from that view alone, NaN where it does not exist.
        view_score: (N, V) from that view alone, NaN where it does not exist.
        kind_probabilities: (N, 2, K) from the ego views alone and from the exo views alone, NaN
            where the take has none of the kind.
        kind_score: (N, 2) likewise.
        skill_probabilities: skill name -> (N, L), for models that judge several skills.

    Raises:
        ValueError: an array whose shape does not fit the takes, levels or views.
    """

    takes: tuple[Take, ...]
    scale: LevelScale
    view_names: tuple[str, ...]
    view_mask: NDArray[np.bool_]
    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    score: NDArray[np.float32]
    view_probabilities: NDArray[np.float32]
    view_score: NDArray[np.float32]
    kind_probabilities: NDArray[np.float32]
    kind_score: NDArray[np.float32]
    skill_probabilities: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n, k, v = len(self.takes), len(self.scale), len(self.view_names)
        wanted = {
            "view_mask": (n, v),
            "logits": (n, k),
            "probabilities": (n, k),
            "score": (n,),
            "view_probabilities": (n, v, k),
            "view_score": (n, v),
            "kind_probabilities": (n, len(VIEW_KINDS), k),
            "kind_score": (n, len(VIEW_KINDS)),
        }
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}: expected {shape}")
        for name, values in self.skill_probabilities.items():
            if values.ndim != 2 or len(values) != n:
                raise ValueError(f"skill {name!r} has shape {values.shape}: expected ({n}, levels)")
        object.__setattr__(
            self, "skill_probabilities", MappingProxyType(dict(self.skill_probabilities))
        )

    @property
    def truth(self) -> NDArray[np.int64]:
        """(N,) level indices, -1 without a label."""
        return np.array(
            [
                UNLABELLED if take.level is None else self.scale.index(take.level)
                for take in self.takes
            ],
            dtype=np.int64,
        )

    @property
    def judgeable(self) -> NDArray[np.intp]:
        """Rows with a level; if no take has one, rows with a rating."""
        rows = np.flatnonzero(self.truth != UNLABELLED)
        return rows if len(rows) else np.flatnonzero(~np.isnan(self.rating))

    @property
    def rating(self) -> NDArray[np.float64]:
        """(N,) continuous labels, NaN without one."""
        return np.array([np.nan if take.rating is None else take.rating for take in self.takes])

    @property
    def predicted(self) -> NDArray[np.int64]:
        """(N,) the median level of each distribution."""
        return np.asarray(median_level(self.probabilities), dtype=np.int64)

    @property
    def late_average(self) -> NDArray[np.float64]:
        """(N, K) mean of the single views' probabilities, the baseline of fusion."""
        return np.asarray(np.nanmean(self.view_probabilities.astype(np.float64), axis=1))

    def rows(self, index: NDArray[np.intp]) -> Predictions:
        """Select takes by row, in that order."""
        return replace(
            self,
            takes=tuple(self.takes[row] for row in index),
            view_mask=self.view_mask[index],
            logits=self.logits[index],
            probabilities=self.probabilities[index],
            score=self.score[index],
            view_probabilities=self.view_probabilities[index],
            view_score=self.view_score[index],
            kind_probabilities=self.kind_probabilities[index],
            kind_score=self.kind_score[index],
            skill_probabilities={k: v[index] for k, v in self.skill_probabilities.items()},
        )
