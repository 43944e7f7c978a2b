"""Where a file waits between the preview of an import and its confirmation: encrypted, private, for a day at most.

What could go wrong: a list of people left in a shared temporary folder. So the bytes are encrypted before they touch
the disk, the folder belongs to the service alone, and each new upload clears away what nobody came back for.
"""

import time
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings
from import_export.tmp_storages import BaseStorage

from crasme.kit.crypto import decrypt, encrypt
from crasme.kit.ids import uuid7

KEPT_FOR: Final = 24 * 60 * 60  # seconds


class EncryptedUpload(BaseStorage):
    """import-export's storage interface. The name travels through the browser, so only a UUID is accepted as one."""

    def save(self, data: bytes | str) -> None:
        forget_old(time.time())
        self.name = str(uuid7())
        path = self._path()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(encrypt(data.encode() if isinstance(data, str) else data))

    def read(self) -> bytes | str:
        data = decrypt(self._path().read_bytes())
        return data if "b" in self.read_mode else data.decode(self.encoding or "utf-8")

    def remove(self) -> None:
        self._path().unlink(missing_ok=True)

    def _path(self) -> Path:
        return folder() / f"{UUID(str(self.name))}.upload"


def folder() -> Path:
    return Path(settings.DATA_DIR) / "uploads"


def forget_old(now: float) -> int:
    """Deletes uploads that nobody confirmed within a day; returns how many. `now` in seconds since the epoch."""
    gone = 0
    for path in folder().glob("*.upload"):
        if path.stat().st_mtime < now - KEPT_FOR:
            path.unlink(missing_ok=True)
            gone += 1
    return gone
