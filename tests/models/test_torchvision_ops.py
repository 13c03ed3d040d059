"""torchvision and its users import beside any build of torch."""

from __future__ import annotations

import subprocess
import sys

import torch

from proskill.models.torchvision_ops import ensure_torchvision_ops


def test_torchvision_imports_after_the_models_package():
    code = "import proskill.models, torchvision, torchvision.transforms.v2, timm"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_asking_twice_declares_once():
    ensure_torchvision_ops()
    ensure_torchvision_ops()
    assert hasattr(torch.ops.torchvision, "nms")


def test_proskill_alone_loads_no_torch():
    code = "import sys, proskill; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
