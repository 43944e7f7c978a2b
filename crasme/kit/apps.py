from django.apps import AppConfig


class KitConfig(AppConfig):
    name = "crasme.kit"
    label = "kit"
    verbose_name = "Kit"

    def ready(self) -> None:
        from crasme.kit import checks  # noqa: F401  (registers the system checks, which need loaded apps)
