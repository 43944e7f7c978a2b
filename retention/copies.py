"""Where copies lie: one place for the files of the register's backup sets, on a disk or in an object store, by fsspec.

What could go wrong: a location that leads out of the place (resolved, links included, and refused), a disk that is not
mounted or a bucket that is not there, where every file looks gone (the place itself must answer), a store that keeps
old versions of what was deleted (they count as there), or copies that no row knows, which nobody would ever delete.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from retention import stores
from retention.errors import BackupFolderMissing, BackupPlaceFailed, UnsafeLocation

Parts = tuple[str, ...]  # of a location


@dataclass(frozen=True, slots=True)
class Found:
    """A file or folder, by its path below the place; `changed` is None where the store does not say."""

    name: str
    changed: datetime | None


class Copies:
    """The backup place of this installation. BackupFolderMissing when it is not there."""

    def __init__(self) -> None:
        url = settings.BACKUP_URL or str(Path(settings.BACKUP_DIR).resolve())
        with _failing_as_ours():
            self._fs, root = stores.opened(url)
            self._versions = stores.with_versions(url)
        self._root = root.rstrip("/")
        self._local = "file" in _protocols(self._fs)
        if not stores.in_time(self._answers):
            raise BackupFolderMissing(_("The backup folder is not there."))

    def path_of(self, location: str) -> str:
        """The whole path of a copy. UnsafeLocation when it is not below the place."""
        parts = PurePosixPath(location).parts
        if not parts or location.startswith("/") or ".." in parts or "\\" in location:
            raise UnsafeLocation(_("A backup's location leads outside the backup folder."))
        if self._local:
            root = Path(self._root).resolve()
            path = (root / location).resolve()
            if path == root or not path.is_relative_to(root):
                raise UnsafeLocation(_("A backup's location leads outside the backup folder."))
            return str(path)
        if set("*?[") & set(location):
            raise UnsafeLocation(_("A store would take a backup's location for a pattern, and delete others as well."))
        return f"{self._root}/{'/'.join(parts)}"

    def delete(self, location: str) -> None:
        """Delete a file, or a folder with all that is in it; nothing happens when it is gone already."""
        path = self.path_of(location)
        with _failing_as_ours():
            if self._fs.exists(path):
                self._fs.rm(path, recursive=self._fs.isdir(path))

    def is_there(self, location: str) -> bool:
        """Whether anything of it is left, as the store itself says now."""
        path = self.path_of(location)
        with _failing_as_ours():
            self._fs.invalidate_cache(path)
            return bool(self._fs.exists(path)) or self._has_versions(path)

    def unknown(self, locations: Iterable[str]) -> list[Found]:
        """What lies in the place and belongs to none of these locations. Of a folder that holds some of them, what is
        in it is looked at; of one that holds none, the folder itself."""
        known = {PurePosixPath(location).parts for location in locations}
        above = {parts[:depth] for parts in known for depth in range(1, len(parts))}
        with _failing_as_ours():
            return list(self._unknown((), known, above))

    def _unknown(self, folder: Parts, known: set[Parts], above: set[Parts]) -> Iterator[Found]:
        for found in self._listed(folder):
            parts = (*folder, found.name)
            if parts in known:
                continue
            if parts in above:
                yield from self._unknown(parts, known, above)
            else:
                yield Found("/".join(parts), found.changed)

    def _listed(self, folder: Parts) -> Iterator[Found]:
        whole = "/".join((self._root, *folder))
        try:
            listed = self._fs.ls(whole, detail=True)
        except FileNotFoundError:
            return  # an object store knows no empty folders
        for info in listed:
            path = str(info["name"]).rstrip("/")
            name = path.rpartition("/")[2]
            # Some stores list a mark of the folder itself.
            if name and not name.startswith(".") and path.strip("/") != whole.strip("/"):
                yield Found(name, _instant(info))

    def _has_versions(self, path: str) -> bool:
        """Of the file, or of anything in the folder: a store that keeps versions keeps them of what was deleted."""
        ask = getattr(self._versions, "object_version_info", None)
        if ask is None:
            return False
        key = path.strip("/").partition("/")[2]
        # It lists by the beginning of a name: neighbours whose names begin like ours are none of it.
        try:
            found = {each["Key"] for each in ask(path)}
        except KeyError:  # s3fs, where the store knows not one
            return False
        return any(each == key or each.startswith(f"{key}/") for each in found)

    def _answers(self) -> bool:
        with _failing_as_ours():
            if self._fs.exists(self._root):
                return True
            bucket = self._root.lstrip("/").partition("/")[0]
            return not self._local and bool(bucket) and bool(self._fs.exists(bucket))


class _failing_as_ours:  # noqa: N801  (used as a function)
    """Stores raise errors of their own libraries, whose words may quote keys."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, Exception) and not isinstance(error, OSError):
            raise BackupPlaceFailed(
                _("The backup place failed (%(error)s).") % {"error": type(error).__name__}
            ) from None


def _protocols(fs: Any) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _instant(info: dict[str, Any]) -> datetime | None:
    value = info.get("mtime") or info.get("LastModified") or info.get("created")
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return None
