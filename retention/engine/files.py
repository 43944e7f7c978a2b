"""Deleting the files of backups that are over their 30 days, and looking whether they are gone (P8.4).

What could go wrong: a location that leads out of the backup folder (resolved, links included, and refused), or a folder
that is not mounted, where every file looks gone (the folder itself must be there).
"""

import shutil
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.db import transaction

from crasme.ledger.services import record
from retention import locks, predicate
from retention.engine import checkpoint, digests
from retention.engine.watch import Watch
from retention.errors import BackupFolderMissing, RetentionError, UnsafeLocation
from retention.models import BackupSet, Run
from retention.obstacles import Scopes
from retention.verbs import BACKUP_GONE


def end(run: Run, watch: Watch) -> bool:
    """Delete the copies that are due. False when time ran out before it was through."""
    due = predicate.releasable(run.rule, run.cutoff).order_by(run.rule.anchor, "pk")
    failed: list[Exception] = []
    for key in list(due.values_list("pk", flat=True)):
        if watch.is_over():
            return False
        try:
            _end_one(run, watch, key)
        except (OSError, RetentionError) as error:
            run.refresh_from_db()
            failed.append(error)  # the other copies must not outlive their period because of this one
            continue
        watch.reached("file.committed")
    if failed:
        raise failed[0]
    return True


def place_of(location: str) -> Path:
    """The absolute path of a backup. UnsafeLocation when it is not below the folder, BackupFolderMissing without it."""
    folder = Path(settings.BACKUP_DIR).resolve()
    if not folder.is_dir():
        raise BackupFolderMissing("The backup folder is not there.")
    path = (folder / location).resolve()
    if path == folder or not path.is_relative_to(folder):
        raise UnsafeLocation("A backup's location leads outside the backup folder.")
    return path


def _end_one(run: Run, watch: Watch, key: UUID) -> None:
    with transaction.atomic():
        checkpoint.begin(run)
        locks.share_holds()
        rows = predicate.releasable(run.rule, run.cutoff, scopes=Scopes.now())
        backup = rows.select_for_update().filter(pk=key).first()
        if backup is not None:
            _delete(run, watch, backup)


def _delete(run: Run, watch: Watch, backup: BackupSet) -> None:
    path = place_of(backup.location)
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    watch.reached("file.deleted")
    backup.deleted_at = watch.now
    if not path.exists():
        backup.verified_gone_at = watch.now
    backup.save(update_fields=["deleted_at", "verified_gone_at"])
    label = backup._meta.label_lower
    gone = int(backup.verified_gone_at is not None)
    checkpoint.note(run, watch, label=label, rows=gone, digest=digests.of_keys([backup.pk]), counts={label: gone})
    if gone:
        record(BACKUP_GONE.name, actor=run.requested_by, backup=backup.pk, run=run.pk)
