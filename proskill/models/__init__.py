"""Models: TimeSformer, view fusion, heads, LoRA, foreign weights, checkpoint directories."""

from __future__ import annotations

from proskill.input_spec import InputSpec
from proskill.models.torchvision_ops import ensure_torchvision_ops

ensure_torchvision_ops()  # before anything below imports timm or peft

from proskill.models.backbone import (  # noqa: E402
    BackboneConfig,
    load_backbone,
    read_backbone_config,
    save_backbone,
)
from proskill.models.checkpoint import (  # noqa: E402
    CheckpointConfig,
    LoadedCheckpoint,
    load_checkpoint,
    read_checkpoint_config,
    save_checkpoint,
)
from proskill.models.fusion import CrossViewFusion, LateFusion  # noqa: E402
from proskill.models.heads import (  # noqa: E402
    LevelPrediction,
    OrdinalHead,
    RegressionHead,
    SoftmaxHead,
)
from proskill.models.lora import LoraSettings, apply_lora, has_lora, merge_lora  # noqa: E402
from proskill.models.proficiency import (  # noqa: E402
    ModelConfig,
    ProficiencyModel,
    build_backbone,
    build_model,
)
from proskill.models.timesformer import TimeSformer  # noqa: E402
from proskill.models.weights import import_weights  # noqa: E402

__all__ = [
    "BackboneConfig",
    "CheckpointConfig",
    "CrossViewFusion",
    "InputSpec",
    "LateFusion",
    "LevelPrediction",
    "LoadedCheckpoint",
    "LoraSettings",
    "ModelConfig",
    "OrdinalHead",
    "ProficiencyModel",
    "RegressionHead",
    "SoftmaxHead",
    "TimeSformer",
    "apply_lora",
    "build_backbone",
    "build_model",
    "has_lora",
    "import_weights",
    "load_backbone",
    "load_checkpoint",
    "merge_lora",
    "read_backbone_config",
    "read_checkpoint_config",
    "save_backbone",
    "save_checkpoint",
]
