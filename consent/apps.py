from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class ConsentConfig(AppConfig):
    name = "consent"
    label = "consent"
    verbose_name = _("Consent")

    def ready(self) -> None:
        from consent.seeding import after_migrate  # needs loaded models

        post_migrate.connect(after_migrate, sender=self, dispatch_uid="consent.seeding")
