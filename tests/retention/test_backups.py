"""Copies end 30 days after they were made, inside the backup folder and nowhere else (P8.4)."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

import fsspec
import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError
from fsspec.implementations.memory import MemoryFileSystem
from pytest_django import Settings

from crasme.ledger.models import Entry
from retention import services
from retention.errors import BackupFolderMissing, NotAProcessorsCopy, UnsafeLocation
from retention.models import BackupSet, Run
from tests.retention import builders
from tests.retention.builders import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.BACKUP_DIR = tmp_path / "backups"
    settings.BACKUP_DIR.mkdir()
    return Path(settings.BACKUP_DIR)


def register(location: str, *, age: timedelta) -> BackupSet:
    return services.register_backup(name=location, kind="database", location=location, made_at=NOW - age)


def run(now: timedelta = timedelta(0)) -> Run:
    done = services.run_rule(builders.rule("backups"), now=NOW + now, actor="system:test")
    assert done is not None
    return done


def test_expired_copies_are_deleted_and_seen_to_be_gone(folder: Path) -> None:
    (folder / "old.dump").write_text("rows")
    (folder / "nightly").mkdir()
    (folder / "nightly" / "part1").write_text("rows")
    (folder / "young.dump").write_text("rows")
    old, nightly = register("old.dump", age=timedelta(days=31)), register("nightly", age=timedelta(days=40))
    young = register("young.dump", age=timedelta(days=30))
    assert run().rows_total == 2
    assert [path.name for path in folder.iterdir()] == ["young.dump"]
    for backup in (old, nightly):
        backup.refresh_from_db()
        assert (backup.deleted_at, backup.verified_gone_at) == (NOW, NOW)
    young.refresh_from_db()
    assert (young.expires_at, young.deleted_at) == (NOW, None)
    assert Entry.objects.filter(verb="retention.backup_gone").count() == 2


def test_a_copy_that_somebody_deleted_already_is_seen_to_be_gone(folder: Path) -> None:
    backup = register("gone.dump", age=timedelta(days=31))
    assert run().state == Run.State.DONE
    backup.refresh_from_db()
    assert backup.verified_gone_at == NOW


@pytest.mark.parametrize("location", ["../outside.dump", "/etc/hostname", "nightly/../../outside.dump", ".", ""])
def test_a_location_outside_the_folder_is_refused(folder: Path, location: str) -> None:
    with pytest.raises((UnsafeLocation, ValidationError)):
        register(location, age=timedelta(days=1))


def test_a_link_that_leads_out_is_refused_and_the_other_copies_still_go(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "precious.txt"
    outside.write_text("keep me")
    (folder / "old.dump").write_text("rows")
    link = BackupSet.objects.create(
        name="link",
        kind="files",
        location="link",
        made_at=NOW - timedelta(days=50),
        expires_at=NOW - timedelta(days=20),
    )
    (folder / "link").symlink_to(outside)
    old = register("old.dump", age=timedelta(days=31))
    stopped = run()
    assert (stopped.state, stopped.last_error, stopped.rows_total) == (Run.State.STOPPED, "unsafe-location", 1)
    assert outside.read_text() == "keep me"
    old.refresh_from_db()
    link.refresh_from_db()
    assert (old.verified_gone_at, link.deleted_at) == (NOW, None)
    assert BackupSet.objects.overdue(NOW).get() == link


def test_a_folder_that_is_not_mounted_proves_nothing(folder: Path, settings: Settings) -> None:
    backup = register("old.dump", age=timedelta(days=31))
    settings.BACKUP_DIR = folder / "elsewhere"
    assert run().last_error == "backup-folder-missing"
    backup.refresh_from_db()
    assert backup.deleted_at is None
    with pytest.raises(BackupFolderMissing):
        register("x", age=timedelta(days=1))


# --- other places, and copies that others keep -----------------------------------------------------------------------
class Versioned(MemoryFileSystem):
    """An object store that keeps what was deleted as an old version."""

    protocol = "versioned"
    kept: ClassVar[set[str]] = set()

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return str(super()._strip_protocol(path.replace("versioned://", "memory://")))

    def object_version_info(self, path: str) -> list[dict[str, str]]:
        """By the beginning of the name, and by the key below the bucket, as S3 does."""
        return [{"Key": each.removeprefix("/bucket/")} for each in self.kept if each.startswith(path)]


@pytest.mark.parametrize("kept", [False, True])
def test_an_object_store_is_asked_whether_anything_is_left(kept: bool, settings: Settings) -> None:
    fsspec.register_implementation("versioned", Versioned, clobber=True)
    settings.BACKUP_URL = "versioned://bucket/nightly"
    store = Versioned()
    for name in ("old.dump", "wal/000001", "wal/000002", "young.dump"):
        store.pipe_file(f"/bucket/nightly/{name}", b"rows")
    Versioned.kept = {"/bucket/nightly/old.dump"} if kept else {"/bucket/nightly/old.dump.of-somebody-else"}
    old, wal = register("old.dump", age=timedelta(days=31)), register("wal", age=timedelta(days=31))
    young = register("young.dump", age=timedelta(days=1))
    assert (run().rows_total, store.find("/bucket")) == (1 if kept else 2, ["/bucket/nightly/young.dump"])
    for backup in (old, wal, young):
        backup.refresh_from_db()
    assert (wal.verified_gone_at, young.deleted_at) == (NOW, None)
    assert (old.deleted_at, old.verified_gone_at) == (NOW, None if kept else NOW)
    for unsafe in ("../other/x", "*.dump"):
        with pytest.raises(UnsafeLocation):
            register(unsafe, age=timedelta(days=1))
    settings.BACKUP_URL = "versioned://elsewhere/nightly"
    with pytest.raises(BackupFolderMissing):
        register("x", age=timedelta(days=1))
    store.rm("/bucket", recursive=True)


def test_a_processors_copy_is_gone_when_somebody_has_seen_it(folder: Path) -> None:
    theirs = services.register_backup(
        name="Hosting", kind="processor", location="Hosting, snapshot 7", made_at=NOW - timedelta(days=40)
    )
    assert run().state == Run.State.DONE
    theirs.refresh_from_db()
    assert (theirs.deleted_at, BackupSet.objects.overdue(NOW).get()) == (None, theirs)
    with pytest.raises(NotAProcessorsCopy):
        services.seen_gone(register("ours.dump", age=timedelta(days=1)), actor="staff:test", now=NOW)
    for _twice in range(2):
        services.seen_gone(theirs, actor="staff:test", now=NOW)
    theirs.refresh_from_db()
    assert theirs.verified_gone_at == NOW
    assert Entry.objects.get(verb="retention.backup_gone").actor == "staff:test"


def test_copies_that_no_row_knows_are_found_and_can_be_registered(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "known").mkdir()
    (folder / "known" / "a.dump").write_text("rows")
    (folder / "stray.dump").write_text("rows")
    (folder / "known" / "forgotten.dump").write_text("rows")
    register("known/a.dump", age=timedelta(days=1))
    call_command("backups", "register", "stray.dump", "--kind", "processor")  # a name of somebody else's place
    assert sorted(found.name for found in services.unregistered_backups()) == ["known/forgotten.dump", "stray.dump"]
    BackupSet.objects.filter(kind="processor").delete()
    (folder / "known" / "forgotten.dump").unlink()
    call_command("backups", "list")
    assert "not registered    stray.dump" in capsys.readouterr().out
    call_command("backups", "register", "stray.dump", "--made-at", "2026-11-01T03:00:00Z")
    assert services.unregistered_backups() == []
    assert BackupSet.objects.get(location="stray.dump").made_at == datetime(2026, 11, 1, 3, tzinfo=UTC)
    with pytest.raises(CommandError, match="registered already"):
        call_command("backups", "register", "stray.dump")
    call_command("backups", "register", "Hosting, 7", "--kind", "processor")
    call_command("backups", "gone", "Hosting, 7")
    assert BackupSet.objects.get(kind="processor").verified_gone_at is not None
