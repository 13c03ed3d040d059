"""`proskill fit|validate|test|predict`: pass arguments to the Lightning command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

import typer

Command = Literal["fit", "validate", "test", "predict"]

_HELP: dict[Command, str] = {
    "fit": "Train a model from a configuration; the best checkpoint is in the run folder.",
    "validate": "Evaluate a checkpoint on the validation split, with intervals and a page.",
    "test": "Evaluate a checkpoint on the test split, with intervals and a page.",
    "predict": "Write a checkpoint's predictions for every take of the test split.",
}
_MORE = "\n\nGive --config FILE, and any key of it as --dotted.key VALUE."


def add_lightning_commands(app: typer.Typer) -> None:
    """Add `fit`, `validate`, `test` and `predict` to a command."""
    for name, text in _HELP.items():
        app.command(
            name,
            help=text + _MORE,
            context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
        )(_runner(name))


def _runner(command: Command) -> Callable[..., None]:
    def run(
        context: typer.Context,
        help_config: Annotated[
            bool, typer.Option("--help-config", help="List every key of a configuration.")
        ] = False,
    ) -> None:
        from proskill.training.lightning_cli import main

        found = main(command, ["--help"] if help_config else context.args)
        if found is None:
            return
        from proskill.cli.evaluation_tables import print_evaluation
        from proskill.reports.evaluation import REPORT_FILE, write_report

        page = found.folder / REPORT_FILE
        write_report(page, found.predictions, found.summary, name=found.folder.parent.name)
        print_evaluation(found.summary, page=page)

    return run
