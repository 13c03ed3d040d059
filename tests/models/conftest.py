"""Small models for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from proskill.models import ModelConfig, ProficiencyModel, TimeSformer, build_model

TINY: dict[str, Any] = {
    "img_size": 32,
    "patch_size": 8,
    "num_frames": 4,
    "embed_dim": 32,
    "depth": 3,
    "num_heads": 2,
}


@pytest.fixture
def tiny_arguments() -> dict[str, Any]:
    return dict(TINY)


@pytest.fixture
def make_backbone() -> Callable[..., TimeSformer]:
    """A tiny TimeSformer in which no weight is zero, so that every part of it shows in the "
    "output."""

    def make(**overrides: Any) -> TimeSformer:
        model = TimeSformer(**{**TINY, **overrides})
        return shake(model)

    return make


@pytest.fixture
def make_model() -> Callable[..., ProficiencyModel]:
    """A tiny ProficiencyModel in which no weight is zero."""

    def make(config: ModelConfig | None = None, **fusion: Any) -> ProficiencyModel:
        return shake(build_model(config or tiny_config(**fusion)))

    return make


@pytest.fixture
def make_config() -> Callable[..., ModelConfig]:
    return tiny_config


def tiny_config(
    *, head: str = "softmax", lora: dict[str, Any] | None = None, **fusion: Any
) -> ModelConfig:
    return ModelConfig(
        backbone=TINY,
        fusion={"hidden_dim": 48, "num_heads": 2, **fusion},
        head={"kind": head, "num_levels": 4},
        lora=lora,
    )


def shake(model: Any) -> Any:
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".lora_" not in name:
                parameter.add_(0.1 * torch.randn_like(parameter))
    return model.eval()


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)
