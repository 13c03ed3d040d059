"""Which part of a database's address is wrong, told from what PostgreSQL's client says."""

from __future__ import annotations

import re
from typing import Final

# Of servers that speak English; the words of others are passed on.
_REASONS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), sentence)
    for pattern, sentence in (
        (
            "failed to resolve host|could not translate host name",
            "its host is not known; check the name after @",
        ),
        (
            "connection refused|no such file or directory",
            "no PostgreSQL server listens at its host and port; check both, or start the server",
        ),
        (
            "timeout|timed out",
            "its host does not answer; check the name after @, and whether a firewall is between",
        ),
        (
            "password authentication failed",
            "the server refuses its user or password; check what stands before @",
        ),
        (
            "no password supplied",
            "the server asks for a password; write USER:PASSWORD before @, or use ~/.pgpass",
        ),
        (
            r'database "[^"]*" does not exist',
            "the server has no database of its name, the part after the last /; make it with "
            "`createdb`, or check the spelling",
        ),
        (
            r'role "[^"]*" does not exist',
            "the server knows no such user; check what stands before @",
        ),
        (
            "no pg_hba.conf entry",
            "the server lets this user in from other machines alone; add a line to its pg_hba.conf",
        ),
        (
            "permission denied for database",
            "its user may not open its database; let the server's owner GRANT CONNECT",
        ),
    )
)


def why_no_connection(message: str) -> str:
    """One sentence without a password in it.

    Args:
        message: of the client; one of several lines when it tried several addresses.
    """
    for pattern, sentence in _REASONS:
        if pattern.search(message):
            return sentence
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return f"the server says: {lines[0] if lines else 'nothing'}"
