from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class StaffAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "crasme.staff.site.StaffSite"


class StaffConfig(AppConfig):
    name = "crasme.staff"
    label = "staff"
    verbose_name = "Staff"
    default = True
