"""Find out which part of a PostgreSQL URL is wrong, by exception types and libpq's status codes.

The client gives no SQLSTATE for a connection that it could not make, so the parts are tried one by
one: the host's name, the server behind it, and the same user on the server's own database.
"""

from __future__ import annotations

import socket
from typing import Any, Final

from sqlalchemy import URL, Engine
from sqlalchemy.exc import OperationalError

# A host that is away says nothing, and the system would wait for two minutes.
CONNECT_SECONDS: Final = 10

_ALWAYS_THERE: Final = "postgres"
_NO_SERVER: Final = (
    "no PostgreSQL server listens at its host and port; check both, or start the server"
)
_NO_PASSWORD: Final = (
    "the server asks for a password; write USER:PASSWORD before @, or use ~/.pgpass"
)
_NO_DATABASE: Final = (
    "the server has no database of its name, the part after the last /; make it with `createdb`, "
    "or check the spelling"
)


def why_no_connection(engine: Engine, error: OperationalError) -> str:
    """Return one sentence without a password in it.

    Args:
        engine: could not connect.
        error: raised by it.
    """
    url = engine.url
    if url.get_driver_name() != "psycopg":
        return f"the server says: {str(error.orig).strip().splitlines()[0]}"
    from psycopg import OperationalError as ClientError
    from psycopg import connect, errors, pq
    from psycopg.conninfo import make_conninfo

    if isinstance(error.orig, errors.ConnectionTimeout):
        return "its host does not answer; check the name after @, and whether a firewall is between"
    if not _is_known_host(url):
        return "its host is not known; check the name after @"
    arguments: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS}
    arguments |= engine.dialect.create_connect_args(url)[1]
    arguments.pop("context", None)  # SQLAlchemy's own
    status = pq.PGconn.ping(make_conninfo(**arguments).encode())
    if status == pq.Ping.REJECT:
        return "the server is starting or stopping; try again"
    if status != pq.Ping.OK:
        return _NO_SERVER
    try:
        with connect(**{**arguments, "dbname": _ALWAYS_THERE}) as other:
            query = "SELECT 1 FROM pg_database WHERE datname = %s"
            if other.execute(query, (url.database or url.username,)).fetchone() is None:
                return _NO_DATABASE
            return "its user may not open its database; let the server's owner GRANT CONNECT"
    except ClientError as refused:
        attempt = refused.pgconn
    if attempt is not None and attempt.needs_password:
        return _NO_PASSWORD
    if attempt is not None and attempt.used_password:
        return "the server refuses its user or password; check what stands before @"
    return (
        "the server knows no such user, or lets it in from other machines alone; check the name "
        "before @, and the server's pg_hba.conf"
    )


def _is_known_host(url: URL) -> bool:
    if not url.host:  # a socket's folder
        return True
    try:
        socket.getaddrinfo(url.host, url.port)
    except OSError:
        return False
    return True
