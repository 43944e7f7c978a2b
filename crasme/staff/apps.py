from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _
from django_celery_beat import apps as beat_apps


class StaffAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "crasme.staff.site.StaffSite"


class SchedulesConfig(beat_apps.BeatConfig):
    """The scheduler's tables, under the words that the menu has for them."""

    default = False
    verbose_name = _("Operations")


class StaffConfig(AppConfig):
    name = "crasme.staff"
    label = "staff"
    verbose_name = "Staff"
    default = True

    def ready(self) -> None:
        import_module("crasme.staff.schema")  # registers how the API description names the key
