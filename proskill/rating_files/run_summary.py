"""A run's results as plain values for machines: nothing rounded, NaN as null."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from proskill._version import __version__
from proskill.plain_json import plain_json
from proskill.rating.rate import RatingRun
from proskill.rating_files.headline import headline
from proskill.rating_files.read import ReadComparisons
from proskill.rating_files.tallies import cut_bands, next_pairs
from proskill.rating_files.write import rating_rows


@dataclass(frozen=True, eq=False)
class Origin:
    """The origin of ratings: files, seed and settings.

    Attributes:
        paths: the files that were read.
        read: what was in them.
        seed: of all random numbers.
        min_comparisons: an item with fewer is flagged.
        seconds: stage -> how long it took.
        settings: what else was asked for, in words, such as levels.
    """

    paths: Sequence[Path]
    read: ReadComparisons
    seed: int
    min_comparisons: int = 8
    seconds: Mapping[str, float] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)


def run_summary(run: RatingRun, origin: Origin) -> dict[str, Any]:
    """Return a dictionary for JSON with every figure of the report.

    Args:
        run: the ratings and all about them.
        origin: how they came about.
    """
    read = origin.read
    summary = {
        "proskill": __version__,
        "seed": origin.seed,
        "files": [str(path) for path in origin.paths],
        "format": read.format,
        "num_rows": read.num_rows,
        "num_repeated_tokens": read.num_repeated_tokens,
        "num_revoked": read.num_revoked,
        "notes": read.notes,
        "seconds": origin.seconds,
        "linked_items": run.linked_items,
        **asdict(headline(run)),
        "groups": [asdict(group) for group in run.reliability],
        "curve": [asdict(point) for point in run.curve],
        "levels": _levels(run),
        "agreement": asdict(run.agreement),
        "next_pairs": next_pairs(run),
        "elo": _elo(run),
        "ratings": rating_rows(run.ratings),
    }
    plain: dict[str, Any] = plain_json(summary)
    return plain


def _levels(run: RatingRun) -> list[dict[str, Any]]:
    found = []
    for cut in run.levels:
        bands = cut_bands(cut)
        found.append(
            {
                "group": run.table.groups[cut.group],
                "method": cut.method,
                "levels": cut.scale.names,
                "cuts": cut.cuts,
                "lower": [lower for _, lower, _ in bands],
                "upper": [upper for _, _, upper in bands],
            }
        )
    return found


def _elo(run: RatingRun) -> dict[str, Any] | None:
    if run.elo is None:
        return None
    return {
        "num_orders": run.elo.num_orders,
        "warning": "order_spread is no interval: it is the noise of the order of the votes alone",
        "ratings": dict(zip(run.table.items, run.elo.ratings.tolist(), strict=True)),
        "order_spread": dict(zip(run.table.items, run.elo.order_spread.tolist(), strict=True)),
    }
