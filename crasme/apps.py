"""The roof as an app: its place is last, so that everything it sees over exists when its receivers run."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from crasme.celery import app as celery_app
from crasme.staff import roles


class CrasmeConfig(AppConfig):
    name = "crasme"
    label = "crasme"
    verbose_name = "Crasme"
    celery = celery_app  # loaded with the apps, so that `delay` in any process knows the broker

    def ready(self) -> None:
        post_migrate.connect(keep_roles, sender=self)


def keep_roles(sender: AppConfig, **kwargs: Any) -> None:
    """Groups and their permissions follow the table in `crasme.staff.roles`, whatever was clicked before."""
    roles.sync(using=kwargs["using"])
