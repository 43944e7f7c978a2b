from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class PrivacyConfig(AppConfig):
    name = "privacy"
    label = "privacy"
    verbose_name = _("Privacy")

    def ready(self) -> None:
        from consent import parties
        from privacy.policy import seed  # needs loaded models
        from privacy.policy.facts import consent_controller

        parties.provide(consent_controller)

        post_migrate.connect(seed.after_migrate, sender=self, dispatch_uid="privacy.policy.seed")
