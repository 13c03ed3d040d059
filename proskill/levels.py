"""Ordered skill levels and their names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

UNLABELLED = -1
"""Level index of a take without a level."""


@dataclass(frozen=True)
class LevelScale:
    """An ordered list of level names, lowest skill first.

    Raises:
        ValueError: fewer than two names, an empty name, or a name twice.
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.names) < 2 or len(set(self.names)) != len(self.names) or not all(self.names):
            raise ValueError(
                f"names={self.names!r}: a scale needs two or more distinct, non-empty names"
            )

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """Return the position of `name` on the scale, 0 for the lowest.

        Raises:
            ValueError: `name` is not on the scale; an unknown label never becomes a default class.
        """
        try:
            return self.names.index(name)
        except ValueError:
            allowed = ", ".join(repr(n) for n in self.names)
            raise ValueError(f"level={name!r} is not on the scale; allowed: {allowed}") from None


EGOEXO4D_LEVELS = LevelScale(("Novice", "Early Expert", "Intermediate Expert", "Late Expert"))
BASKET_LEVELS = LevelScale(("Poor", "Fair", "Average", "Good", "Excellent"))
RATING_QUARTERS = LevelScale(
    ("Lowest quarter", "Second quarter", "Third quarter", "Highest quarter")
)
"""Of the training ratings, where there are no levels."""


def median_level(probabilities: Any) -> Any:
    """Return the median level: neither the levels below it nor those above it make up half.

    Of all levels it has the least expected distance to the truth, which is what an ordered scale
    asks for; the most probable one jumps to an end of the scale when the middle levels are narrow.

    Args:
        probabilities: (..., K) array or tensor, rows sum to 1.

    Returns:
        (...) indices of the same kind.
    """
    below = probabilities.cumsum(-1) < 0.5
    return below[..., :-1].sum(-1)  # without the last column, rounding cannot lead past the top
