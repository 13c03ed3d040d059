"""Where the shared clock of views begins in each file, found by their sound.

Not here: comparing two tracks (`proskill.video.audio_alignment`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from proskill.errors import ProskillError
from proskill.video.audio_alignment import sound_offset
from proskill.video.sanitize import Proxy


def sound_origins(proxies: Mapping[str, Proxy]) -> dict[str, float]:
    """Offsets for `Scorer.score` at which the views' sounds fit each other.

    Args:
        proxies: view name -> copy whose sound was kept.

    Returns:
        View name -> where in its file the shared clock begins, in seconds; 0 for the view that
        began last.

    Raises:
        ProskillError: fewer than two views, a view without sound, or sounds that do not fit.
    """
    if len(proxies) < 2:
        raise ProskillError("a single view has nothing to be aligned with; add another one")
    sounds: dict[str, Path] = {}
    for name, proxy in proxies.items():
        if proxy.audio is None:
            raise ProskillError(
                f"view {name!r} has no sound; mark the shared start in the pictures instead"
            )
        sounds[name] = proxy.audio
    reference, *others = sounds
    origins = {reference: 0.0}
    for name in others:
        try:
            origins[name] = sound_offset(sounds[reference], sounds[name]).seconds
        except ProskillError as error:
            raise ProskillError(
                f"the sound of view {name!r} does not clearly fit that of {reference!r}; mark the "
                "shared start in the pictures instead"
            ) from error
    earliest = min(origins.values())
    return {name: round(origin - earliest, 3) for name, origin in origins.items()}
