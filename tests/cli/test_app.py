from __future__ import annotations

import io
from pathlib import Path

import pytest

from proskill.app.coach.accounts import Accounts
from proskill.cli.main import main


def test_an_account_is_made_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "accounts"
    monkeypatch.setattr("sys.stdin", io.StringIO("a long password\n"))
    assert main(["app-user", str(file), "anna", "--password-stdin"]) == 0
    assert capsys.readouterr().out == f"anna may log in with {file}.\n"
    assert Accounts.read(file).admits("anna", "a long password")


def test_a_password_that_is_too_short_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("short\n"))
    assert main(["app-user", str(tmp_path / "accounts"), "anna", "--password-stdin"]) == 1
    assert capsys.readouterr().err == "Error: the password has 5 characters; take 8 or more\n"


def test_a_checkpoint_that_is_none_is_refused_before_the_page_opens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["app", "--checkpoint", str(tmp_path)]) == 1
    assert "holds no config.json; name a checkpoint's directory" in capsys.readouterr().err


def test_accounts_that_are_none_are_refused_before_the_page_opens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "accounts").write_text("anna\n")
    assert main(["app", "--auth", str(tmp_path / "accounts")]) == 1
    assert "line 1: is no account" in capsys.readouterr().err
