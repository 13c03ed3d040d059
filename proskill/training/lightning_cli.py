"""`proskill fit|validate|test|predict --config FILE [--dotted.key value]`, by LightningCLI.

One YAML has four parts: `trainer` (Lightning's arguments), `model` (`SkillModule`) and `data`
(`TakeDataModule`) with the groups of `settings`, and the keys of `add_arguments_to_parser`. The run
folder is `trainer.default_root_dir`. Not here: the run itself (`run`, `module`).
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal, cast

import yaml
from jsonargparse import ArgumentError, Namespace
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI, SaveConfigCallback

from proskill.errors import CheckpointError, ConfigError, ProskillError
from proskill.evaluation.predictions import Predictions
from proskill.models import LoraSettings
from proskill.training.data_module import TakeDataModule
from proskill.training.module import SkillModule
from proskill.training.resume import LAST, WholeFileCheckpointIO
from proskill.training.run import (
    CHECKPOINT_FOLDER,
    quiet_lightning,
    run_callbacks,
    run_loggers,
    run_stage,
)
from proskill.training.split_takes import Stage


class SkillCLI(LightningCLI):
    """Parses one config and builds trainer, module and data, without running anything."""

    def __init__(self, args: list[str], *, command: Stage = "fit") -> None:
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
            "--mode",
            type=Literal["min", "max"],
            default="max",
            help="max where more of it is better",
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
            help="checkpoint directory to evaluate or predict with; null takes the run's best",
        )
        parser.link_arguments("seed_everything", "model.seed", compute_fn=int)
        parser.link_arguments("seed_everything", "data.seed", compute_fn=int)

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        _require_known_keys(parser, args)
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
    """Result of `validate` or `test`.

    Attributes:
        folder: contains its files.
        predictions: one row per take.
        summary: the content of `metrics.json`.
    """

    folder: Path
    predictions: Predictions
    summary: Mapping[str, Any]


def main(command: Stage, args: list[str]) -> Evaluation | None:
    """Run one command.

    Args:
        command: fit, validate, test or predict.
        args: `--config FILE` and any number of `--dotted.key value`.

    Returns:
        The result of `validate` and `test`, in the first of several processes; else None.

    Raises:
        ConfigError: a config that does not exist, cannot be read, or has a wrong key or value.
        ProskillError: bad data, a broken video, a checkpoint that cannot be read or written.
    """
    with quiet_lightning():
        cli = parse(args, command=command)
        run_dir = Path(cli.trainer.default_root_dir)
        options: dict[str, Any] = {} if command == "predict" else {"verbose": False}
        try:
            if command == "fit":
                resume = _resume_file(cli.config["ckpt_path"], run_dir)
                options = {"ckpt_path": resume, "weights_only": True}
            else:
                cli.model.load(_checkpoint_directory(cli.config["checkpoint"], run_dir))
            run_stage(cli.trainer, command, cli.model, cli.datamodule, **options)
        except OSError as error:
            raise ProskillError(
                f"{error.filename or run_dir}: {error.strerror or error}; check the path, the "
                "permissions and the free space"
            ) from error
    predictions = cli.model.predictions
    if command not in ("validate", "test") or not cli.trainer.is_global_zero or not predictions:
        return None
    return Evaluation(run_dir / command, predictions, cli.model.summary)


def parse(args: list[str], *, command: Stage = "fit") -> SkillCLI:
    """Build trainer, module and data of a config, with every mistake as one sentence.

    Raises:
        ConfigError: a file that cannot be read, a wrong key or a wrong value.
    """
    files = _config_files(args)
    if "--help" in args or "-h" in args:
        SkillCLI(["--help"])  # prints and exits
    try:
        return SkillCLI(args, command=command)
    except ArgumentError as error:
        raise ConfigError(f"{', '.join(files)}: {' '.join(str(error).split())}") from error
    except SystemExit as error:
        if error.code in (0, None):
            raise
        raise ConfigError(f"the configuration {' '.join(args)} cannot be used") from error


def _config_files(args: list[str]) -> list[str]:
    names = [value for name, value in _options(args) if name == "config"]
    for name in names:
        if not Path(name).is_file():
            raise ConfigError(f"--config {name}: no such file; the examples are in configs/")
    if not names and not {"-h", "--help"} & set(args):
        raise ConfigError("--config is missing: name a YAML file, for example configs/demo.yaml")
    return names


def _options(args: list[str]) -> Iterator[tuple[str, str]]:
    """Yield name and value of every option of a command line."""
    for argument, following in zip(args, [*args[1:], ""], strict=False):
        name, equals, value = argument.partition("=")
        if name == "-c" or name.startswith("--"):
            yield name.removeprefix("-c").lstrip("-") or "config", value if equals else following


def _require_known_keys(parser: LightningArgumentParser, args: list[str]) -> None:
    """Refuse the first key of a config file or the command line that nothing reads."""
    known = {"config", "help", "print_config", *parser.get_defaults().keys()}
    known |= {f"model.lora.{field.name}" for field in fields(LoraSettings)}
    groups = {key[:at] for key in known for at, letter in enumerate(key) if letter == "."}
    open_keys = known - groups - {"model.lora"}  # a dictionary, or a class with its `init_args`

    def require(key: str, where: str) -> None:
        parents = [key[:at] for at, letter in enumerate(key) if letter == "."]
        if key in known | groups or any(parent in open_keys for parent in parents):
            return
        if not key.endswith(".help"):
            close = difflib.get_close_matches(key, known | groups, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]!r}?" if close else "`--help` lists the keys"
            raise ConfigError(f"{where}unknown key {key!r}; {hint}")

    for name, value in _options(args):
        require(name.removesuffix("+"), "")
        if name == "config":
            try:
                content = yaml.safe_load(Path(value).read_text(encoding="utf-8"))
            except (yaml.YAMLError, UnicodeDecodeError) as error:
                raise ConfigError(f"{value}: not YAML ({' '.join(str(error).split())})") from error
            for key in _dotted(content, known):
                require(key, f"{value}: ")


def _dotted(content: Any, known: set[str], parent: str = "") -> Iterator[str]:
    """Yield the dotted keys of nested dictionaries, down to the known ones."""
    for name, value in content.items() if isinstance(content, dict) else ():
        key = f"{parent}{name}"
        if isinstance(value, dict) and (key not in known or key == "model.lora"):
            yield from _dotted(value, known, f"{key}.")
        else:
            yield key


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


if __name__ == "__main__":  # the killed-and-resumed test runs this file as a process of its own
    main(cast(Stage, sys.argv[1]), sys.argv[2:])
