"""Random names: secrets that open the door, and ids that say nothing about what they stand for."""

from __future__ import annotations

import hashlib
import re
import secrets


def new_token() -> str:
    """A secret of 256 random bits, for an invitation link."""
    return secrets.token_urlsafe(32)


def hash_token(token: str) -> str:
    """What is stored of a token.

    SHA-256 without salt or stretching: nobody guesses 256 random bits, and the hash is the key by
    which a token is found.
    """
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def new_public_id() -> str:
    """An id of 96 random bits, for what annotators may name but not guess."""
    return secrets.token_hex(12)


def is_public_id(text: str) -> bool:
    """Whether a text, from wherever, has the form of what `new_public_id` makes."""
    return re.fullmatch("[0-9a-f]{24}", text) is not None
