"""A mail server that reads links and throws the rest away, so that it takes little of the time that is measured."""

import asyncio
import re
import threading
from collections import deque
from collections.abc import Iterator
from typing import Self

LINK = re.compile(rb"/requests/confirm/([\w-]{30,})/")
REFERENCE = re.compile(rb"^X-Request-Reference: (\S+)", re.MULTILINE)


class Sink:
    """Use as a context manager. Of each request's links it keeps the first: the one that confirms it."""

    def __init__(self) -> None:
        self.port = 0
        self._links: deque[str] = deque()
        self._known: set[bytes] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        started = asyncio.start_server(self._talk, "127.0.0.1", 0)
        server = asyncio.run_coroutine_threadsafe(started, self._loop).result(10)
        self.port = server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def tokens(self) -> Iterator[str]:
        """Of the links that have come since the last call."""
        while self._links:
            yield self._links.popleft()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 sink\r\n")
        while command := (await reader.readline())[:4].upper():
            if command == b"DATA":
                writer.write(b"354 go on\r\n")
                self.keep(await reader.readuntil(b"\r\n.\r\n"))
            writer.write(b"221 bye\r\n" if command == b"QUIT" else b"250 ok\r\n")
            if command == b"QUIT":
                break
        writer.close()

    def keep(self, mail: bytes) -> None:
        link, reference = LINK.search(mail), REFERENCE.search(mail)
        if link and reference and reference.group(1) not in self._known:
            self._known.add(reference.group(1))
            self._links.append(link.group(1).decode())
