"""Directories of weights: written whole or not at all, read without running code from them.

`config.json`, `model.safetensors`, `README.md` and, for a calibrated model, `calibration.json`.
Not here: the content of the configuration (`checkpoint.py`, `backbone.py`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as safetensors_bytes
from torch import Tensor, nn

from proskill.errors import CheckpointError
from proskill.plain_json import from_plain_json

CONFIG, WEIGHTS, CARD, CALIBRATION = (
    "config.json",
    "model.safetensors",
    "README.md",
    "calibration.json",
)
FORMAT = 1
T = TypeVar("T")
_FILES = {CONFIG, WEIGHTS, CARD, CALIBRATION}
_FLOATS = {torch.float32, torch.float16, torch.bfloat16, torch.float64}


def write_directory(
    out: Path,
    *,
    config: Mapping[str, Any],
    state: Mapping[str, Tensor],
    card: str,
    calibration: Mapping[str, Any] | None = None,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a directory of weights beside its place and move it there when it is complete.

    A directory of weights that is already there is replaced; until the last moment it stays as it
    was.

    Raises:
        CheckpointError: the place is taken by something else, a value cannot be stored, or the disk
            is full.
    """
    out = Path(out)
    _refuse_foreign(out)
    try:
        texts = {CONFIG: _to_json({"format": FORMAT, **config}), CARD: card}
        if calibration is not None:
            texts[CALIBRATION] = _to_json(calibration)
    except (TypeError, ValueError) as error:
        raise CheckpointError(
            f"{out}: the configuration or calibration cannot be stored as JSON ({error}); "
            "use numbers, text, lists and dictionaries only"
        ) from error
    tensors = {
        key: value.detach().to("cpu", dtype).contiguous().clone() for key, value in state.items()
    }
    temporary: Path | None = None
    place = out.absolute()  # `.` and `..` have no name of their own
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(
            tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".part", dir=place.parent)
        )
        temporary.chmod(0o755)  # mkdtemp makes it private; a checkpoint is read by others
        _write(temporary / WEIGHTS, safetensors_bytes(tensors))
        for name, text in texts.items():
            _write(temporary / name, text.encode())
        _replace(temporary, place)
    except OSError as error:
        raise CheckpointError(
            f"{out}: the weights could not be written ({error.strerror or error}); free some "
            "space or choose another place; nothing was left there, an earlier directory is "
            "unchanged"
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def read_config(directory: Path, kind: type[T], *, name: str) -> T:
    """Read `config.json` of a directory of weights into a frozen dataclass.

    Args:
        directory: of weights.
        kind: the dataclass.
        name: value of the key `kind`.

    Raises:
        CheckpointError: no such directory, no or unreadable `config.json`, another kind, a newer
            format, or a key or value that the dataclass refuses.
    """
    if not directory.is_dir():
        what = "is a file, not a directory" if directory.exists() else "does not exist"
        raise CheckpointError(f"{directory}: {what}; give a directory with {CONFIG} and {WEIGHTS}")
    where = directory / CONFIG
    config = read_json(where)
    if (found := config.pop("kind", None)) != name:
        raise CheckpointError(
            f"{where}: kind is {found!r}, expected {name!r}; give a directory that proskill wrote "
            f"as a {name}"
        )
    if (version := config.pop("format", None)) != FORMAT:
        raise CheckpointError(
            f"{where}: format is {version!r}, this version reads {FORMAT}; install the version of "
            "proskill that wrote it"
        )
    try:
        return from_plain_json(kind, config)
    except ValueError as error:
        raise CheckpointError(f"{where}: {error}; copy the directory again") from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        CheckpointError: missing, unreadable, or not an object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _missing(path) from error
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: not readable as JSON ({error}); copy it again") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{path}: is a {type(value).__name__}, expected a JSON object")
    return value


def load_weights(module: nn.Module, path: Path) -> None:
    """Load exactly the tensors of a safetensors file into `module`, as float32.

    Raises:
        CheckpointError: not a safetensors file, or a tensor is missing, surplus, misshapen, not of
            a floating type or not finite.
    """
    fit_tensors(module, read_safetensors(path), where=path)


