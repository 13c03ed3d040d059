"""Datasets as sequences of takes: one reader and one class per layout.

    takes = EgoExo4D("datasets/egoexo4d", split="val")
    clip, target = takes.as_torch(num_frames=16, img_size=224)[0]

Importing this package loads neither torch nor pyarrow.
"""

from proskill.data.basket import BASKET_SKILLS, read_basket
from proskill.data.datasets import Basket, EgoExo4D, Manifest, ProSkill, TakeSequence
from proskill.data.egoexo4d import read_egoexo4d
from proskill.data.expert_commentary import Commentary, Remark, read_commentary
from proskill.data.manifest import read_manifest, require_disjoint_participants, write_manifest
from proskill.data.proskill_dataset import read_proskill
from proskill.data.sources import load_takes
from proskill.data.take import Split, Take, View
from proskill.view_names import ViewKind

__all__ = [
    "BASKET_SKILLS",
    "Basket",
    "Commentary",
    "EgoExo4D",
    "Manifest",
    "ProSkill",
    "Remark",
    "Split",
    "Take",
    "TakeSequence",
    "View",
    "ViewKind",
    "load_takes",
    "read_basket",
    "read_commentary",
    "read_egoexo4d",
    "read_manifest",
    "read_proskill",
    "require_disjoint_participants",
    "write_manifest",
]
