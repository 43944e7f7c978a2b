from django.apps import AppConfig


class CompanyConfig(AppConfig):
    name = "tests.retention.company"
    label = "company"
    default_auto_field = "django.db.models.BigAutoField"
