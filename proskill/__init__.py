"""proskill: multi-view video in, a calibrated skill level out.

Importing this package loads neither torch nor gradio. What people use lives one level down:
`proskill.models`, `proskill.scoring`, `proskill.data`, `proskill.video` and `proskill.simulation`.
"""

from proskill._version import __version__

__all__ = ["__version__"]
