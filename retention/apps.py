from django.apps import AppConfig
from django.db.models.signals import post_migrate


class RetentionConfig(AppConfig):
    name = "retention"
    verbose_name = "Retention"

    def ready(self) -> None:
        from retention import checks  # noqa: F401  (registers the system checks, which need loaded apps)
        from retention.schedule.installing import install_after_migrate

        post_migrate.connect(install_after_migrate, sender=self, dispatch_uid="retention.schedule")
