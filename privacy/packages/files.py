"""Where packages lie: one folder outside the web root, random names, nothing half-written under a final name.

What could go wrong: a crash or a full disk leaves half a file that looks like a whole one (it is written under another
name, flushed to the disk and renamed), or a file that no row knows of (the sweep removes those that nobody is writing).
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

SUFFIX, UNFINISHED = ".package", ".part"
# Longer than any worker may be at one file (CELERY_TASK_TIME_LIMIT).
ABANDONED_AFTER = timedelta(hours=1)


def folder() -> Path:
    path = Path(settings.PACKAGE_DIR)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def path_of(name: str) -> Path:
    """The file of a package; the name is ours, made by `writing`, never a visitor's."""
    return folder() / name


@contextmanager
def writing() -> Iterator[tuple[str, BinaryIO]]:
    """A new file's name and the open file. It has that name once the block ends well, and is gone if it does not."""
    name = secrets.token_hex(16) + SUFFIX
    part = folder() / (name + UNFINISHED)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield name, file
            file.flush()
            os.fsync(file.fileno())
        part.rename(folder() / name)
        _sync_folder()
    except BaseException:
        with suppress(FileNotFoundError):
            part.unlink()
        raise


def remove(name: str) -> bool:
    """Whether the file was there. Its bytes are noise anyway once the key is gone."""
    try:
        path_of(name).unlink()
    except FileNotFoundError:
        return False
    return True


def abandoned(now: datetime) -> Iterator[str]:
    """Names of files that have lain untouched for too long to be somebody's work in progress."""
    before = (now - ABANDONED_AFTER).timestamp()
    for entry in os.scandir(folder()):
        with suppress(FileNotFoundError):
            if entry.name.endswith((SUFFIX, UNFINISHED)) and entry.stat().st_mtime < before:
                yield entry.name


def _sync_folder() -> None:
    handle = os.open(folder(), os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
