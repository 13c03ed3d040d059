"""The address that a server listens on."""

from __future__ import annotations

import os
import socket

from proskill.errors import ProskillError


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        ProskillError: the port is taken or may not be used, or the host is not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        # `create_server` repeats the address; only the numbers of names that are unknown differ.
        is_unknown = isinstance(error, socket.gaierror)
        reason = error.strerror if is_unknown else os.strerror(error.errno or 0)
        raise ProskillError(
            f"cannot listen on {host}, port {port} ({reason}); choose another --port, or "
            "a --host that is an address of this machine"
        ) from error
