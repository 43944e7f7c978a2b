from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class LedgerConfig(AppConfig):
    name = "crasme.ledger"
    label = "ledger"
    verbose_name = "Evidence"

    def ready(self) -> None:
        autodiscover_modules("verbs")
