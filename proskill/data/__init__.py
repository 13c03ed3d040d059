"""Datasets in, `list[Take]` out. One reader per layout; whatever is read, a take is a take.

Importing this package loads neither torch nor pyarrow; what turns takes into tensors is imported
from `proskill.data.take_dataset`.
"""

from proskill.data.basket import BASKET_SKILLS, read_basket
from proskill.data.egoexo4d import read_egoexo4d
from proskill.data.expert_commentary import Commentary, Remark, read_commentary
from proskill.data.manifest import read_manifest, require_disjoint_participants, write_manifest
from proskill.data.proskill_dataset import read_proskill
from proskill.data.sources import load_takes
from proskill.data.take import Split, Take, View
from proskill.view_names import ViewKind

__all__ = [
    "BASKET_SKILLS",
    "Commentary",
    "Remark",
    "Split",
    "Take",
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
