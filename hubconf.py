"""Entry points of `torch.hub`: `torch.hub.load("owner/repository", "skillformer_ego_exos")`.

Every published setting is an entry point (`proskill.create_model`), and `scorer` loads a trained
model (`proskill.load`).
"""

from functools import partial

from proskill.api import create_model, list_models, load

dependencies = ["torch", "peft", "safetensors", "yaml"]

scorer = load

for _name in list_models():
    globals()[_name] = partial(create_model, _name)
