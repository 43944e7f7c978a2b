"""Invoices are never changed; of a billing profile support corrects the name, address, e-mail and tax number."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import display

from crasme.crm.admin.base import RecordAdmin, SearchById, link_to_account
from crasme.crm.models import BillingProfile, Invoice
from crasme.crm.services import corrections
from crasme.staff.admin import EstimatePaginator, PersonalDataAdmin


@admin.register(Invoice)
class InvoiceAdmin(RecordAdmin):
    list_display = ("number", "billed_name", "issued_on", "total", "currency", "account_link", "on_hold")
    list_filter = (("issued_on", RangeDateFilter), "on_hold")
    search_fields = ("number__istartswith", "billed_email__exact", "billed_name__icontains")
    search_help_text = _("The beginning of the number, the whole e-mail address, a part of the name, or the id.")
    list_select_related = False


@admin.register(BillingProfile)
class BillingProfileAdmin(SearchById, PersonalDataAdmin):
    paginator = EstimatePaginator
    list_display = ("billing_name", "billing_email", "processor", "account_link", "updated_at")
    search_fields = ("billing_email__exact", "billing_name__icontains")
    search_help_text = _("The whole e-mail address, a part of the name, or the id.")
    ordering = ("-id",)
    fields = (
        "account_link",
        *corrections.CORRECTABLE[BillingProfile],
        "processor",
        "processor_customer",
        "updated_at",
        "id",
    )
    readonly_fields = ("account_link", "processor", "processor_customer", "updated_at", "id")

    @display(description=_("account"), ordering="account")
    def account_link(self, obj: BillingProfile) -> str:
        return link_to_account(obj.account_id)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: BillingProfile | None = None) -> bool:
        is_open = obj is None or corrections.open_to_staff(obj.account)
        return is_open and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: BillingProfile, form: Any, change: Any) -> None:
        changes = {name: form.cleaned_data[name] for name in form.changed_data}
        corrections.correct(obj, actor=request.user.ref, now=timezone.now(), **changes)  # type: ignore[union-attr]
