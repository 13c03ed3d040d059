from __future__ import annotations

import io
import socket
from pathlib import Path

import pytest

from proskill.app.coach.accounts import Accounts, add_account
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
    assert "has no config.json; name a checkpoint's directory" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_half_a_checkpoint_is_refused_before_the_page_opens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    for name in {"config.json", "model.safetensors"} - {missing}:
        (tmp_path / name).touch()
    assert main(["app", "--checkpoint", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"Error: {tmp_path}: has no {missing}; name a checkpoint's directory\n"
    )


def test_other_machines_are_let_in_by_accounts_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["app", "--host", "0.0.0.0"]) == 1
    assert capsys.readouterr().err == (
        "Error: --host 0.0.0.0 lets other machines in to videos of people; name with --auth a "
        "file of accounts, made by `proskill app-user`\n"
    )


def test_accounts_that_others_may_read_are_refused_before_the_page_opens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "accounts"
    add_account(file, "anna", "a long password")
    file.chmod(0o644)
    assert main(["app", "--auth", str(file)]) == 1
    assert capsys.readouterr().err == (
        f"Error: {file}: others may read or change these accounts; make the file yours alone with "
        f"`chmod 600 {file}`\n"
    )


def test_a_port_that_is_taken_is_said_before_the_page_opens(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["app", "--port", str(port)]) == 1
    assert capsys.readouterr().err == (
        f"Error: cannot listen on 127.0.0.1, port {port} (Address already in use); choose another "
        "--port, or a --host that is an address of this machine\n"
    )


def test_a_machine_without_ffmpeg_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "gone"))
    assert main(["app"]) == 1
    assert capsys.readouterr().err == (
        "Error: videos from others are copied with ffmpeg, which is not installed here; install it "
        "by `pip install imageio-ffmpeg`\n"
    )


def test_accounts_that_are_none_are_refused_before_the_page_opens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "accounts").write_text("anna\n")
    assert main(["app", "--auth", str(tmp_path / "accounts")]) == 1
    assert "line 1: is no account" in capsys.readouterr().err
