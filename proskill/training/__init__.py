"""Training: settings, losses, the Lightning module and its data, runs and their resumption."""

from __future__ import annotations

from proskill.models.torchvision_ops import ensure_torchvision_ops

ensure_torchvision_ops()  # Lightning imports torchmetrics, which imports torchvision
