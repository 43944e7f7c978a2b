"""Where the ledger lies: one file on a disk that all hosts share, or an object store, by settings.ERASURE_LEDGER_URL.

What could go wrong: two hosts write at once (a file is locked from reading its end to writing behind it; an object is
made under the next number only when nobody made that one), the machine loses power with the line in its cache (written
through before the database may commit), or a write that breaks off in the middle (cut off before the next one).
"""

import fcntl
import functools
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from django.conf import settings

from retention.errors import LedgerUnreachable
from retention.outside.lines import Tail, tail

Make = Callable[[Tail], Sequence[str]]
BLOCK = 1 << 16


class Place(Protocol):
    remote: bool

    def tail(self) -> Tail: ...
    def lines(self) -> Iterator[bytes]: ...
    def append(self, make: Make, *, durable: bool = True) -> None: ...
    def torn(self) -> bool: ...


def place() -> Place:
    """Where the ledger of this installation lies."""
    return _place(str(settings.ERASURE_LEDGER_URL))


@functools.lru_cache(maxsize=8)
def _place(url: str) -> Place:
    parts = urlsplit(url)
    if parts.scheme in ("", "file"):
        return LineFile(Path(unquote(parts.path)))
    from retention.outside.objects import LineObjects

    return LineObjects(url)


class LineFile:
    """One line a row, in a file that is only ever written at its end."""

    remote = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: tuple[Any, Tail] = (None, Tail())

    def tail(self) -> Tail:
        """Its end as of now; read again only when the file has changed."""
        try:
            with self.path.open("rb") as file:
                return self._tail(file)
        except FileNotFoundError:
            return Tail()

    def lines(self) -> Iterator[bytes]:
        """Every whole line, from the first."""
        try:
            with self.path.open("rb") as file:
                yield from (line[:-1] for line in file if line.endswith(b"\n"))
        except FileNotFoundError:
            return

    def torn(self) -> bool:
        """Whether its last line was never finished."""
        try:
            with self.path.open("rb") as file:
                return _torn(file)
        except FileNotFoundError:
            return False

    def append(self, make: Make, *, durable: bool = True) -> None:
        """Write what `make` says to the end that it is given, alone among all hosts; on the disk when this returns."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = not self.path.exists()
        with _at_its_end(self.path) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            written = make(self._tail(file))
            if not written:
                return
            _cut_torn(file)
            file.write("".join(f"{line}\n" for line in written).encode())
            file.flush()
            if durable:
                os.fsync(file.fileno())
        if new:
            _sync_folder(self.path.parent)

    def _tail(self, file: BinaryIO) -> Tail:
        stat = os.fstat(file.fileno())
        mark = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
        known, found = self._known
        if known != mark:
            found = tail(_backwards(file))
            self._known = (mark, found)
        return found


def _at_its_end(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "a+b")


def _backwards(file: BinaryIO) -> Iterator[bytes]:
    """Whole lines from the last; the piece behind the last line feed is none."""
    position = file.seek(0, os.SEEK_END)
    rest, behind = b"", True
    while position:
        size = min(BLOCK, position)
        position = file.seek(position - size)
        first, *lines = (file.read(size) + rest).split(b"\n")
        if behind and lines:
            lines, behind = lines[:-1], False
        yield from reversed(lines)
        rest = first
    if rest and not behind:
        yield rest


def _torn(file: BinaryIO) -> bool:
    if not file.seek(0, os.SEEK_END):
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"


def _cut_torn(file: BinaryIO) -> None:
    if _torn(file):
        file.truncate(_end_of_whole_lines(file))


def _end_of_whole_lines(file: BinaryIO) -> int:
    position = file.seek(0, os.SEEK_END)
    while position:
        size = min(BLOCK, position)
        position = file.seek(position - size)
        if (at := file.read(size).rfind(b"\n")) >= 0:
            return position + at + 1
    return 0


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def reachable[T](act: Callable[[], T]) -> T:
    """The answer, or LedgerUnreachable in place of whatever the storage raises."""
    try:
        return act()
    except OSError as error:
        raise LedgerUnreachable(f"The erasure ledger cannot be reached ({type(error).__name__}).") from error
