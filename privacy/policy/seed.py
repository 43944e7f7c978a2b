"""After every migration: the registers that ship, and the first published policy.

Idempotent, and run again by a flush, which announces itself as a migration does. The rooms below have made their rows
by then: apps are announced in the order in which they are installed.
"""

from typing import Any

from django.db import connections, router, transaction
from django.utils import timezone

from crasme.staff.actors import system
from privacy.models import Controller, PolicyVersion, Recipient, Right
from privacy.models.registers import THE_ONE
from privacy.policy import publication, seeds


def after_migrate(*, using: str, **kwargs: Any) -> None:
    """Receiver of post_migrate. Does nothing where the tables are not (yet, or any more)."""
    if not router.allow_migrate_model(using, PolicyVersion) or not _tables_exist(using):
        return
    with transaction.atomic(using=using):
        seed()
        if not PolicyVersion.objects.exists():
            publication.publish(**seeds.FIRST_VERSION, actor=system("migrate"), now=timezone.now())


def seed() -> None:
    """Insert the registers' rows that are missing."""
    Controller.objects.get_or_create(pk=THE_ONE, defaults=seeds.CONTROLLER)
    for row in seeds.RECIPIENTS:
        Recipient.objects.get_or_create(slug=row["slug"], defaults=row)
    for position, row in enumerate(seeds.RIGHTS, start=1):
        Right.objects.get_or_create(kind=row["kind"], defaults=row | {"position": position})


def _tables_exist(using: str) -> bool:
    """A migration to an earlier point leaves some out: any room's whose rows the policy is made of."""
    wanted = {model._meta.db_table for model in (Controller, Recipient, Right, PolicyVersion)}
    wanted |= {"retention_rule", "consent_cookie", "ledger_entry"}
    connection = connections[using]
    with connection.cursor() as cursor:
        present = {table.name for table in connection.introspection.get_table_list(cursor)}
    return wanted <= present
