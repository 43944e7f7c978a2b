"""Backups as a nightly job would have left them: small real files with their rows in the register (P8.4).

Two are older than 30 days, so that the first run of the rule has something to delete and to prove.
"""

import os
import shutil
from pathlib import Path

from django.conf import settings

from crasme.demo.plan import Counts, Demo, Draw
from retention.models import BackupSet
from retention.services import register_backup

AGES = (1, 8, 15, 22, 29, 33, 61)
FOLDER = "demo"
CONTENT = "Stands in for a database dump of {day}. It holds nothing.\n"


def make(demo: Demo, draw: Draw) -> Counts:
    folder = Path(settings.BACKUP_DIR) / FOLDER
    if folder.exists():  # files of a run that was cut off before their rows were there
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    for days in AGES:
        made_at = demo.ago(days)
        file = folder / f"crasme-{made_at:%Y-%m-%d}.dump"
        file.write_text(CONTENT.format(day=f"{made_at:%Y-%m-%d}"))
        os.utime(file, (made_at.timestamp(), made_at.timestamp()))
        register_backup(
            name=file.stem,
            kind=BackupSet.Kind.DATABASE,
            location=f"{FOLDER}/{file.name}",
            made_at=made_at,
            size=file.stat().st_size,
        )
    return {"backups": len(AGES)}
