"""A file encrypted piece by piece, so that gigabytes pass through a few hundred kilobytes of memory.

AES-256-GCM in the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015): each piece is sealed under a nonce
of the file's random prefix, the piece's number and whether it is the last. What could go wrong: a file that was cut
short, joined from two, or reordered decrypts to something plausible; here the first piece that does not fit stops the
reader, and nothing of it is handed out.
"""

import io
import os
import struct
from collections.abc import Iterator
from typing import Any, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.utils.translation import gettext as _

from privacy.errors import PackageBroken

MAGIC = b"CRP1"
PREFIX = 7
PIECE = 64 * 1024
TAG = 16


def new_key() -> bytes:
    return AESGCM.generate_key(bit_length=256)


class Sealer(io.RawIOBase):
    """A write-only binary file that encrypts into `file`, which stays open. Without `seal` it is unreadable."""

    def __init__(self, file: BinaryIO, key: bytes) -> None:
        super().__init__()
        self._file, self._cipher = file, AESGCM(key)
        self._prefix, self._number, self._buffer = os.urandom(PREFIX), 0, bytearray()
        self._file.write(MAGIC + self._prefix)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._buffer += data
        # The last piece must be known as the last, so a full buffer waits for one byte more.
        while len(self._buffer) > PIECE:
            self._piece(bytes(self._buffer[:PIECE]), last=False)
            del self._buffer[:PIECE]
        return len(data)

    def seal(self) -> None:
        """Write the last piece; nothing can follow it."""
        self._piece(bytes(self._buffer), last=True)
        self._buffer.clear()

    def _piece(self, piece: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._prefix, self._number, last=last), piece, MAGIC))
        self._number += 1


def opened(file: BinaryIO, key: bytes) -> Iterator[bytes]:
    """The plain pieces of a sealed file. PackageBroken at the first one that was altered, cut off or exchanged."""
    head = file.read(len(MAGIC) + PREFIX)
    if len(head) != len(MAGIC) + PREFIX or not head.startswith(MAGIC):
        raise _broken()
    cipher, prefix, number = AESGCM(key), head[len(MAGIC) :], 0
    piece = file.read(PIECE + TAG)
    while True:
        following = file.read(PIECE + TAG)
        try:
            yield cipher.decrypt(_nonce(prefix, number, last=not following), piece, MAGIC)
        except (InvalidTag, ValueError):
            raise _broken() from None
        if not following:
            return
        piece, number = following, number + 1


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + struct.pack(">IB", number, last)


def _broken() -> PackageBroken:
    return PackageBroken(_("The stored file is damaged or is not the one that was made."))
