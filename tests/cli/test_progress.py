from __future__ import annotations

import io
import sys

import pytest

from proskill.cli.progress import progress_bar


def test_nothing_is_written_when_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("working") as on_progress:
        on_progress(1, 2)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_sees_the_bar_on_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with progress_bar("working") as on_progress:
        on_progress(2, 2)
    assert "working" in terminal.getvalue()
    assert "2/2" in terminal.getvalue()
