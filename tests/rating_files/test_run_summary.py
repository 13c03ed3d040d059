from __future__ import annotations

import json
import math
from collections.abc import Callable

from proskill.levels import BASKET_LEVELS
from proskill.rating import RatingRun
from proskill.rating_files import Origin
from proskill.rating_files.run_summary import run_summary


def test_the_summary_is_json_with_all_digits_and_null_for_nan(
    small_run: RatingRun, origin_of: Callable[[RatingRun], Origin]
) -> None:
    summary = run_summary(small_run, origin_of(small_run))
    again = json.loads(json.dumps(summary, allow_nan=False))
    assert again == summary
    assert [row["item"] for row in again["ratings"]] == list(small_run.ratings.items)
    assert [row["rating"] for row in again["ratings"]] == small_run.ratings.rating.tolist()
    assert again["num_votes"] == 28
    assert math.isnan(small_run.reliability[0].held_out_accuracy)
    assert again["groups"][0]["held_out_accuracy"] is None
    assert again["agreement"]["annotators"][0]["median_seconds"] is None
    assert again["elo"]["ratings"].keys() == set(small_run.table.items)
    assert len(again["next_pairs"]) == len(small_run.next_round.left)
    assert set(again["ratings"][0]["level_probabilities"]) == set(BASKET_LEVELS.names)
