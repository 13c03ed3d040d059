"""`proskill fit|validate|test|predict --config FILE [--dotted.key value]`, by LightningCLI.

One YAML has four parts: `trainer` (Lightning's arguments), `model` (`SkillModule`), `data`
(`TakeDataModule`) and the keys below. The run folder is `trainer.default_root_dir`. Not here: what
happens in a run (`run`, `module`).
"""

from __future__ import annotations

import difflib
import inspect
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from jsonargparse import ArgumentError, Namespace
from lightning.pytorch import Trainer
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback

from proskill.errors import CheckpointError, ConfigError, ProskillError
from proskill.evaluation.predictions import Predictions
from proskill.models import LoraSettings
from proskill.training.data_module import TakeDataModule
from proskill.training.module import SkillModule
from proskill.training.run import (
    CHECKPOINT_FOLDER,
    LAST,
    WholeFileCheckpointIO,
    quiet_lightning,
    run_callbacks,
    run_loggers,
)

Command = Literal["fit", "validate", "test", "predict"]
COMMANDS: tuple[Command, ...] = ("fit", "validate", "test", "predict")


class SkillCLI(LightningCLI):
    """Parses one config and builds trainer, module and data, without running anything."""

    def __init__(self, args: list[str], *, command: Command = "fit") -> None:
        self._command = command
        super().__init__(
            SkillModule,
            TakeDataModule,
            args=args,
            run=False,
            seed_everything_default=0,
            # Only a training run has logs and a configuration worth keeping beside them.
            save_config_callback=SaveConfigCallback if command == "fit" else None,
            save_config_kwargs={"overwrite": True},
            trainer_defaults={"default_root_dir": "runs/default", "use_distributed_sampler": False},
            parser_kwargs={"exit_on_error": False, "allow_abbrev": False},
            auto_configure_optimizers=False,
            load_from_checkpoint_support=False,
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_argument(
            "--monitor", type=str, default="val/spearman", help="metric that chooses the checkpoint"
        )
        parser.add_argument(
            "--mode", type=Literal["min", "max"], default="max", help="whether more of it is better"
        )
        parser.add_argument(
            "--patience", type=int | None, default=10, help="epochs without gain before stopping"
        )
        parser.add_argument(
            "--ckpt_path",
            type=str | None,
            default=None,
            help="'last' or a .ckpt file to resume from",
        )
        parser.add_argument(
            "--checkpoint",
            type=str | None,
            default=None,
            help="checkpoint directory to judge or predict with; null takes the run's best",
        )
        parser.link_arguments("seed_everything", "model.seed", compute_fn=int)
        parser.link_arguments("seed_everything", "data.seed", compute_fn=int)

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        self.config = parser.parse_args(args)

    def instantiate_trainer(self, **kwargs: Any) -> Any:
        given: Namespace = self.config_init["trainer"]
        run_dir = Path(given.default_root_dir)
        callbacks = given.callbacks or []
        logs = self._command == "fit" and given.logger in (None, True)
        own = run_callbacks(
            run_dir,
            monitor=self.config_init["monitor"],
            mode=self.config_init["mode"],
            patience=self.config_init["patience"],
        )
        return super().instantiate_trainer(
            callbacks=[*(callbacks if isinstance(callbacks, list) else [callbacks]), *own],
            logger=run_loggers(run_dir) if logs else given.logger or False,
            plugins=[*(given.plugins or []), WholeFileCheckpointIO()],
            **kwargs,
        )


@dataclass(frozen=True)
class Evaluation:
    """What `validate` or `test` found.

    Attributes:
        folder: where its files lie.
        predictions: one row per take.
        summary: the content of `metrics.json`.
    """

    folder: Path
    predictions: Predictions
    summary: Mapping[str, Any]


def main(command: Command, args: list[str]) -> Evaluation | None:
    """Run one command.

    Args:
        command: fit, validate, test or predict.
        args: `--config FILE` and any number of `--dotted.key value`.

    Returns:
        What `validate` and `test` found, in the first of several processes; else None.

    Raises:
        ConfigError: a config that does not exist, cannot be read, or has a wrong key or value.
        ProskillError: bad data, a broken video, a checkpoint that cannot be read or written.
    """
    if command not in COMMANDS:
        raise ConfigError(f"command={command!r}: allowed are {', '.join(COMMANDS)}")
    with quiet_lightning():
        cli = parse(args, command=command)
        run_dir = Path(cli.trainer.default_root_dir)
        try:
            if command == "fit":
                resume = _resume_file(cli.config["ckpt_path"], run_dir)
                cli.trainer.fit(
                    cli.model, datamodule=cli.datamodule, ckpt_path=resume, weights_only=True
                )
            else:
                cli.model.load(_checkpoint_directory(cli.config["checkpoint"], run_dir))
                quiet = {} if command == "predict" else {"verbose": False}
                getattr(cli.trainer, command)(cli.model, datamodule=cli.datamodule, **quiet)
        except OSError as error:
            raise ProskillError(
                f"{error.filename or run_dir}: {error.strerror or error}; check the path, the "
                "permissions and the free space"
            ) from error
    predictions = cli.model.predictions
    if command not in ("validate", "test") or not cli.trainer.is_global_zero or not predictions:
        return None
    return Evaluation(run_dir / command, predictions, cli.model.summary)


def parse(args: list[str], *, command: Command = "fit") -> SkillCLI:
    """Trainer, module and data of a config, with every mistake as one sentence.

    Raises:
        ConfigError: a file that cannot be read, a wrong key or a wrong value.
    """
    _check_config_files(args)
    if "--help" in args or "-h" in args:
        SkillCLI(["--help"])  # prints and exits
    try:
        return SkillCLI(args, command=command)
    except ArgumentError as error:
        raise ConfigError(_sentence(str(error), args)) from error
    except SystemExit as error:
        if error.code in (0, None):
            raise
        raise ConfigError(f"the configuration {' '.join(args)} cannot be used") from error


def _check_config_files(args: list[str]) -> None:
    for position, argument in enumerate(args):
        name = None
        if argument in ("--config", "-c") and position + 1 < len(args):
            name = args[position + 1]
        elif argument.startswith("--config="):
            name = argument.partition("=")[2]
        if name is not None and not Path(name).is_file():
            raise ConfigError(f"--config {name}: no such file; the examples lie in configs/")
    if not any(argument.startswith(("--config", "-h", "--help")) for argument in args):
        raise ConfigError("--config is missing: name a YAML file, for example configs/demo.yaml")


def _resume_file(ckpt_path: str | None, run_dir: Path) -> Path | None:
    if ckpt_path is None:
        return None
    path = run_dir / LAST if ckpt_path == "last" else Path(ckpt_path)
    if not path.is_file():
        raise CheckpointError(
            f"--ckpt_path {ckpt_path}: there is no {path}; leave the option out to start anew"
        )
    return path


def _checkpoint_directory(given: str | None, run_dir: Path) -> Path:
    path = Path(given) if given is not None else run_dir / CHECKPOINT_FOLDER
    if not path.is_dir():
        raise CheckpointError(
            f"{path}: no such checkpoint directory; train it with `proskill fit` or name one with "
            "--checkpoint DIR"
        )
    return path


def _sentence(message: str, args: list[str]) -> str:
    """jsonargparse's explanation of several lines as one sentence with a suggestion."""
    text = " ".join(message.split())
    files = [args[i + 1] for i, name in enumerate(args[:-1]) if name in ("--config", "-c")]
    where = f"{', '.join(files)}: " if files else ""
    unknown = _unknown_key(text)
    if unknown is None:
        return where + re.sub(r"(?:an? )?<class '(?:\w+\.)*(\w+)'>", r"\1", text)
    allowed = _known_keys()
    close = difflib.get_close_matches(unknown, allowed, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else "`--help` lists the keys"
    return f"{where}unknown key {unknown!r}; {hint}"


def _unknown_key(text: str) -> str | None:
    grouped = re.search(
        r"Group '(?P<parent>[\w.]+)' does not accept option '(?P<key>[\w.]+)'", text
    )
    if grouped:
        return f"{grouped['parent']}.{grouped['key']}"
    for pattern in (
        r"Option '(?P<key>\w+)' is not accepted",
        r"Key [\"']?(?P<key>[\w.]+)[\"']? is not expected",
        r"(?i:unrecognized arguments): --(?P<key>[\w.]+)",
        r"No action for key [\"'](?P<key>[\w.]+)[\"']",
        r"[\"'](?P<key>[\w.]+)[\"'] is not expected",
    ):
        found = re.search(pattern, text)
        if found:
            key = found["key"]
            parent = re.search(r"Parser key [\"'](?P<parent>[\w.]+)[\"']", text)
            if parent and not key.startswith(parent["parent"]):
                return f"{parent['parent']}.{key}"
            return key
    return None


def _known_keys() -> list[str]:
    keys = ["monitor", "mode", "patience", "ckpt_path", "checkpoint", "seed_everything"]
    for prefix, target in (
        ("trainer", Trainer),
        ("model", SkillModule),
        ("data", TakeDataModule),
        ("model.lora", LoraSettings),
    ):
        names = [name for name in inspect.signature(target.__init__).parameters if name != "self"]
        keys += [prefix, *(f"{prefix}.{name}" for name in names)]
    return keys


if __name__ == "__main__":  # the killed-and-resumed test runs this file as a process of its own
    main(cast(Command, sys.argv[1]), sys.argv[2:])
