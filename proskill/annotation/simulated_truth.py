"""The hidden truth that simulated annotators judge by, and their links."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import numpy as np

from proskill.annotation.campaign import MANIFEST_FILE
from proskill.annotation.db.store import CampaignStore
from proskill.data.manifest import read_manifest
from proskill.data.take import Take
from proskill.levels import EGOEXO4D_LEVELS
from proskill.rating.comparisons import FloatArray

# Standard deviation of the hidden skills in logits: annotators agree on three of four random pairs.
_SPREAD: Final = 2.0

# Takes of one level differ, too, but less than levels do: in steps from one level to the next.
_WITHIN_LEVEL: Final = 0.3


def hidden_skill(store: CampaignStore, *, seed: int) -> dict[str, float]:
    """Public id of each clip -> its hidden skill in logits.

    The ratings of the campaign's manifest, where all of its takes have one, else their levels,
    else a draw; scaled to a standard deviation of 2 logits.

    Args:
        store: the campaign; its manifest may be gone, then skills are drawn.
        seed: of the draw, which also tells takes of one level apart.
    """
    clips = store.clips()
    drawn = np.random.default_rng(seed).standard_normal(len(clips))
    manifest = store.folder / MANIFEST_FILE
    takes = {}
    if manifest.is_file():
        takes = {take.take_id: take for take in read_manifest(manifest, scale=None)}
    skill = _known([takes.get(clip.take_id) for clip in clips], drawn)
    skill = (skill - skill.mean()) / (skill.std() or 1.0) * _SPREAD
    return {clip.public_id: float(value) for clip, value in zip(clips, skill, strict=True)}


def invite_simulated(store: CampaignStore, number: int) -> list[str]:
    """Tokens of the annotators `simulated 1`, `simulated 2`, ..., whose older links die."""
    return [
        store.invite(f"simulated {place}", role="annotator", now=time.time())
        for place in range(1, number + 1)
    ]


def _known(takes: Sequence[Take | None], drawn: FloatArray) -> FloatArray:
    """Skills on any scale, higher is better."""
    ratings = [take.rating for take in takes if take is not None and take.rating is not None]
    if len(ratings) == len(takes):
        return np.array(ratings, float)
    names = EGOEXO4D_LEVELS.names
    levels = [names.index(t.level) for t in takes if t is not None and t.level in names]
    if len(levels) == len(takes):
        return np.asarray(np.array(levels, float) + _WITHIN_LEVEL * drawn)
    return drawn
