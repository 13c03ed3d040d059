"""Training: losses, metrics, cached features, the Lightning module and its data, evaluation."""

from __future__ import annotations

from proskill.models.torchvision_ops import ensure_torchvision_ops

ensure_torchvision_ops()  # Lightning imports torchmetrics, which imports torchvision
