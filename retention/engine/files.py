"""Deleting the files of backups that are over their 30 days, and looking whether they are gone (P8.4).

What could go wrong: what `retention.copies` says, and one copy that cannot be deleted and keeps the others from it.
"""

from uuid import UUID

from django.db import transaction

from crasme.ledger.services import record
from retention import locks, predicate
from retention.copies import Copies
from retention.engine import checkpoint, digests
from retention.engine.watch import Watch
from retention.errors import RetentionError
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


def _end_one(run: Run, watch: Watch, key: UUID) -> None:
    with transaction.atomic():
        checkpoint.begin(run, watch)
        locks.share_holds()
        rows = predicate.releasable(run.rule, run.cutoff, scopes=Scopes.now())
        backup = rows.select_for_update().filter(pk=key).first()
        if backup is not None:
            _delete(run, watch, backup)


def _delete(run: Run, watch: Watch, backup: BackupSet) -> None:
    copies = Copies()
    copies.delete(backup.location)
    watch.reached("file.deleted")
    backup.deleted_at = watch.now
    if not copies.is_there(backup.location):
        backup.verified_gone_at = watch.now
    backup.save(update_fields=["deleted_at", "verified_gone_at"])
    label = backup._meta.label_lower
    gone = int(backup.verified_gone_at is not None)
    checkpoint.note(run, watch, label=label, rows=gone, digest=digests.of_keys([backup.pk]), counts={label: gone})
    if gone:
        record(BACKUP_GONE.name, actor=run.requested_by, backup=backup.pk, run=run.pk)
