"""Accounts: found by address, name or id; corrected, closed, opened again and restricted, each by its service.

What could go wrong: a page is left open while somebody else acts on the account. The services decide on what is
stored, so a button that no longer fits gets an explanation instead of doing harm.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_lazy as _, ngettext
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    ChoicesDropdownFilter,
    DropdownFilter,
)
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminRadioSelectWidget

from crasme.crm.admin import inlines
from crasme.crm.admin.base import DayFilter, SearchById, named
from crasme.crm.models import Account
from crasme.crm.periods import reactivable_until
from crasme.crm.services import accounts, again, corrections
from crasme.crm.sheets import AccountExport, AccountImport
from crasme.crm.sheets.cells import as_uuid
from crasme.kit.errors import CrasmeError
from crasme.staff import access
from crasme.staff.admin import EstimatePaginator
from crasme.staff.admin.confirm import confirmed
from crasme.staff.admin.sheets import PersonalImportExportAdmin
from crasme.staff.models import AccessEntry

CORRECTABLE = corrections.CORRECTABLE[Account]


class FlagFilter(DropdownFilter):
    title = _("flags")
    parameter_name = "flag"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("restricted", _("restricted")), ("on_hold", _("on hold"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Account]) -> QuerySet[Account]:
        if self.value() == "restricted":
            return queryset.filter(restricted_at__isnull=False)
        if self.value() == "on_hold":
            return queryset.filter(on_hold=True)
        return queryset


NAME_FROM = 3  # letters


class RestrictForm(forms.Form):
    reason = forms.ChoiceField(
        label=_("Reason"),
        choices=[
            ("accuracy", _("The data is wrong")),
            ("unlawful", _("It is used unlawfully")),
            ("claims", _("It is needed for a legal claim")),
            ("objection", _("The person objects to a use")),
            ("other", _("Something else")),
        ],
        widget=UnfoldAdminRadioSelectWidget,
    )


def _asked_before_a_restore(account: Account) -> list[str]:
    asked = again.was_asked_for(account)
    if asked is None:
        return []
    words = gettext(
        "The person asked for it on %(day)s; the request is not in the backup from which this was restored."
    )
    return [words % {"day": f"{asked:%Y-%m-%d}"}]


@admin.register(Account)
class AccountAdmin(SearchById, PersonalImportExportAdmin):
    resource_classes: ClassVar = [AccountImport]
    paginator = EstimatePaginator
    list_display = ("person", "organisation", "state", "flags", "created_at", "closed_at")
    list_filter = (
        ("status", ChoicesDropdownFilter),
        FlagFilter,
        ("organisation", AutocompleteSelectFilter),
        ("closed_at", DayFilter),
        ("created_at", DayFilter),
    )
    list_select_related = ("organisation",)
    search_fields = ("email", "full_name")
    search_help_text = _("The beginning of the e-mail address or of any part of the name, or the account's id.")
    ordering = ("-created_at", "-id")
    autocomplete_fields = ("organisation",)
    readonly_fields = (
        "id", "status", "created_at", "closed_at", "erased_at", "restricted_at", "restricted_by_request",
        "analytics_objected_at", "on_hold", "usage",
    )  # fmt: skip
    fieldsets = (
        (
            None,
            {"fields": (("full_name", "email"), ("organisation", "job_title", "role"), ("phone", "business_address"))},
        ),
        (_("Preferences"), {"fields": (("language", "time_zone"),)}),
        (
            _("Life cycle"),
            {
                "fields": (
                    ("status", "created_at"),
                    ("closed_at", "erased_at"),
                    ("restricted_at", "restricted_by_request"),
                    ("analytics_objected_at", "on_hold"),
                    "usage",
                    "id",
                )
            },
        ),
    )
    inlines = inlines.ALL
    actions_detail = ("close", "reactivate", "restrict", "unrestrict", "resume_analysis")
    change_form_before_template = "admin/crm/account/head.html"

    def choice_label(self, account: Account) -> str:
        """Whom a search for an account offers."""
        return named(account)

    # --- the search box ----------------------------------------------------------------------------------------------
    box_finds = (_("people"), _("people by how parts of their name begin, or by a whole e-mail address"))

    def in_box(self, request: HttpRequest, term: str) -> QuerySet[Account] | None:
        """A whole address, or how parts of a name begin. Of the name's letters a few have to be there: until then
        somebody looks for a page."""
        accounts: Any = self.get_queryset(request).select_related("organisation")
        fitting: QuerySet[Account] | None = None
        if "@" in term:
            fitting = accounts.by_email(term)
        elif len(term) >= NAME_FROM:
            fitting = accounts.named(term).order_by("full_name", "pk")
        return fitting

    def words_in_box(self, account: Account) -> str:
        return named(account)

    # --- the list ----------------------------------------------------------------------------------------------------
    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """By the indexes of addresses, names and ids; nothing reads the table."""
        if as_uuid(term := search_term.strip()) is not None:
            return super().get_search_results(request, queryset, term)
        return (queryset.begun(term) if term else queryset), False  # type: ignore[attr-defined]

    @display(description=_("person"), header=True, ordering="full_name")
    def person(self, obj: Account) -> list[Any]:
        if obj.status == Account.Status.ERASED:
            return [gettext("erased"), str(obj)]
        return [obj.full_name or "–", obj.email]

    @display(
        description=_("status"),
        ordering="status",
        label={Account.Status.ACTIVE: "success", Account.Status.CLOSED: "warning", Account.Status.ERASED: "danger"},
    )
    def state(self, obj: Account) -> tuple[str, str]:
        return obj.status, obj.get_status_display()

    @display(description=_("flags"))
    def flags(self, obj: Account) -> str:
        flags = {
            gettext("restricted"): obj.restricted_at is not None,
            gettext("no analysis"): obj.analytics_objected_at is not None,
            gettext("on hold"): obj.on_hold,
        }
        return ", ".join(words for words, is_set in flags.items() if is_set)

    @display(description=_("usage events"))
    def usage(self, obj: Account) -> str:
        address = f"{reverse('admin:crm_usageevent_changelist')}?account__id__exact={obj.pk}"
        return format_html('<a href="{}">{}</a>', address, gettext("Show usage events"))

    # --- who may do what ---------------------------------------------------------------------------------------------
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # accounts come from the product and from imports

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        is_open = obj is None or corrections.open_to_staff(obj)
        return is_open and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        return False  # data ends by a rule or a request

    def has_close_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("crm.close_account")

    def has_restrict_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("crm.restrict_account")

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        """Only what fits the account's state, asked once for all buttons."""
        identifier = as_uuid(unquote(str(object_id)))
        account = Account.objects.filter(pk=identifier).first() if identifier else None
        fitting = {f"crm_account_{name}" for name in _fitting(account)} if account else set()
        return [each for each in super().get_actions_detail(request, object_id) if each.action_name in fitting]

    # --- acts --------------------------------------------------------------------------------------------------------
    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: Any) -> None:
        changes = {name: form.cleaned_data[name] for name in form.changed_data if name in CORRECTABLE}
        corrections.correct(obj, actor=request.user.ref, now=timezone.now(), **changes)  # type: ignore[union-attr]

    @action(
        description=_("Close"),
        permissions=["close"],
        icon="person_off",
        variant=ActionVariant.WARNING,
    )
    @confirmed(
        title=_("Close this account?"),
        text=_("It can be opened again for a while; after that its data is erased."),
        button=_("Close the account"),
    )
    def close(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        return self._act(request, object_id, accounts.close, _("The account is closed."))

    @action(
        description=_("Open again"),
        permissions=["close"],
        icon="person_add",
    )
    @confirmed(
        title=_("Open this account again?"),
        text=_("This is possible only while its time after closure runs."),
        button=_("Open the account"),
    )
    def reactivate(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        def service(account: Account, **kwargs: Any) -> Account:
            # Whatever the page said: an account that is no longer closed has no such date, and the service says so.
            until = reactivable_until(account) or kwargs["now"]
            return accounts.reactivate(account, until=until, **kwargs)

        return self._act(request, object_id, service, _("The account is open again."))

    @action(
        description=_("Restrict"),
        permissions=["restrict"],
        icon="lock",
        variant=ActionVariant.WARNING,
    )
    @confirmed(
        title=_("Restrict the processing of this account?"),
        text=_("Its data is kept and not used for anything, until the restriction is lifted."),
        button=_("Restrict"),
        form_class=RestrictForm,
    )
    def restrict(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        return self._act(
            request, object_id, partial(accounts.restrict, **form.cleaned_data), _("Processing is restricted.")
        )

    @action(
        description=_("Lift the restriction"),
        permissions=["restrict"],
        icon="lock_open",
    )
    @confirmed(
        title=_("Lift the restriction?"),
        text=_("The person must have been told before."),
        more=_asked_before_a_restore,
        button=_("Lift the restriction"),
    )
    def unrestrict(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        return self._act(request, object_id, accounts.unrestrict, _("The restriction is lifted."))

    @action(
        description=_("Allow analysis again"),
        permissions=["restrict"],
        icon="monitoring",
    )
    @confirmed(
        title=_("Record and analyse the usage of this account again?"),
        text=_("Only if the person has taken the objection back."),
        button=_("Allow analysis"),
    )
    def resume_analysis(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        return self._act(request, object_id, accounts.resume_analysis, _("Usage is recorded again."))

    def _act(self, request: HttpRequest, object_id: str, service: Callable[..., Any], done: Any) -> HttpResponse:
        account = self.get_object(request, unquote(object_id))
        if account is None:
            raise Http404
        try:
            service(account, actor=request.user.ref, now=timezone.now())  # type: ignore[union-attr]
        except CrasmeError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, done)
        return redirect("admin:crm_account_change", account.pk)

    # --- tables ------------------------------------------------------------------------------------------------------
    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Of a file with one row the number is somebody's choice, and so is none: it is said to whoever may search the
        list for one address, and is logged as a search of it."""
        with transaction.atomic():
            response: HttpResponse = super().import_action(request, **kwargs)
            result = (getattr(response, "context_data", None) or {}).get("result")
            if result is not None and result.unwanted is not None and _may_see_the_unwanted(request):
                user: Any = request.user
                found: int = result.unwanted
                access.record(user, AccessEntry.Action.SEARCH, settings.UNWANTED_IN, now=timezone.now(), rows=found)
                if found:
                    messages.info(request, _words_of_unwanted(found))
        return response

    def get_import_resource_kwargs(self, request: HttpRequest, **kwargs: Any) -> dict[str, Any]:
        return {
            "actor": request.user.ref,  # type: ignore[union-attr]
            "now": timezone.now(),
            "may_look": self.has_view_permission(request),
        }

    def get_export_resource_classes(self, request: HttpRequest) -> list[type[AccountExport]]:
        return [AccountExport]


def _may_see_the_unwanted(request: HttpRequest) -> bool:
    app, _dot, model = settings.UNWANTED_IN.partition(".")
    return bool(model) and request.user.has_perm(f"{app}.view_{model}")


def _words_of_unwanted(number: int) -> str:
    return ngettext(
        "%(number)d of the addresses wants no marketing. The account is imported all the same, and the “no” stays.",
        "%(number)d of the addresses want no marketing. The accounts are imported all the same, and each “no” stays.",
        number,
    ) % {"number": number}


def _fitting(account: Account) -> set[str]:
    if account.status == Account.Status.ERASED:
        return set()
    names = {"close" if account.status == Account.Status.ACTIVE else "reactivate"}
    if account.restricted_at is None:
        names.add("restrict")
    elif not account.restricted_by_request:  # what the person asked for is lifted where they are told first
        names.add("unrestrict")
    return names | ({"resume_analysis"} if account.analytics_objected_at else set())
