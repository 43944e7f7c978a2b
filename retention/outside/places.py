"""Where the ledger lies: one file on a disk that all hosts share, or an object store, by settings.ERASURE_LEDGER_URL.

What could go wrong: two hosts write at once (a file is locked from reading its end to writing behind it; an object is
made under the next number only when nobody made that one), the machine loses power with the line in its cache (written
through before the database may commit), a write that breaks off in the middle (cut off before the next one), or root
writes first and locks the others out (what is made is for whom its folder is).
"""

import fcntl
import functools
import grp
import os
import pwd
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from retention.errors import LedgerBroken, LedgerUnreachable
from retention.outside.lines import Tail, tail

Make = Callable[[Tail], Sequence[str]]
LOCAL = ("", "file")
FIRST_BLOCK = 1 << 12  # the end is asked for often, and mostly one act long
BLOCK = 1 << 16
LONGEST = 1 << 26  # bytes of a line; a piece without an end is not read into memory without one


class Place(Protocol):
    def tail(self) -> Tail: ...
    def lines(self) -> Iterator[bytes]: ...
    def append(self, make: Make) -> None: ...
    def add(self, written: Sequence[str]) -> None: ...
    def torn(self) -> bool: ...


def place() -> Place:
    """Where the ledger of this installation lies. LedgerUnreachable when its kind of store is not known here."""
    return _place(str(settings.ERASURE_LEDGER_URL))


def is_remote() -> bool:
    """Whether asking it costs more than looking at a file."""
    return urlsplit(str(settings.ERASURE_LEDGER_URL)).scheme not in LOCAL


def whole() -> Iterator[bytes]:
    """Every whole line, from the first. LedgerUnreachable in place of whatever the storage raises."""
    try:
        yield from place().lines()
    except OSError as error:
        raise _unreachable(error) from error


@functools.lru_cache(maxsize=8)
def _place(url: str) -> Place:
    parts = urlsplit(url)
    if parts.scheme in LOCAL:
        return LineFile(Path(unquote(parts.path)))
    from retention.outside.objects import LineObjects

    try:
        return LineObjects(url)
    except (ImportError, ValueError) as error:
        raise LedgerUnreachable(
            _("Nothing here can read “%(scheme)s:” addresses (%(error)s).")
            % {"scheme": parts.scheme, "error": type(error).__name__},
            remedy=_("Install the package of the store (for s3: s3fs), or correct ERASURE_LEDGER_URL."),
        ) from error


class LineFile:
    """One line a row, in a file that is only ever written at its end."""

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
                while line := file.readline(LONGEST):
                    if line.endswith(b"\n"):
                        yield line[:-1]
                    elif len(line) == LONGEST:
                        raise LedgerBroken(_("A line of the erasure ledger has no end."))
        except FileNotFoundError:
            return

    def torn(self) -> bool:
        """Whether its last line was never finished."""
        try:
            with self.path.open("rb") as file:
                return _torn(file)
        except FileNotFoundError:
            return False

    def append(self, make: Make) -> None:
        """Write what `make` says to the end that it is given, alone among all hosts; on the disk when this returns."""
        _make_folder(self.path.parent)
        new = not self.path.exists()
        with _alone_at_its_end(self.path) as file:
            if written := make(self._tail(file)):
                _write(file, written)
                os.fsync(file.fileno())
        if new:
            _sync_folder(self.path.parent)

    def add(self, written: Sequence[str]) -> None:
        """Write lines that are true whatever the end is, and that may be lost."""
        with _alone_at_its_end(self.path) as file:
            _write(file, written)

    def _tail(self, file: BinaryIO) -> Tail:
        about = os.fstat(file.fileno())
        mark = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns)
        known, found = self._known
        if known != mark:
            found = tail(_backwards(file))
            self._known = (mark, found)
        return found


def _make_folder(folder: Path) -> None:
    """The missing folders, for whom the one above them is."""
    if not folder.exists():
        _make_folder(folder.parent)
        above = folder.parent.stat()
        folder.mkdir(exist_ok=True)
        folder.chmod(stat.S_IMODE(above.st_mode) & 0o2770 | 0o700)
        _as_above(folder, above)


@contextmanager
def _alone_at_its_end(path: Path) -> Iterator[BinaryIO]:
    with _at_its_end(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _write(file: BinaryIO, written: Sequence[str]) -> None:
    _cut_torn(file)
    file.write("".join(f"{line}\n" for line in written).encode())
    file.flush()


def _at_its_end(path: Path) -> BinaryIO:
    """Made for whom its folder is: its group writes as well where the folder's may, and a file that root makes there
    belongs to the folder's owner. Else the first writer would lock the others out."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
    except FileExistsError:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_APPEND), "a+b")
    above = path.parent.stat()
    os.fchmod(handle, stat.S_IMODE(above.st_mode) & 0o060 | 0o600)
    _as_above(handle, above)
    return os.fdopen(handle, "a+b")


def _as_above(what: Path | int, above: os.stat_result) -> None:
    with suppress(PermissionError):  # only root gives things away, and only a member of a group to it
        os.chown(what, above.st_uid if os.geteuid() == 0 else -1, above.st_gid)


def _backwards(file: BinaryIO) -> Iterator[bytes]:
    """Whole lines from the last; the piece behind the last line feed is none. Every byte is looked at once."""
    position = _end_of_whole_lines(file)
    pieces: list[bytes] = []  # of the line that begins further ahead, from its end
    length, block = 0, FIRST_BLOCK
    position = max(0, position - 1)  # without the last line feed
    if not position:
        return
    while position:
        size, block = min(block, position), BLOCK
        position = file.seek(position - size)
        first, *lines = file.read(size).split(b"\n")
        if lines:
            yield lines.pop() + b"".join(reversed(pieces))
            yield from reversed(lines)
            pieces, length = [], 0
        pieces.append(first)
        length += len(first)
        if length > LONGEST:
            raise LedgerBroken(_("A line of the erasure ledger has no end."))
    yield b"".join(reversed(pieces))


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
        raise _unreachable(error) from error


def _unreachable(error: OSError) -> LedgerUnreachable:
    if isinstance(error, PermissionError) and error.filename is not None:
        return _not_ours(Path(os.fsdecode(error.filename)))
    return LedgerUnreachable(_("The erasure ledger cannot be reached (%(error)s).") % {"error": type(error).__name__})


def _not_ours(path: Path) -> LedgerUnreachable:
    """Says whose the file, or the folder that bars the way to it, is; and who was turned away."""
    found = path
    while True:
        try:
            about = found.stat()
            break
        except OSError:
            if found == found.parent:
                return LedgerUnreachable(
                    _("The erasure ledger cannot be reached (%(error)s).") % {"error": "PermissionError"}
                )
            found = found.parent
    owner, group = _name(pwd.getpwuid, about.st_uid), _name(grp.getgrgid, about.st_gid)
    me = _name(pwd.getpwuid, os.geteuid())
    return LedgerUnreachable(
        _("%(path)s (erasure ledger) belongs to %(owner)s:%(group)s (%(mode)s): not for %(me)s.")
        % {"path": found, "owner": owner, "group": group, "mode": stat.filemode(about.st_mode), "me": me},
        remedy=_("Give it to a group of everybody who writes: chgrp -R and chmod -R g+rwX on %(folder)s.")
        % {"folder": path.parent},
    )


def _name(ask: Callable[[int], Any], number: int) -> str:
    try:
        return str(ask(number)[0])
    except KeyError:
        return str(number)
