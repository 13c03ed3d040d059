"""Models: TimeSformer, view fusion, heads, LoRA, foreign weights, checkpoint directories."""

from proskill.input_spec import InputSpec
from proskill.models.backbone import (
    BackboneConfig,
    load_backbone,
    read_backbone_config,
    save_backbone,
)
from proskill.models.checkpoint import (
    CheckpointConfig,
    LoadedCheckpoint,
    load_checkpoint,
    read_checkpoint_config,
    save_checkpoint,
)
from proskill.models.fusion import CrossViewFusion, LateFusion
from proskill.models.heads import (
    LevelPrediction,
    OrdinalHead,
    RegressionHead,
    SoftmaxHead,
)
from proskill.models.lora import LoraSettings, apply_lora, has_lora, merge_lora
from proskill.models.proficiency import (
    ModelConfig,
    ProficiencyModel,
    build_backbone,
    build_model,
)
from proskill.models.timesformer import TimeSformer
from proskill.models.torchvision_ops import ensure_torchvision_ops
from proskill.models.weights import import_weights

ensure_torchvision_ops()  # before anything imports timm, peft or torchvision

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
