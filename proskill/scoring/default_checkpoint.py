"""Where the checkpoint lies that is used when nobody names one."""

from __future__ import annotations

from pathlib import Path

import proskill
from proskill.errors import CheckpointError

RELATIVE = Path("checkpoints/demo")
PACKAGED = Path("_checkpoints/demo")


def find_default_checkpoint() -> Path:
    """The demo checkpoint: of the current directory, of the repository, or inside the package.

    Raises:
        CheckpointError: it is in none of these places.
    """
    package = Path(proskill.__file__).parent
    places = (RELATIVE, package.parent / RELATIVE, package / PACKAGED)
    for place in places:
        if (place / "config.json").is_file():
            return place
    raise CheckpointError(
        f"no checkpoint given and none found in {RELATIVE} or {package / PACKAGED}; name one with "
        "--checkpoint, or make one with `proskill demo`"
    )
