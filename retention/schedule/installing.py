"""Putting the first schedule in force, once, where a database has no rule of a name at all.

What could go wrong: two processes do it at once (a lock), or a rule that people changed is put back (never).
"""

from typing import Any

from django.apps import AppConfig, apps
from django.db import DEFAULT_DB_ALIAS, connections, router, transaction

from crasme.ledger.services import record
from retention.changing import publication
from retention.models import Rule
from retention.schedule import FIRST_SCHEDULE
from retention.schedule.planned import rule_of
from retention.verbs import RULES_INSTALLED


def install(using: str = DEFAULT_DB_ALIAS) -> list[str]:
    """Put in force what the database has no rule for; the slugs. Idempotent, also when two processes do it at once."""
    with transaction.atomic(using=using):
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('retention schedule', 0))")
        known = set(Rule.objects.using(using).values_list("slug", flat=True))
        missing = [planned for planned in FIRST_SCHEDULE if planned.slug not in known]
        with publication(using):  # the first schedule is what the first published policy tells of
            Rule.objects.using(using).bulk_create(rule_of(planned) for planned in missing)
        slugs = [planned.slug for planned in missing]
        if slugs and using == router.db_for_write(Rule):
            record(RULES_INSTALLED.name, actor="system:migrate", rules=slugs)
    return slugs


def install_after_migrate(sender: AppConfig, *, using: str, plan: Any = None, **kwargs: Any) -> None:
    """Receiver of post_migrate. A migration back to nothing takes the tables away, and then there is no schedule."""
    tables = connections[using].introspection.table_names()
    needed = (Rule._meta.db_table, apps.get_model("ledger.Entry")._meta.db_table)
    if router.allow_migrate_model(using, Rule) and all(table in tables for table in needed):
        install(using)
