"""proskill: multi-view video in, a calibrated skill level out.

>>> import proskill
>>> scorer = proskill.load("demo")
>>> proskill.list_models()[-1]
'skillformer_exos'

Importing this package loads neither torch nor gradio. The packages one level down are the rest of
the public API: `proskill.data`, `evaluation`, `models`, `rating`, `scoring`, `simulation`, `video`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from proskill._version import __version__

if TYPE_CHECKING:
    from proskill.api import create_model, fit, list_models, load

__all__ = ["__version__", "create_model", "fit", "list_models", "load"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'proskill' has no attribute {name!r}")
    return getattr(import_module("proskill.api"), name)


def __dir__() -> list[str]:
    return __all__
