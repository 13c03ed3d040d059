"""`proskill weights import`: weights made elsewhere, as a backbone directory."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

weights_app = typer.Typer(
    name="weights", help="Bring in weights from elsewhere.", no_args_is_help=True
)


@weights_app.callback()
def _group() -> None:
    """Bring in weights from elsewhere."""


@weights_app.command("import")
def import_command(
    source: Annotated[
        str,
        typer.Argument(
            help="Official TimeSformer .pyth file, transformers directory or hub name, "
            "timm ViT name or file."
        ),
    ],
    out: Annotated[Path, typer.Argument(help="Backbone directory to write.")],
    frames: Annotated[
        int | None, typer.Option(min=1, help="Frames of the time embedding, for image models.")
    ] = None,
    heads: Annotated[
        int | None, typer.Option(min=1, help="Attention heads, where the source does not say.")
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence to record instead of the source's.")
    ] = None,
) -> None:
    """Turn weights made elsewhere into a backbone directory.

    Licence, normalisation and source are written to its config.json. A file is never unpickled
    without restriction; a hub is asked only when a hub name is given.
    """
    from proskill.models.weights import import_weights

    import_weights(source, out, num_frames=frames, num_heads=heads, licence=licence)
    print(out)
