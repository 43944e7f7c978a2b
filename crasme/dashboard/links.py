"""Where a card leads; "" when a model has no page in the admin, and then the card is no link."""

from django.contrib import admin
from django.db.models import Model
from django.urls import reverse


def to_list(model: type[Model], query: str = "") -> str:
    if not admin.site.is_registered(model):
        return ""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") + query


def to_row(row: Model) -> str:
    if not admin.site.is_registered(type(row)):
        return ""
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
