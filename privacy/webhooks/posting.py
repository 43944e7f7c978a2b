"""One POST to one looked-up address: no redirects, no proxy, no reading of what comes back but its status.

What could go wrong: a receiver that sends us somewhere else, that answers one byte a minute, or whose answer ends up on
a screen here. So a redirect is a failure like any other, one watch ends everything after `TOTAL` seconds, and of the
answer only the status line is looked at.
"""

import http.client
import socket
import ssl
from collections.abc import Mapping
from threading import Timer

from privacy.webhooks.addresses import Target, resolve

CONNECT = 5.0
TOTAL = 15.0


class _Pinned(http.client.HTTPConnection):
    """A connection to the address that was looked at. The name stays what the certificate and the server are asked by.

    `http.client` writes the Host header from `host`, which stays the name.
    """

    def __init__(self, target: Target, address: str) -> None:
        super().__init__(target.host, target.port, timeout=CONNECT)
        self._target, self._address = target, address
        self.default_port = 443 if target.secure else 80

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), timeout=CONNECT)
        try:
            self.sock = _context().wrap_socket(plain, server_hostname=self.host) if self._target.secure else plain
        except BaseException:
            plain.close()
            raise


def post(target: Target, body: bytes, headers: Mapping[str, str]) -> int:
    """The status of the answer. Raises AddressRefused, and OSError or HTTPException when none comes in time."""
    last: OSError | None = None
    for address in resolve(target)[:2]:
        connection = _Pinned(target, address)
        try:
            connection.connect()
        except ssl.SSLError:
            raise  # it is there, and it is not who it says
        except OSError as error:
            last = error
            continue
        return _exchange(connection, target.path, body, headers)
    raise last or OSError("no address")


def _exchange(connection: _Pinned, path: str, body: bytes, headers: Mapping[str, str]) -> int:
    watch = Timer(TOTAL, _cut, [connection.sock])
    watch.daemon = True
    watch.start()
    try:
        connection.request("POST", path, body, dict(headers))
        return connection.getresponse().status
    finally:
        watch.cancel()
        connection.close()


def _cut(sock: socket.socket) -> None:
    """End whatever waits on the socket in the other thread."""
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


def _context() -> ssl.SSLContext:
    return ssl.create_default_context()
