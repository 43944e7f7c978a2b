"""Invoices are never changed; of a billing profile support corrects the name, address, e-mail and tax number.

An invoice can be said to be in dispute, and no longer so: until then it is kept, whatever its period says.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import BooleanFieldListFilter, EmptyFieldListFilter
from django.contrib.admin.utils import unquote
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateFilter
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display

from crasme.crm.admin.base import RecordAdmin, SearchById, link_to_account
from crasme.crm.admin.inlines import DisputeInline
from crasme.crm.errors import DisputeRefused
from crasme.crm.models import BillingProfile, Dispute, Invoice
from crasme.crm.services import corrections, disputes
from crasme.crm.sheets.cells import as_uuid
from crasme.kit.errors import CrasmeError
from crasme.staff import actors
from crasme.staff.admin import EstimatePaginator, PersonalDataAdmin, panels
from crasme.staff.admin.confirm import confirmed


class DisputeForm(forms.Form):
    reason = forms.ChoiceField(label=_("What is contested"), choices=Dispute.Reason.choices)


class NamedInHold(BooleanFieldListFilter):
    """The flag that can be asked for in a list: a hold on a category or a period sets none."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("hold by account, organisation or invoice")


@admin.register(Invoice)
class InvoiceAdmin(RecordAdmin):
    list_display = ("number", "billed_name", "issued_on", "total", "currency", "account_link", "kept_by")
    list_filter = (("issued_on", RangeDateFilter), ("on_hold", NamedInHold))
    exclude = ("on_hold",)
    readonly_fields = ("kept_by",)
    search_fields = ("number__istartswith", "billed_email__exact", "billed_name__icontains")
    search_help_text = _("The beginning of the number, the whole e-mail address, a part of the name, or the id.")
    list_select_related = False
    inlines = (DisputeInline,)
    actions_detail = ("open_dispute", "close_dispute")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Invoice]:
        running = Dispute.objects.filter(invoice=OuterRef("pk"), closed_at=None)
        found: QuerySet[Invoice] = super().get_queryset(request)
        return found.annotate(in_dispute=Exists(running))

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Which of the page's invoices are held is asked once for all of them."""
        shown = super().get_changelist_instance(request)
        on_page = list(shown.result_list)
        held = panels.held(Invoice, [each.pk for each in on_page])
        for each in on_page:
            each.is_held = each.pk in held
        shown.result_list = on_page
        return shown

    @display(description=_("kept beyond its period"))
    def kept_by(self, invoice: Any) -> str:
        if not hasattr(invoice, "is_held"):
            invoice.is_held = bool(panels.held(Invoice, [invoice.pk]))
        words = [gettext("legal hold")] if invoice.is_held else []
        words += [gettext("open dispute")] if invoice.in_dispute else []
        return ", ".join(words) or "–"

    def has_dispute_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("crm.settle_dispute")

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        """The one that fits: an invoice in dispute can be settled, another contested."""
        shown = super().get_actions_detail(request, object_id)
        identifier = as_uuid(unquote(str(object_id)))
        running = Dispute.objects.filter(invoice=identifier, closed_at=None).exists()
        fitting = "crm_invoice_close_dispute" if running else "crm_invoice_open_dispute"
        return [each for each in shown if each.action_name == fitting]

    @action(description=_("Open a dispute"), permissions=["dispute"], icon="gavel")
    @confirmed(
        title=_("Say that this invoice is in dispute?"),
        text=_("It is kept until the dispute is closed, whatever its period says."),
        button=_("Open the dispute"),
        form_class=DisputeForm,
    )
    def open_dispute(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        def act(invoice: Invoice, **by: Any) -> None:
            disputes.open_dispute(invoice, **form.cleaned_data, **by)

        return self._act(request, object_id, act, _("The invoice is in dispute, and kept until that is closed."))

    @action(description=_("Close the dispute"), permissions=["dispute"], icon="task_alt")
    @confirmed(
        title=_("Close the dispute about this invoice?"),
        text=_("The invoice follows its period again; when that is over, the next run ends it."),
        button=_("Close the dispute"),
    )
    def close_dispute(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        def act(invoice: Invoice, **by: Any) -> None:
            running = invoice.disputes.filter(closed_at=None).first()
            if running is None:
                raise DisputeRefused(_("This dispute is closed already."))
            disputes.close_dispute(running, **by)

        return self._act(request, object_id, act, _("The dispute is closed."))

    def _act(self, request: HttpRequest, object_id: str, act: Callable[..., None], done: Any) -> HttpResponse:
        invoice = self.get_object(request, unquote(object_id))
        if invoice is None:
            raise Http404
        try:
            act(invoice, actor=request.user.ref, now=timezone.now())  # type: ignore[union-attr]
        except CrasmeError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, done)
        return redirect("admin:crm_invoice_change", invoice.pk)


@admin.register(Dispute)
class DisputeAdmin(RecordAdmin):
    list_display = ("opened_at", "invoice_link", "reason", "state", "closed_at", "reference")
    list_filter: ClassVar = [("closed_at", EmptyFieldListFilter), ("reason", ChoicesDropdownFilter)]
    list_select_related = ("invoice",)
    search_fields = ("=reference", "=invoice__number")
    search_help_text = _("The number of the dispute or of the invoice, in full, or the id.")
    fields = ("invoice_link", "reason", "reference", ("opened_at", "opened"), ("closed_at", "closed"), "id")
    readonly_fields = ("invoice_link", "opened", "closed")

    @display(description=_("invoice"), ordering="invoice")
    def invoice_link(self, dispute: Dispute) -> str:
        address = reverse("admin:crm_invoice_change", args=[dispute.invoice_id])
        return format_html('<a href="{}">{}</a>', address, dispute.invoice.number)

    @display(description=_("state"), label={"open": "warning", "closed": "success"})
    def state(self, dispute: Dispute) -> tuple[str, str]:
        return ("open", gettext("open")) if dispute.closed_at is None else ("closed", gettext("closed"))

    @display(description=_("opened by"))
    def opened(self, dispute: Dispute) -> str:
        return actors.names([dispute.opened_by])[dispute.opened_by]

    @display(description=_("closed by"))
    def closed(self, dispute: Dispute) -> str:
        return actors.names([dispute.closed_by])[dispute.closed_by] if dispute.closed_by else "–"


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
