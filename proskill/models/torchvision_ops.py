"""Make torchvision importable beside a torch build that its C++ library does not fit.

torchvision registers shape rules for its operators `nms` and `qnms` while it is imported. Beside a
CPU build of torch the operator library of a CUDA build of torchvision cannot be loaded, so the
operators do not exist and the import dies with `operator torchvision::nms does not exist`; timm,
and often peft, transformers and lightning, die with it. Everything that proskill takes from
torchvision is pure Python, so declaring the two operators (without an implementation: calling them
still fails, and says so) is enough. Where the real operators load, nothing is declared.

"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import torch

_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_library: torch.library.Library | None = None  # a declaration lives as long as this object


def ensure_torchvision_ops() -> None:
    """Declare torchvision's `nms` and `qnms` if the installed build cannot bring them itself.

    Call it before the first import of torchvision, timm, peft, transformers or lightning; calling
    it again is free.
    """
    global _library
    if _library is not None or _is_declared("nms") or _load_real_operators():
        return
    _library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        _library.define(name + _SIGNATURE)


def _is_declared(name: str) -> bool:
    return hasattr(torch.ops.torchvision, name)


def _load_real_operators() -> bool:
    """Return whether torchvision's operators load here, or torchvision is not installed."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return True
    for library in sorted(Path(spec.origin).parent.glob("_C*")):
        if library.suffix not in {".so", ".pyd", ".dylib"}:
            continue
        try:
            torch.ops.load_library(str(library))
        except (OSError, RuntimeError):
            continue
        if _is_declared("nms"):
            return True
    return False
