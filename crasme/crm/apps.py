from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crasme.crm"
    label = "crm"
    verbose_name = "Crasme CRM"
