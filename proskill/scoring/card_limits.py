"""What a checkpoint's card says its model is no judge of."""

from __future__ import annotations

import re
from pathlib import Path

_MAX_CARD_BYTES = 200_000


def card_limits(directory: Path) -> tuple[str, ...]:
    """The points under the heading "Limits" of a model card, as plain sentences.

    Args:
        directory: of a checkpoint; its card is README.md.

    Returns:
        One text a point, without markup; empty where there is no card or no such heading.
    """
    try:
        with (directory / "README.md").open(encoding="utf-8", errors="replace") as file:
            text = file.read(_MAX_CARD_BYTES)
    except OSError:
        return ()
    section = re.search(r"^#+\s*limit[^\n]*\n(.*?)(?=^#|\Z)", text, re.I | re.M | re.S)
    if section is None:
        return ()
    points = re.split(r"^\s*[-*]\s+|\n\s*\n", section[1], flags=re.M)
    plain = (
        re.sub(r"[*`_]{1,2}(\S.*?\S|\S)[*`_]{1,2}", r"\1", " ".join(p.split())) for p in points
    )
    return tuple(point for point in plain if point)
