from __future__ import annotations

import pytest

from proskill.data.worker_processes import map_in_processes


def test_every_item_comes_back_with_its_result() -> None:
    items = range(-30, 0)
    assert dict(map_in_processes(abs, items, num_workers=2)) == {item: -item for item in items}


def test_no_item_is_no_work() -> None:
    assert list(map_in_processes(abs, [], num_workers=2)) == []


def test_an_item_that_kills_its_process_is_the_only_one_lost() -> None:
    deadly = "__import__('os')._exit(1)"
    items = [*(f"{k} + 1" for k in range(12)), deadly, *(f"{k} + 1" for k in range(12, 40))]
    results = dict(map_in_processes(eval, items, num_workers=2))
    assert results.pop(deadly) is None
    assert results == {f"{k} + 1": k + 1 for k in range(40)}


def test_what_the_function_raises_is_raised_here() -> None:
    with pytest.raises(ZeroDivisionError):
        list(map_in_processes(eval, ["1 / 0"], num_workers=1))


def test_items_are_taken_as_workers_become_free() -> None:
    taken = []

    def source():  # type: ignore[no-untyped-def]
        for k in range(1000):
            taken.append(k)
            yield -k

    results = map_in_processes(abs, source(), num_workers=1)
    next(results)
    assert len(taken) < 20
    results.close()  # type: ignore[attr-defined]
