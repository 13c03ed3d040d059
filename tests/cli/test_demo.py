from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest


def test_the_folder_reaches_the_demo(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []
    stand_in = SimpleNamespace(run_demo=seen.append)
    monkeypatch.setitem(sys.modules, "proskill.demo.pipeline", stand_in)
    assert run("demo").exit_code == 0
    assert run("demo", "--out", "elsewhere").exit_code == 0
    assert seen == [Path("runs/demo"), Path("elsewhere")]
