"""The ledger in an object store (S3 and what speaks like it), by fsspec: one object a writing, numbered in a row.

What could go wrong: two hosts write under the same number (an object is only made where there is none yet; who comes
second reads the new end and tries again), a listing that is behind (not listings but the next number is asked for), or
a store that takes the connection and says nothing, while transactions and requests wait for it (every call has an end).
"""

import functools
from collections.abc import Callable, Iterator, Sequence

from retention import stores
from retention.errors import RetentionError
from retention.outside.lines import Tail, tail
from retention.outside.places import Make

ATTEMPTS = 20


class LineObjects:
    def __init__(self, url: str) -> None:
        self._fs, path = stores.opened(url)
        self._folder = path.rstrip("/")
        self._known: tuple[int, Tail] = (0, Tail())

    def tail(self) -> Tail:
        return self._ask(self._tail)

    def lines(self) -> Iterator[bytes]:
        for number in self._ask(self._numbers):
            yield from self._object(number)

    def torn(self) -> bool:
        """An object is written whole or not at all."""
        return False

    def add(self, written: Sequence[str]) -> None:
        self.append(lambda tail: written)

    def append(self, make: Make) -> None:
        for _attempt in range(ATTEMPTS):
            end = self.tail()
            last = self._known[0]
            written = make(end)
            if not written:
                return
            content = "".join(f"{line}\n" for line in written).encode()
            name = self._name(last + 1)
            try:
                self._ask(functools.partial(self._fs.pipe_file, name, content, mode="create"))
            except FileExistsError:
                continue
            except OSError:
                # Some stores say otherwise that it is there; and one that answered too late may have made it.
                if self._ask(functools.partial(self._fs.exists, name)):
                    continue
                raise
            return
        raise OSError("too many hosts write at once")

    def _ask[T](self, act: Callable[[], T]) -> T:
        return stores.in_time(lambda: _as_os_error(act))

    def _tail(self) -> Tail:
        last, found = self._known
        if not last or not self._fs.exists(self._name(last)):
            last, found = max(self._numbers(), default=0), Tail()
            if last:
                found = tail(self._backwards(last))
            self._known = (last, found)
        newest = last
        while self._fs.exists(self._name(newest + 1)):
            newest += 1
        if newest != last:
            self._known = (newest, tail(self._backwards(newest)))
        return self._known[1]

    def _backwards(self, last: int) -> Iterator[bytes]:
        for number in range(last, 0, -1):
            yield from reversed(self._object(number))

    def _object(self, number: int) -> list[bytes]:
        try:
            content: bytes = self._ask(lambda: self._fs.cat_file(self._name(number)))
        except FileNotFoundError:
            return [b""]  # a line that nobody wrote: the reader says that the ledger is broken here
        return content.splitlines()

    def _numbers(self) -> range:
        try:
            names = self._fs.ls(self._folder, detail=False)
        except FileNotFoundError:
            return range(0)
        return range(1, max((_number(name) for name in names), default=0) + 1)

    def _name(self, number: int) -> str:
        return f"{self._folder}/{number:012d}.jsonl"


def _number(name: str) -> int:
    stem = name.rpartition("/")[2].removesuffix(".jsonl")
    return int(stem) if stem.isdigit() else 0


def _as_os_error[T](act: Callable[[], T]) -> T:
    """Stores raise errors of their own libraries."""
    try:
        return act()
    except (OSError, RetentionError):
        raise
    except Exception as error:
        raise OSError(type(error).__name__) from error
