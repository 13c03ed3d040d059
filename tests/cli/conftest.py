"""Runs the command line in this process; tiny checkpoints and videos to give it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from proskill.cli.main import main


def _scoring_conftest() -> ModuleType:
    """The factories of tests/scoring; test folders are no packages, so they are loaded by path."""
    path = Path(__file__).parents[1] / "scoring" / "conftest.py"
    spec = importlib.util.spec_from_file_location("scoring_conftest", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_factories = _scoring_conftest()
make_video = _factories.make_video
make_checkpoint = _factories.make_checkpoint


@dataclass(frozen=True)
class Result:
    """What a command line left behind."""

    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Result]:
    """Run `proskill` with arguments; without colours, at a width that wraps nothing of interest."""
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("PROSKILL_DEBUG", raising=False)

    def run(*arguments: object) -> Result:
        capsys.readouterr()
        exit_code = main([str(argument) for argument in arguments])
        output = capsys.readouterr()
        return Result(exit_code, output.out, output.err)

    return run
