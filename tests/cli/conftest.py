"""Runs the command line in this process; tiny checkpoints and videos to give it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from fixtures.scoring import make_checkpoint, make_video
from proskill.cli.main import main

__all__ = ["make_checkpoint", "make_video", "run"]


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
