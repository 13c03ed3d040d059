"""The file of pairs whose answer is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

from proskill.errors import CampaignError
from proskill.table_files import read_table

GoldAnswer = Literal["left", "right", "tie"]

_REQUIRED: Final = ("left", "right", "answer")
_OPTIONAL: Final = ("practice", "feedback")
_YES: Final = ("yes", "true", "1")
_NO: Final = ("", "no", "false", "0")


@dataclass(frozen=True)
class GoldTakes:
    """Two takes whose comparison is settled.

    Attributes:
        left, right: take ids.
        answer: the side that shows more skill, or "tie".
        is_practice: asked of everybody at the start, with feedback, and not counted.
        feedback: shown after practice.

    Raises:
        ValueError: a take against itself, or an unknown answer.
    """

    left: str
    right: str
    answer: GoldAnswer
    is_practice: bool = False
    feedback: str = ""

    def __post_init__(self) -> None:
        if self.left == self.right:
            raise ValueError(f"left={self.left!r} and right are the same take")
        if self.answer not in get_args(GoldAnswer):
            raise ValueError(f"answer={self.answer!r}: allowed are left, right and tie")


def read_gold(path: Path) -> list[GoldTakes]:
    """Read `left, right, answer` and, where known, `practice` (yes or no) and `feedback`.

    Args:
        path: a `.csv` or `.parquet` file; a pair may occur once, whatever its sides.

    Raises:
        CampaignError: a column is missing or unknown, or a row breaks the rules; it is named.
        ManifestError: the file is no table.
    """
    columns, rows = read_table(path)
    missing = [name for name in _REQUIRED if name not in columns]
    unknown = [name for name in columns if name not in (*_REQUIRED, *_OPTIONAL)]
    if missing or unknown:
        wrong = f"has no column {missing[0]!r}" if missing else f"has a column {unknown[0]!r}"
        raise CampaignError(
            f"{path}: {wrong}; needed are {', '.join(_REQUIRED)}, allowed besides are "
            f"{', '.join(_OPTIONAL)}"
        )
    pairs: dict[frozenset[str], GoldTakes] = {}
    for number, row in rows:
        try:
            pair = _pair(row)
        except ValueError as error:
            raise CampaignError(f"{path}: row {number}: {error}") from None
        if frozenset((pair.left, pair.right)) in pairs:
            raise CampaignError(
                f"{path}: row {number}: {pair.left!r} and {pair.right!r} are compared before"
            )
        pairs[frozenset((pair.left, pair.right))] = pair
    return list(pairs.values())


def _pair(row: dict[str, str]) -> GoldTakes:
    practice = row.get("practice", "").lower()
    if practice not in (*_YES, *_NO):
        raise ValueError(f"practice={practice!r}: allowed are yes and no")
    answer: Any = row["answer"].lower()
    return GoldTakes(
        left=row["left"],
        right=row["right"],
        answer=answer,
        is_practice=practice in _YES,
        feedback=row.get("feedback", ""),
    )
