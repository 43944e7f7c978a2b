"""After every migration: the rows that ship, the partitions of the coming months, and a first notice.

Idempotent, and run again by a flush, which announces itself as a migration does. What exists is left as it is.
"""

from typing import Any

from django.db import connections, router, transaction
from django.utils import timezone

from consent import filing, notices, registry, seeds, topics
from consent.models import Category, ConsentEvent, Cookie, Notice, RegistryVersion, Service, Topic

ACTOR = "system:migrate"


def after_migrate(*, using: str, **kwargs: Any) -> None:
    """Receiver of post_migrate. Does nothing where the tables are not (yet, or any more)."""
    if not router.allow_migrate_model(using, ConsentEvent) or not _tables_exist(using):
        return
    now = timezone.now()
    filing.make_partitions(now, using=using)
    with transaction.atomic(using=using):
        seed()
        # A program without versions had the rows themselves in force: they are the first one.
        if not Notice.objects.exists() or not RegistryVersion.objects.exists():
            notices.publish(actor=ACTOR, now=now, shipped=True)
        elif notices.looks_different() and not notices.pending():
            # A new program draws the banner differently: the record must name what is shown. Nobody is asked for it.
            notices.publish(actor=ACTOR, now=now, shipped=True)
    topics.forget()
    registry.forget()
    notices.forget()


def seed() -> None:
    """Insert the shipped categories, services and cookies that are missing."""
    for row in seeds.CATEGORIES:
        Category.objects.get_or_create(slug=row["slug"], defaults=row)
    for row in seeds.SERVICES:
        Service.objects.get_or_create(slug=row["slug"], defaults=row)
    for row in seeds.TOPICS:
        Topic.objects.get_or_create(slug=row["slug"], defaults=row)
    categories = {category.slug: category for category in Category.objects.all()}
    services = {service.slug: service for service in Service.objects.all()}
    for row in seeds.COOKIES:
        related = {"category": categories[row["category"]], "service": services[row["service"]]}
        key = {"name": row["name"], "kind": row.get("kind", Cookie.Kind.COOKIE)}
        if not Cookie.objects.filter(**key).exists():
            Cookie.objects.create(**row | related)


def _tables_exist(using: str) -> bool:
    wanted = {model._meta.db_table for model in (Category, Service, Cookie, Notice, ConsentEvent, Topic)}
    wanted |= {"ledger_entry", RegistryVersion._meta.db_table}
    connection = connections[using]
    with connection.cursor() as cursor:
        present = {table.name for table in connection.introspection.get_table_list(cursor)}
    return wanted <= present
