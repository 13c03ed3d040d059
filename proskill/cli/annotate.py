"""`proskill annotate`: campaigns of pairwise comparisons."""

from __future__ import annotations

import typer

from proskill.cli.annotate_serve import serve, simulate, status

annotate_app = typer.Typer(
    name="annotate", help="Campaigns of pairwise comparisons.", no_args_is_help=True
)
annotate_app.command()(serve)
annotate_app.command()(status)
annotate_app.command()(simulate)
