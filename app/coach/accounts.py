"""Accounts: a file of names and salted password hashes, one account a line.

A line is `name:n:r:p:salt:hash`, numbers and hexadecimal bytes of scrypt (RFC 7914). Passwords
cannot be read off the file; a person who can write it can let themselves in.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from proskill.errors import ConfigError
from proskill.whole_file import write_whole

MIN_PASSWORD_LENGTH = 8

_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
_COST, _BLOCK, _PARALLEL = 2**15, 8, 1  # 32 MiB and about 0.1 s for each guess
_COSTS = [2**power for power in range(1, 21)]  # scrypt wants powers of two


@dataclass(frozen=True)
class PasswordHash:
    """The hash of a password, with its scrypt parameters and salt."""

    cost: int
    block: int
    parallel: int
    salt: bytes
    digest: bytes

    @classmethod
    def of(cls, password: str) -> PasswordHash:
        """Hash a password with a new salt."""
        salt = secrets.token_bytes(16)
        empty = cls(_COST, _BLOCK, _PARALLEL, salt, b"")
        return cls(_COST, _BLOCK, _PARALLEL, salt, empty._scrypt(password))

    def matches(self, password: str) -> bool:
        """Compare a password, in a time that does not tell how much of it is right."""
        return hmac.compare_digest(self.digest, self._scrypt(password))

    def _scrypt(self, password: str) -> bytes:
        return hashlib.scrypt(
            password.encode(),
            salt=self.salt,
            n=self.cost,
            r=self.block,
            p=self.parallel,
            maxmem=2 * 128 * self.cost * self.block,
            dklen=32,
        )


class Accounts:
    """The accounts of one file, as account name -> hash of the password."""

    def __init__(self, hashes: Mapping[str, PasswordHash]) -> None:
        self._hashes = dict(hashes)
        self._unknown = PasswordHash.of(secrets.token_hex(16))

    @classmethod
    def read(cls, path: Path) -> Accounts:
        """Read a file of accounts.

        Raises:
            ConfigError: it cannot be read, has no account, a line is not an account, or others
                than its owner may read or write it.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "no text"
            raise ConfigError(
                f"{path}: the accounts cannot be read ({reason}); make the file with "
                f"`proskill app-user {path} NAME`"
            ) from error
        hashes: dict[str, PasswordHash] = {}
        for number, line in enumerate(lines, start=1):
            if line.strip():
                name, hashed = _parse(line, where=f"{path}: line {number}")
                hashes[name] = hashed
        if not hashes:
            raise ConfigError(f"{path}: has no account; add one with `proskill app-user`")
        if os.name == "posix" and path.stat().st_mode & 0o077:
            raise ConfigError(
                f"{path}: others may read or change these accounts; make the file yours alone with "
                f"`chmod 600 {path}`"
            )
        return cls(hashes)

    def admits(self, name: str, password: str) -> bool:
        """Check a name and password; unknown names take as long as known ones."""
        known = self._hashes.get(name)
        is_right = (known or self._unknown).matches(password)
        return is_right and known is not None


def add_account(path: Path, name: str, password: str) -> None:
    """Add an account to a file, or give an existing one a new password.

    Raises:
        ConfigError: a name or password that is not allowed, or a file of something else.
        StorageError: the file cannot be written.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"account name {name!r}: 1 to 64 letters, digits and . _ @ - are allowed")
    if len(password) < MIN_PASSWORD_LENGTH:
        raise ConfigError(
            f"the password has {len(password)} characters; take {MIN_PASSWORD_LENGTH} or more"
        )
    hashes = Accounts.read(path)._hashes if path.exists() else {}
    hashes[name] = PasswordHash.of(password)
    lines = [
        f"{each}:{kept.cost}:{kept.block}:{kept.parallel}:{kept.salt.hex()}:{kept.digest.hex()}\n"
        for each, kept in sorted(hashes.items())
    ]
    content = [line.encode() for line in lines]
    write_whole(path, content, advice="choose another place", mode=0o600)


def _parse(line: str, *, where: str) -> tuple[str, PasswordHash]:
    try:
        name, cost, block, parallel, salt, digest = line.strip().split(":")
        hashed = PasswordHash(
            int(cost), int(block), int(parallel), bytes.fromhex(salt), bytes.fromhex(digest)
        )
        is_sane = hashed.cost in _COSTS and hashed.block == _BLOCK and hashed.parallel == 1
        if _NAME.fullmatch(name) and is_sane and len(hashed.digest) == 32:
            return name, hashed
    except ValueError:
        pass
    raise ConfigError(f"{where}: is no account; make it with `proskill app-user`")
