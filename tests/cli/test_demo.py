from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest


def test_folder_and_configuration_reach_the_demo(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Path, Path]] = []
    stand_in = SimpleNamespace(run_demo=lambda out, config, **_: seen.append((out, config)))
    monkeypatch.setitem(sys.modules, "proskill.demo.pipeline", stand_in)
    assert run("demo").exit_code == 0
    assert run("demo", "--out", "elsewhere", "--config", "own.yaml").exit_code == 0
    assert seen == [
        (Path("runs/demo"), Path("configs/demo.yaml")),
        (Path("elsewhere"), Path("own.yaml")),
    ]
