"""Copies end 30 days after they were made, inside the backup folder and nowhere else (P8.4)."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from pytest_django import Settings

from crasme.ledger.models import Entry
from retention import services
from retention.errors import BackupFolderMissing, UnsafeLocation
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
