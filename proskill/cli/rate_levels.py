"""The level rule of `--levels`, `--scale`, `--cuts` and `--anchors`."""

from __future__ import annotations

import math
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from proskill.levels import LevelScale
    from proskill.rating import LevelRule


class Levels(StrEnum):
    """Methods from ratings to levels."""

    quantiles = "quantiles"
    scores = "scores"
    anchors = "anchors"


Scale = Annotated[
    str,
    typer.Option(
        help='Names of the levels: egoexo4d (the default), basket, or "Lowest,...,Highest".',
        show_default=False,
    ),
]
Cuts = Annotated[
    str,
    typer.Option(
        metavar="LOGITS", help="For --levels scores, e.g. -1.2,0,1.2.", show_default=False
    ),
]
Anchors = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="For --levels anchors: a table with item and level."),
]


def level_rule(
    levels: Levels | None, *, scale: str, cuts: str, anchors: Path | None
) -> LevelRule | None:
    """The rule that the options ask for; None when they ask for no levels.

    Args:
        levels: how to cut.
        scale: egoexo4d, basket or names from the lowest to the highest; empty takes egoexo4d.
        cuts: numbers separated by commas.
        anchors: file of items of known level.

    Raises:
        typer.BadParameter: options that do not go together.
        ProskillError: the file cannot be read, or names a level that is not on the scale.
    """
    for option, value, needed in (
        ("--cuts", cuts, Levels.scores),
        ("--anchors", anchors, Levels.anchors),
    ):
        if value and levels != needed:
            raise typer.BadParameter(f"{option} goes with --levels {needed.value}")
        if levels == needed and not value:
            raise typer.BadParameter(f"--levels {needed.value} needs {option}")
    if levels is None:
        if scale:
            raise typer.BadParameter("--scale goes with --levels; say how levels are cut")
        return None

    from proskill.rating import LevelRule

    names = _scale(scale)
    known = {} if anchors is None else _anchors(anchors, names)
    numbers = _cuts(cuts, len(names)) if cuts else ()
    return LevelRule(names, levels.value, numbers, known)


def _scale(text: str) -> LevelScale:
    from proskill.levels import BASKET_LEVELS, EGOEXO4D_LEVELS, LevelScale

    named = {"": EGOEXO4D_LEVELS, "egoexo4d": EGOEXO4D_LEVELS, "basket": BASKET_LEVELS}
    if text in named:
        return named[text]
    try:
        return LevelScale(tuple(name.strip() for name in text.split(",")))
    except ValueError as error:
        raise typer.BadParameter(
            f"--scale {text!r}: give egoexo4d, basket, or two or more names from the lowest to the "
            f"highest, separated by commas ({error})"
        ) from None


def _cuts(text: str, num_levels: int) -> tuple[float, ...]:
    try:
        cuts = tuple(float(number) for number in text.split(","))
    except ValueError:
        cuts = ()
    ascend = all(low < high for low, high in pairwise(cuts))
    if len(cuts) != num_levels - 1 or not (ascend and all(map(math.isfinite, cuts))):
        raise typer.BadParameter(
            f"--cuts {text!r}: {num_levels} levels need {num_levels - 1} ascending numbers in "
            "logits, separated by commas"
        )
    return cuts


def _anchors(path: Path, scale: LevelScale) -> dict[str, str]:
    from proskill.errors import ProskillError
    from proskill.rating_files.read_back import read_level_anchors

    known = read_level_anchors(path)
    for item, level in known.items():
        if level not in scale.names:
            allowed = ", ".join(map(repr, scale.names))
            raise ProskillError(
                f"{path}: item {item!r} has the level {level!r}, which is not on the scale; "
                f"allowed: {allowed}; name another scale with --scale"
            )
    return known
