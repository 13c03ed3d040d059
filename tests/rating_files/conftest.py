"""Short ways to put a file on disk, and to rate a simulated campaign."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from proskill.levels import BASKET_LEVELS
from proskill.rating import LevelRule, RatingRun, comparison_table, rate
from proskill.rating.comparisons import Comparison, ComparisonTable
from proskill.rating.simulated import SimulatedAnnotator, simulate_campaign
from proskill.rating_files.read import ReadComparisons
from proskill.rating_files.report import Origin


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """Write text or bytes to a file of this name, folders included."""

    def write_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_file


@pytest.fixture(scope="session")
def simulated_votes() -> Callable[..., ComparisonTable]:
    """Votes of a simulated campaign; groups of these sizes, each item once in every round."""

    def simulate(
        sizes: Sequence[int] = (8,),
        *,
        rounds: int = 7,
        annotators: Sequence[SimulatedAnnotator] = (SimulatedAnnotator(),) * 3,
        sigma: float = 2.0,
    ) -> ComparisonTable:
        rng = np.random.default_rng(5)
        campaign = simulate_campaign(
            rng,
            skill=sigma * rng.standard_normal(sum(sizes)),
            item_group=np.repeat(np.arange(len(sizes)), sizes),
            annotators=annotators,
        )
        table = [next(campaign) for _ in range(rounds)][-1].table
        return replace(
            table,
            items=tuple(f"clip {item}" for item in table.items),
            groups=tuple(f"group {group}." for group in table.groups),
            annotators=tuple(f"annotator {name}." for name in table.annotators),
        )

    return simulate


@pytest.fixture(scope="session")
def rated() -> Callable[..., RatingRun]:
    """Ratings of a table from few draws."""

    def rate_table(
        table: ComparisonTable, *, rule: LevelRule | None = None, elo_orders: int = 0
    ) -> RatingRun:
        rng = np.random.default_rng(0)
        return rate(table, rng=rng, level_rule=rule, num_draws=60, elo_orders=elo_orders)

    return rate_table


@pytest.fixture(scope="session")
def small_run(
    simulated_votes: Callable[..., ComparisonTable], rated: Callable[..., RatingRun]
) -> RatingRun:
    """Eight items with levels and Elo."""
    return rated(simulated_votes(), rule=LevelRule(BASKET_LEVELS), elo_orders=10)


@pytest.fixture(scope="session")
def split_run(
    simulated_votes: Callable[..., ComparisonTable], rated: Callable[..., RatingRun]
) -> RatingRun:
    """Two halves with votes in plenty and none between them."""
    half = simulated_votes((6,), rounds=20, sigma=4.0)
    rows = [
        Comparison(f"{where} {a}", f"{where} {b}", "a" if outcome > 0 else "b")
        for where in ("north", "south")
        for a, b, outcome in zip(half.item_a, half.item_b, half.outcome, strict=True)
    ]
    return rated(comparison_table(rows))


@pytest.fixture(scope="session")
def votes_with_new_item(
    simulated_votes: Callable[..., ComparisonTable], rated: Callable[..., RatingRun]
) -> RatingRun:
    """Eight items and one that nobody has compared yet."""
    table = simulated_votes()
    items, item_group = (*table.items, "new"), np.zeros(9, np.int32)
    return rated(replace(table, items=items, item_group=item_group))


@pytest.fixture
def origin_of() -> Callable[[RatingRun], Origin]:
    """Where a run came from, as if from an annotation log."""

    def origin(run: RatingRun) -> Origin:
        read = ReadComparisons(run.table, len(run.table) + 5, 2, 3, "log", ("A note.",))
        return Origin(
            paths=[Path("votes.jsonl")],
            read=read,
            seed=17,
            seconds={"fit": 0.25},
            settings={"levels": "quantiles"},
        )

    return origin
