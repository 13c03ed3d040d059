"""Computations over the whole log, in a process with its own database connection."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Final

import numpy as np

from proskill.annotation.assignment.memory import prior_params
from proskill.annotation.counting import counted_table
from proskill.annotation.db.log import read_log
from proskill.annotation.db.store import CampaignStore
from proskill.annotation.summary.summary import summarise
from proskill.rating import fit_bradley_terry
from proskill.rating.comparisons import FloatArray

# A model's score weighs as much as so many votes: a vote near the middle is worth a fifth of a
# logit's precision, and a score that is off by 1.3 logits three times that.
_VOTES_OF_A_PRIOR: Final = 3.0


def fitted_params(folder: Path) -> FloatArray:
    """(I,) ratings in logits by the first criterion, which pairs are chosen by.

    Scores that a model gave before any vote fade as votes come in.

    Args:
        folder: of a campaign.
    """
    with CampaignStore.open(folder) as store:
        log = read_log(store)
    table = counted_table(log, log.campaign.criteria[0].id)
    prior = prior_params(log.clips)
    params = fit_bradley_terry(table).params
    if prior is None:
        return params
    ends = np.concatenate([table.item_a, table.item_b])
    num_votes = np.bincount(ends, minlength=table.num_items)
    share = num_votes / (num_votes + _VOTES_OF_A_PRIOR)
    return np.asarray(share * params + (1 - share) * prior)


def summary_json(folder: Path) -> dict[str, Any]:
    """The organiser's page as JSON."""
    with CampaignStore.open(folder) as store:
        log = read_log(store)
    return summarise(log, now=time.time()).as_json()
