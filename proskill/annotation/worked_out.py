"""What is worked out from the whole log, in a process that reads the database by itself."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from proskill.annotation.log import read_log
from proskill.annotation.store import CampaignStore
from proskill.annotation.summary import summarise
from proskill.rating import fit_bradley_terry


def fitted_params(campaign: Path) -> np.ndarray:
    """(I,) ratings in logits by the first criterion, which pairs are chosen by."""
    with CampaignStore.open(campaign) as store:
        criterion = store.campaign().criteria[0]
        table = store.comparison_table(criterion.id)
    return fit_bradley_terry(table).params


def summary_json(campaign: Path) -> dict[str, Any]:
    """The organiser's page as JSON."""
    with CampaignStore.open(campaign) as store:
        log = read_log(store)
    return summarise(log, now=time.time()).as_json()