def fit_tensors(module: nn.Module, tensors: Mapping[str, Tensor], *, where: Path | str) -> None:
    """Load exactly these tensors into `module`, which may be on the `meta` device.

    Raises:
        CheckpointError: see `load_weights`.
    """
    check_fit(module.state_dict(), tensors, where=where)
    for key, value in tensors.items():
        if value.dtype not in _FLOATS:
            raise CheckpointError(
                f"{where}: tensor {key!r} has type {value.dtype}, expected floating point; give "
                f"unquantised weights"
            )
        if not bool(torch.isfinite(value).all()):
            raise CheckpointError(
                f"{where}: tensor {key!r} has values that are not finite; the file is damaged or "
                "training diverged, use an earlier checkpoint"
            )
    # A copy, because tensors read from a file are views of it: replacing the file would take them
    # along, and their odd alignment rounds products differently from the same weights in memory of
    # their own.
    floats = {key: value.to(torch.float32, copy=True) for key, value in tensors.items()}
    module.load_state_dict(floats, strict=True, assign=True)


def check_fit(expected: Mapping[str, Any], found: Mapping[str, Any], *, where: Path | str) -> None:
    """Check that both have the same tensors by name and shape.

    Raises:
        CheckpointError: the first tensor that is missing, surplus or misshapen.
    """
    advice = f"give the {CONFIG} and weights of the same model, whole"
    if missing := [key for key in expected if key not in found]:
        raise CheckpointError(
            f"{where}: tensor {missing[0]!r} is missing ({len(missing)} in all); {advice}"
        )
    if surplus := [key for key in found if key not in expected]:
        raise CheckpointError(
            f"{where}: tensor {surplus[0]!r} is not part of the model ({len(surplus)} in all); "
            f"{advice}"
        )
    for key, value in found.items():
        if value.shape != expected[key].shape:
            raise CheckpointError(
                f"{where}: tensor {key!r} has shape {tuple(value.shape)}, the model needs "
                f"{tuple(expected[key].shape)}; {advice}"
            )


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Read all tensors of a safetensors file.

    Raises:
        CheckpointError: missing, a pickle, or damaged.
    """
    try:
        with path.open("rb") as file:
            start = file.read(9)
        # Safetensors begin with eight bytes of length, which may be anything, and a brace.
        if start[8:] != b"{" and (start[:2] == b"PK" or start[:1] == b"\x80"):
            raise CheckpointError(
                f"{path}: is a pickle (PyTorch's own format), which could run code, not "
                "safetensors; convert it where you trust it, with safetensors.torch.save_file"
            )
        with safe_open(path, framework="pt") as tensors:
            return {key: tensors.get_tensor(key) for key in tensors.keys()}  # noqa: SIM118
    except FileNotFoundError as error:
        raise _missing(path) from error
    except (OSError, SafetensorError, ValueError) as error:
        raise CheckpointError(
            f"{path}: not a whole safetensors file ({error}); copy it again"
        ) from error


def digest(directory: Path) -> str:
    """Return the SHA-256 of configuration, weights and, if present, calibration, concatenated.

    The same as `cat config.json model.safetensors calibration.json | sha256sum`.
    """
    sha = hashlib.sha256()
    for name in (CONFIG, WEIGHTS, CALIBRATION):
        if (directory / name).exists():
            with (directory / name).open("rb") as file:
                hashlib.file_digest(file, lambda: sha)
    return sha.hexdigest()


def _missing(path: Path) -> CheckpointError:
    return CheckpointError(
        f"{path}: the file is missing; the directory is not a complete checkpoint, copy it again"
    )


def _to_json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # a full disk may show only here


def _refuse_foreign(out: Path) -> None:
    """Refuse to replace, and so delete, other things than directories of weights or empty ones."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise CheckpointError(f"{out}: exists and is not a directory; choose another place")
    if out.is_dir():
        foreign = sorted(path.name for path in out.iterdir() if path.name not in _FILES)
        if foreign:
            raise CheckpointError(
                f"{out}: contains {foreign[0]!r}, which is not part of a checkpoint and would be "
                "lost; choose an empty or new directory"
            )


def _replace(temporary: Path, out: Path) -> None:
    if not out.exists():
        temporary.rename(out)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".old", dir=out.parent))
    out.rename(old / "was")
    try:
        temporary.rename(out)
    except OSError:
        (old / "was").rename(out)
        old.rmdir()
        raise
    shutil.rmtree(old, ignore_errors=True)
