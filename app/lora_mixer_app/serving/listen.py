"""Bind the page's address before anything else, with errors in plain words."""

from __future__ import annotations

import errno
import os
import socket

from lora_mixer.errors import RequestError

LAST_PORT = 65535
_REASONS = {
    errno.EADDRINUSE: ("port {port} is in use", "Name another with --port; 0 takes any that is free."),
    errno.EACCES: ("port {port} is not open to you", "Name one above 1023 with --port; 0 takes any that is free."),
    errno.EADDRNOTAVAIL: ("{host} is no address of this machine", "Name one with --host; 127.0.0.1 always is."),
}


def listen(host: str, port: int) -> socket.socket:
    """Return a socket listening at an address.

    Args:
        host: A name or number of this machine.
        port: The port; 0 takes any that is free.

    Raises:
        RequestError: There is no such address or port, or it is taken.
    """
    if not 0 <= port <= LAST_PORT:
        raise RequestError(f"there is no port {port}", where="--port", remedy=f"Ports go from 1 to {LAST_PORT}.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        raise RequestError(
            f"{host!r} is no address", where="--host", remedy="Name one of this machine; 127.0.0.1 always is."
        ) from error
    taken = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":  # elsewhere it would let two programs have one port
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.listen(128)
    except OSError as error:
        taken.close()
        what, remedy = _REASONS.get(error.errno or 0, (error.strerror or str(error), "Name others."))
        raise RequestError(what.format(host=host, port=port), where=f"{host}:{port}", remedy=remedy) from error
    return taken


def url_of(taken: socket.socket) -> str:
    """Return the URL of a page that is served at a socket, for whoever sits at this machine."""
    host, port = taken.getsockname()[:2]
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 compared
    return f"http://{name}:{port}"
