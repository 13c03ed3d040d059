"""Random names: secrets that open the door, and ids that say nothing about what they stand for."""

from __future__ import annotations

import hashlib
import re
import secrets


def new_token() -> str:
    """Return a secret of 256 random bits, for an invitation link."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """Return the stored form of a token.

    SHA-256 without salt or stretching: 256 random bits cannot be guessed, and the hash is the key
    by which a token is found.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_public_id() -> str:
    """Return an id of 96 random bits, for objects that annotators may name but not guess."""
    return secrets.token_hex(12)


def is_public_id(text: str) -> bool:
    """Return True for a text in the form of `new_public_id`."""
    return re.fullmatch("[0-9a-f]{24}", text) is not None
