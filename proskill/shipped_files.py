"""Checkpoints and configurations shipped with the package, in a clone or a wheel."""

from __future__ import annotations

from pathlib import Path

from proskill.errors import CheckpointError, ConfigError

_PACKAGE = Path(__file__).parent
_REPOSITORY = _PACKAGE.parent


def find_checkpoint(name: str) -> Path | None:
    """Return `checkpoints/NAME` of the current directory, the repository or the wheel, if any."""
    places = (Path(), _REPOSITORY)
    found = [place / "checkpoints" / name for place in places]
    found.append(_PACKAGE / "_checkpoints" / name)
    return next((path for path in found if (path / "config.json").is_file()), None)


def find_default_checkpoint() -> Path:
    """Return the demo checkpoint.

    Raises:
        CheckpointError: it is neither in the current directory nor shipped.
    """
    found = find_checkpoint("demo")
    if found is None:
        raise CheckpointError(
            f"no checkpoint given and none found in {Path('checkpoints/demo')} or "
            f"{_PACKAGE / '_checkpoints/demo'}; name one with --checkpoint, or make one with "
            "`proskill demo`"
        )
    return found


def list_configs() -> dict[str, Path]:
    """Return the shipped configurations by name."""
    for folder in (_REPOSITORY / "configs", _PACKAGE / "_configs"):
        if found := sorted(folder.glob("*.yaml")):
            return {path.stem: path for path in found}
    return {}


def find_config(name: str) -> Path:
    """Return a YAML file by its path, or a shipped one by its name.

    Raises:
        ConfigError: there is none.
    """
    if Path(name).suffix == ".yaml" and Path(name).is_file():
        return Path(name)
    known = list_configs()
    if name not in known:
        raise ConfigError(
            f"config={name!r}: neither a YAML file nor one of {', '.join(known)}; check the name"
        )
    return known[name]
