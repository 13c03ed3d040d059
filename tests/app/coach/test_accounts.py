from __future__ import annotations

from pathlib import Path

import pytest

from proskill.app.coach.accounts import Accounts, add_account
from proskill.errors import ConfigError


def test_name_and_password_belong_together(tmp_path: Path) -> None:
    file = tmp_path / "accounts"
    add_account(file, "anna", "a long password")
    add_account(file, "ben@club", "another password")
    accounts = Accounts.read(file)
    assert accounts.admits("anna", "a long password")
    assert accounts.admits("ben@club", "another password")
    assert not accounts.admits("anna", "another password")
    assert not accounts.admits("carl", "a long password")
    assert not accounts.admits("", "")


def test_the_file_shows_no_password_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "accounts"
    add_account(file, "anna", "a long password")
    assert b"password" not in file.read_bytes()
    assert file.stat().st_mode & 0o077 == 0


def test_the_same_password_is_kept_differently_for_two_accounts(tmp_path: Path) -> None:
    file = tmp_path / "accounts"
    add_account(file, "anna", "a long password")
    add_account(file, "ben", "a long password")
    one, two = file.read_text().splitlines()
    assert one.split(":")[4:] != two.split(":")[4:]


def test_a_new_password_replaces_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "accounts"
    add_account(file, "anna", "a long password")
    add_account(file, "anna", "a newer password")
    accounts = Accounts.read(file)
    assert accounts.admits("anna", "a newer password")
    assert not accounts.admits("anna", "a long password")


@pytest.mark.parametrize(
    ("name", "password", "reason"),
    [
        ("anna:1", "a long password", "letters, digits"),
        ("", "a long password", "letters, digits"),
        ("anna", "short", "take 8 or more"),
    ],
)
def test_names_and_passwords_that_cannot_work_are_refused(
    tmp_path: Path, name: str, password: str, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        add_account(tmp_path / "accounts", name, password)
    assert not (tmp_path / "accounts").exists()


@pytest.mark.parametrize(
    "text",
    ["", "anna:password\n", "anna:3:8:1:00:00\n", f"anna:{2**30}:8:1:00:{'00' * 32}\n", "\xff\n"],
)
def test_a_file_that_is_none_of_accounts_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "accounts"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(ConfigError, match="account"):
        Accounts.read(file)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o620, 0o602])
def test_a_file_that_others_may_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "accounts"
    add_account(file, "anna", "a long password")
    file.chmod(mode)
    with pytest.raises(ConfigError, match=f"others may read or change .* `chmod 600 {file}`"):
        Accounts.read(file)


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="proskill app-user"):
        Accounts.read(tmp_path / "accounts")
