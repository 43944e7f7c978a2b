"""Where a card leads; "" when a model has no page in the admin, and then the card is no link."""

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.urls import reverse


def to_list(model: type[Model], query: str = "") -> str:
    if not admin.site.is_registered(model):
        return ""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") + query


def to_row(row: Model) -> str:
    return to_pk(type(row), row.pk)


def to_pk(model: type[Model], pk: Any) -> str:
    if not admin.site.is_registered(model):
        return ""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[pk])
