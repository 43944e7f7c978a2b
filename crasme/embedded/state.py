"""What a data folder remembers: its lock, its secrets and its ports.

What could go wrong: a write is cut off (every file is written aside and renamed), a secret is readable by others (files
are made 0600), or two starters use one folder (`hold` locks it until the process ends, whatever way it ends).
"""

import base64
import contextlib
import fcntl
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from crasme.embedded.errors import AlreadyRunning, EmbeddedError, NotInitialised


class DataDir:
    """One DATA_DIR on disk; `path` is absolute."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self._lock: int | None = None

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    # --- the lock -------------------------------------------------------------------------------------------------
    def hold(self) -> None:
        """Make the folder and lock it for the life of this process. Raises AlreadyRunning when another has it."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise EmbeddedError(
                f"The data folder {self.path} cannot be used: {error.strerror}. Set DATA_DIR."
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            words = os.read(descriptor, 32).decode(errors="replace").strip()
            os.close(descriptor)
            pid = int(words) if words.isdigit() else 0
            raise AlreadyRunning(f"{self.path} is in use by process {pid or '?'}.", pid=pid) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._lock = descriptor

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # --- small JSON files -----------------------------------------------------------------------------------------
    def recall(self) -> dict[str, Any]:
        """What `remember` kept; empty for a new folder."""
        return self._read("instance.json")

    def remember(self, **facts: Any) -> None:
        self._write("instance.json", self.recall() | facts)

    def secrets(self, *, make: bool = False) -> dict[str, str]:
        """The folder's own keys and passwords. With `make` missing ones are drawn, else they raise NotInitialised."""
        kept = self._read("secrets.json")
        missing = {name: draw() for name, draw in _SECRETS.items() if name not in kept}
        if missing and not make:
            raise NotInitialised(f"{self.path} has no {', '.join(missing)} yet: start once with `make run`.")
        if missing:
            kept |= missing
            self._write("secrets.json", kept)
        return kept

    def _read(self, name: str) -> dict[str, Any]:
        try:
            content = json.loads((self.path / name).read_text())
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise EmbeddedError(
                f"{self.path / name} cannot be read ({error}): mend it or choose another DATA_DIR."
            ) from error
        return dict(content)

    def _write(self, name: str, content: dict[str, Any]) -> None:
        draft = self.path / f".{name}.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with contextlib.closing(os.fdopen(descriptor, "w")) as stream:
            json.dump(content, stream, indent=2)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(self.path / name)


_SECRETS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(50),
    "FIELD_KEYS": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "SUBJECT_KEY": lambda: secrets.token_hex(32),
    "FLOWER_USER": lambda: "operations",
    "FLOWER_PASSWORD": lambda: secrets.token_urlsafe(12),
    "POSTGRES_PASSWORD": lambda: secrets.token_hex(16),
    "VALKEY_PASSWORD": lambda: secrets.token_hex(16),
}
