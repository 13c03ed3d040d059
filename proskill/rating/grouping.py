"""Work through groups one by one without searching all items for each."""

from __future__ import annotations

import numpy as np

from proskill.rating.comparisons import IntArray


def members_of_groups(group_of: IntArray, *, num_groups: int) -> list[IntArray]:
    """For each group, the ascending indices at which `group_of` names it.

    Args:
        group_of: (N,) index of a group in 0..num_groups - 1.
        num_groups: how many groups there are; one may have no member.
    """
    order = np.argsort(group_of, kind="stable")
    ends = np.searchsorted(group_of[order], np.arange(1, num_groups))
    return list(np.split(order, ends))
