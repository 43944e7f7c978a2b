"""Who the servers run as, and folders that this user can reach.

PostgreSQL refuses to run as root, so a root starter drops to `nobody`, for the servers only. What could go wrong: that
user cannot pass a private folder such as /root or a fresh temporary one. A data folder of our own is opened for passing
through (not for listing); anything further up is never touched: data and programs then live below /var/lib/crasme.
"""

import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from crasme.embedded.errors import EmbeddedError

SHARED = Path("/var/lib/crasme")


@dataclass(frozen=True)
class Account:
    """An unprivileged user; `keywords` are what subprocess needs to become it."""

    name: str
    uid: int
    gid: int

    @property
    def keywords(self) -> dict[str, object]:
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def passes(self, path: Path) -> bool:
        """True when this user may enter every folder from the root down to `path`, and read `path` itself."""
        path = path.resolve()
        return all(self._may(folder, 1) for folder in path.parents) and self._may(path, 5)

    def _may(self, path: Path, bits: int) -> bool:
        facts = path.stat()
        shift = 6 if facts.st_uid == self.uid else 3 if facts.st_gid == self.gid else 0
        return (facts.st_mode >> shift) & bits == bits


def server_account() -> Account | None:
    """None for an ordinary user, who runs the servers as themselves; `nobody` for root."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError(
            "PostgreSQL does not run as root and this machine has no user `nobody`: start as an ordinary user, "
            "or set DATABASE_URL and BROKER_URL to servers of your own."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def home_for(data_dir: Path, account: Account | None, instance: str) -> Path:
    """The folder that shall hold the servers' files: `data_dir`, or one below SHARED when the user cannot get there."""
    if account is None:
        return data_dir
    mode = stat.S_IMODE(data_dir.stat().st_mode)
    if data_dir.stat().st_uid == 0 and mode & 0o011 != 0o011:
        data_dir.chmod(mode | 0o011)
    if all(account._may(folder, 1) for folder in (data_dir, *data_dir.parents)):
        return data_dir
    return _passable(SHARED / instance)


def own(folder: Path, account: Account | None) -> None:
    """Give `folder` (made here when missing, closed to others) to the servers' user, with all that is in it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if account is not None and folder.stat().st_uid != account.uid:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
    elif account is None and folder.stat().st_uid != os.geteuid():
        owner = folder.stat().st_uid
        raise EmbeddedError(
            f"{folder} belongs to another user (id {owner}), perhaps from a start as root: "
            "choose another DATA_DIR, or remove or chown that folder."
        )


def programs_for(folder: Path, account: Account | None, probe: str) -> Path:
    """`folder`, or a copy of it below SHARED when the servers' user cannot run the program `probe` in it."""
    if account is None or (account.passes(folder / probe) and account.passes(folder)):
        return folder
    made = int((folder / probe).stat().st_mtime)
    copy = _passable(SHARED / "programs") / f"{folder.name}-{made}-{(folder / probe).stat().st_size}"
    if not copy.exists():
        draft = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(folder, draft, symlinks=True)
        for path in (draft, *draft.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        try:
            draft.rename(copy)
        except OSError:  # another start was quicker
            shutil.rmtree(draft)
    return copy


def _passable(folder: Path) -> Path:
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for path in (SHARED, folder):
        path.chmod(0o711)
    return folder
