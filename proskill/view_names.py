"""Guesses about views from names of files and cameras, for a person to correct."""

from __future__ import annotations

import re
from typing import Literal, get_args

ViewKind = Literal["ego", "exo"]

VIEW_KINDS: tuple[ViewKind, ...] = get_args(ViewKind)
"""In the order of the numbers in `view_kind` arrays: 0 ego, 1 exo."""

MAX_VIEWS = 8
"""Views of one take that are scored together."""

# "ego" or "aria" as a word or with a number: "ego", "ego_2", "aria01_214-1", not "vegos".
_EGO = re.compile(r"(?<![a-z])(ego|aria|gopro[-_ ]?head|head[-_ ]?cam|first[-_ ]?person)(?![a-z])")
_CAMERA = re.compile(
    r"(?<![a-z0-9])(ego\d*|exo\d*|aria\d*(?:_\d+-\d+)?|cam(?:era)?[-_ ]?\d+|view[-_ ]?\d+|gp\d+"
    r"|gopro[-_ ]?(?:head|\d+)|head[-_ ]?cam|(?:first|third)[-_ ]?person)(?![a-z0-9])"
)
# Also words of everyday language: only as the last word do they name a camera.
_SIDE = re.compile(r"(?<![a-z0-9])(front|back|rear|side|left|right|top|above)$")


def guess_kind(name: str) -> ViewKind:
    """ "ego" if a view's or file's name says so, else "exo": most footage is of someone else."""
    return "ego" if _EGO.search(name.lower()) else "exo"


def split_camera(stem: str) -> tuple[str, str]:
    """A file's name without suffix as (what is filmed, which camera).

    `anna_02_cam01` is ("anna_02", "cam01"), `aria01_214-1` is ("", "ego"), and `anna_02`, which
    names no camera, is ("anna_02", "").
    """
    lower = stem.lower()
    found = [*_CAMERA.finditer(lower)][-1:] or [*_SIDE.finditer(lower)]
    if not found or len(lower) != len(stem):  # letters that change length have no safe place
        return stem, ""
    start, end = found[0].span()
    rest = [part.strip("-_. ") for part in (stem[:start], stem[end:])]
    camera = re.sub(r"[-_ ]", "", found[0][0]) if not found[0][0].startswith("aria") else "ego"
    return "_".join(part for part in rest if part), camera
