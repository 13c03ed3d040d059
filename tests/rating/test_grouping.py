from __future__ import annotations

import numpy as np

from proskill.rating.grouping import members_of_groups


def test_every_group_has_its_members_in_order_and_may_have_none() -> None:
    members = members_of_groups(np.array([2, 0, 2, 0, 3]), num_groups=5)
    assert [group.tolist() for group in members] == [[1, 3], [], [0, 2], [4], []]
    assert [group.tolist() for group in members_of_groups(np.empty(0, int), num_groups=2)] == [
        [],
        [],
    ]
