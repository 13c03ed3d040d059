from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from proskill import diagnostics
from proskill.diagnostics import Diagnosis, Finding

Run = Callable[..., Any]

HEALTHY = Diagnosis((Finding("torch", "ok", "2.13.0"), Finding("gradio", "note", "not installed")))
ILL = Diagnosis((Finding("torch", "ok", "2.13.0"), Finding("decoding", "fail", "no codec")))


def test_a_healthy_machine_is_exit_code_0(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "diagnose", lambda: HEALTHY)
    result = run("doctor")
    assert result.exit_code == 0
    words = [line.split() for line in result.stdout.splitlines()]
    assert words[:2] == [["ok", "torch", "2.13.0"], ["note", "gradio", "not", "installed"]]
    assert "proskill can work here." in result.stdout


def test_a_missing_part_is_exit_code_1_and_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "diagnose", lambda: ILL)
    result = run("doctor")
    assert result.exit_code == 1
    assert "FAIL  decoding  no codec" in result.stdout
    assert "To be repaired first: decoding." in result.stdout


def test_json_holds_every_finding(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnostics, "diagnose", lambda: ILL)
    result = run("doctor", "--json")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert report["is_healthy"] is False
    assert report["findings"][1] == {"name": "decoding", "status": "fail", "detail": "no codec"}
