from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    seen: list[tuple[str, list[str]]] = []
    stand_in = SimpleNamespace(main=lambda command, args: seen.append((command, args)))
    monkeypatch.setitem(sys.modules, "proskill.training.lightning_cli", stand_in)
    return seen


@pytest.mark.parametrize("command", ["fit", "validate", "test", "predict"])
def test_every_argument_reaches_lightning(
    run: Run, calls: list[tuple[str, list[str]]], command: str
) -> None:
    arguments = ["--config", "a.yaml", "--model.optim.lr=1e-3", "--trainer.max_epochs", "2"]
    assert run(command, *arguments).exit_code == 0
    assert calls == [(command, arguments)]


def test_help_config_asks_lightning_for_its_keys(
    run: Run, calls: list[tuple[str, list[str]]]
) -> None:
    assert run("fit", "--help-config").exit_code == 0
    assert calls == [("fit", ["--help"])]


def test_a_missing_config_is_one_line(run: Run, tmp_path: Path) -> None:
    result = run("fit", "--config", tmp_path / "absent.yaml")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: --config {tmp_path / 'absent.yaml'}: no such file")
    assert result.stderr.count("\n") == 1
