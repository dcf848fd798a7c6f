"""Python programs that are run by `offline.py` say where they wanted to go, and go nowhere."""

import os
import sys
from pathlib import Path

ASKS = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")
LOCAL = ("127.0.0.1", "::1", "localhost")


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event not in ASKS:
        return
    where = arguments[0] if event.startswith("socket.gethost") or event == "socket.getaddrinfo" else arguments[1]
    host = where[0] if isinstance(where, tuple) else where
    if (isinstance(where, str | bytes) and event == "socket.connect") or host in LOCAL or host is None:
        return  # a socket of this machine
    with Path(os.environ["OFFLINE_SAID"]).open("a") as file:
        file.write(f"{event} {where!r}\n")
    raise ConnectionRefusedError(f"there is no network: {where!r}")


sys.addaudithook(_refuse)
