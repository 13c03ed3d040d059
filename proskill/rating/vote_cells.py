"""The sufficient statistics of pairwise votes: counts for each pair, annotator and side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from proskill.rating.comparisons import B_WINS, TIE, ComparisonTable, FloatArray, IntArray


@dataclass(frozen=True, eq=False)
class VoteCells:
    """C cells of votes that the model cannot tell apart.

    Attributes:
        first, second: (C,) item indices, first < second.
        annotator: (C,) annotator index, 0 everywhere when annotators are not told apart.
        left: (C,) 1 when `first` was on the left, -1 when `second`, 0 unknown or not kept apart.
        first_wins, second_wins, ties: (C,) numbers of votes.
    """

    first: IntArray
    second: IntArray
    annotator: IntArray
    left: IntArray
    first_wins: FloatArray
    second_wins: FloatArray
    ties: FloatArray

    @property
    def num_votes(self) -> FloatArray:
        """(C,) votes of each cell."""
        return self.first_wins + self.second_wins + self.ties


def count_votes(table: ComparisonTable, *, by_annotator: bool, by_side: bool) -> VoteCells:
    """Merge a table's judged rows into cells; skips are left out.

    Args:
        table: the votes.
        by_annotator: keep annotators apart.
        by_side: keep left and right apart.
    """
    judged = table.judged()
    num_items = table.num_items
    num_annotators = len(table.annotators) if by_annotator else 1
    swapped = judged.item_a > judged.item_b
    sign = np.where(swapped, -1, 1)
    low = np.where(swapped, judged.item_b, judged.item_a).astype(np.int64)
    high = np.where(swapped, judged.item_a, judged.item_b)
    key = low * num_items + high
    key = key * num_annotators + (judged.annotator if by_annotator else 0)
    key = key * 3 + (judged.left * sign + 1 if by_side else 1)
    cells, cell = np.unique(key, return_inverse=True)
    outcome = judged.outcome * sign

    def count(code: int) -> FloatArray:
        return np.bincount(cell, outcome == code, minlength=len(cells)).astype(float)

    rest, left = np.divmod(cells, 3)
    rest, annotator = np.divmod(rest, num_annotators)
    first, second = np.divmod(rest, max(num_items, 1))
    return VoteCells(
        first=first,
        second=second,
        annotator=annotator,
        left=left - 1,
        first_wins=count(-B_WINS),
        second_wins=count(B_WINS),
        ties=count(TIE),
    )
