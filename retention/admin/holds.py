"""Legal holds: placed by a form, looked at, released by a button; never changed and never deleted by hand."""

from datetime import date
from typing import Any, ClassVar, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import StackedInline
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from crasme.crm.admin.base import named
from crasme.kit import datamap
from crasme.kit.errors import CrasmeError
from crasme.staff import actors
from crasme.staff.admin import PersonalDataAdmin, PickedRows, confirmed
from retention import catch, holds, wording
from retention.errors import NothingToHold, ReviewPast
from retention.holds import Held
from retention.models import Hold, HoldItem

# What each scope must have, and may have.
SCOPES: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    HoldItem.Scope.ACCOUNT: (("account",), ()),
    HoldItem.Scope.ORGANISATION: (("organisation",), ()),
    HoldItem.Scope.CATEGORY: (("category",), ()),
    HoldItem.Scope.PERIOD: (("since", "until"), ("category",)),
    HoldItem.Scope.RECORD: (("label", "record"), ()),
}
MISSING: Final = {
    "account": _("Choose the account."),
    "organisation": _("Choose the organisation."),
    "category": _("Choose the category."),
    "since": _("Give the first day."),
    "until": _("Give the first day no longer covered."),
    "label": _("Choose the table."),
    "record": _("Give the record's id."),
}
OF_SCOPES: Final = ("account", "organisation", "category", "since", "until", "label", "record")


def _tables() -> list[tuple[str, str]]:
    named = [(table.label.lower(), wording.table(table.label.lower())) for table in datamap.tables()]
    return [("", "---------"), *sorted(named, key=lambda each: each[1])]


class HoldItemForm(forms.ModelForm):
    class Meta:
        model = HoldItem
        fields = ("scope", "account", "organisation", "category", "since", "until", "label", "record")

    label = forms.ChoiceField(
        label=_("table"),
        required=False,
        choices=_tables,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Where the record stands: an invoice is one of “invoices (crm.invoice)”."),
    )
    record = forms.CharField(
        label=_("record"),
        required=False,
        max_length=64,
        widget=UnfoldAdminTextInputWidget,
        help_text=_(
            "Its id, as it stands on its page and in that page's address: 019aaf3c-7b7e-7c11-8d2e-0a4c5b6d7e8f."
        ),
    )

    def clean(self) -> dict[str, Any] | None:
        """Said at its field, before the hold is placed: what the scope asks for, no more, and what is gone."""
        cleaned = super().clean() or {}
        scope = cleaned.get("scope")
        if scope is None:
            return cleaned
        needed, allowed = SCOPES[scope]
        for name in needed:
            if not cleaned.get(name) and name not in self.errors:
                self.add_error(name, MISSING[name])
        for name in OF_SCOPES:
            if cleaned.get(name) and name not in (*needed, *allowed):
                words = _("“%(kind)s” does not ask for it: leave it empty, or choose another scope.")
                self.add_error(name, words % {"kind": HoldItem.Scope(scope).label})
        if not self.errors:
            try:
                holds.require(_item(cleaned))
            except NothingToHold as error:
                self.add_error(error.field or needed[-1], str(error))
        return cleaned


class HoldForm(forms.ModelForm):
    def clean_review_on(self) -> date:
        review_on: date = self.cleaned_data["review_on"]
        try:
            holds.require_review(review_on, timezone.now())
        except ReviewPast as error:
            raise forms.ValidationError(str(error)) from error
        return review_on


class HoldItemInline(PickedRows, StackedInline):
    class Media:
        css: ClassVar = {"all": ["retention/hold.css"]}

    model = HoldItem
    form = HoldItemForm
    # No spare form: its list of scopes begins with one, so that a form left alone would count as filled in, and fail.
    extra = 0
    min_num = 1
    autocomplete_fields = ("account", "organisation")
    readonly_fields = ("covered",)
    # A group a kind; retention/hold.css shows those of the kind that is chosen.
    fieldsets = (
        (None, {"fields": ("scope",)}),
        (_("One account"), {"fields": ("account",), "classes": ("held-of", "of-account")}),
        (_("One organisation"), {"fields": ("organisation",), "classes": ("held-of", "of-organisation")}),
        (_("A period of time"), {"fields": (("since", "until"),), "classes": ("held-of", "of-period")}),
        (
            _("A category of data; of a period, where it is one, only this"),
            {"fields": ("category",), "classes": ("held-of", "of-category", "of-period")},
        ),
        (_("One record"), {"fields": (("label", "record"),), "classes": ("held-of", "of-record")}),
    )

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.fieldsets if obj is None else ((None, {"fields": ("covered",)}),)

    @display(description=_("covers"))
    def covered(self, item: HoldItem) -> str:
        return catch.in_words(item)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "account" and request.user.has_perm("crm.view_account"):
            field.label_from_instance = named  # as the search that found it
        return field

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return obj is None and request.user.has_perm("retention.place_hold")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Hold)
class HoldAdmin(PersonalDataAdmin):
    form = HoldForm
    own_rights: ClassVar = {"add": "retention.place_hold"}
    list_display = ("matter", "condition", "covers", "owner", "review_on", "placed_at", "released_at")
    list_filter: ClassVar = [("released_at", admin.EmptyFieldListFilter)]
    list_select_related = ("owner",)
    search_fields: ClassVar = ["matter"]
    ordering = ("-placed_at",)
    inlines: ClassVar = [HoldItemInline]
    fields = ("matter", "reason", "owner", "review_on", "placed_at", "placed", "released_at", "released")
    readonly_fields = ("owner", "placed_at", "placed", "released_at", "released")
    actions_detail = ("release",)

    def subject_ref_of(self, obj: Model) -> str:
        return ""  # the row is about a matter; the accounts it covers are shown by number only

    def get_queryset(self, request: HttpRequest) -> QuerySet[Hold]:
        found: QuerySet[Hold] = super().get_queryset(request)
        return found.prefetch_related("items__account", "items__organisation")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else ("matter", "reason", "review_on")

    # --- who may do what ---------------------------------------------------------------------------------------------
    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("retention.place_hold")

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_release_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("retention.release_hold")

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        hold = self.get_object(request, unquote(str(object_id)))
        return [] if hold is None or hold.released_at else list(super().get_actions_detail(request, object_id))

    # --- placing -----------------------------------------------------------------------------------------------------
    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        try:
            answer: HttpResponse = super().add_view(request, form_url, extra_context)
        except CrasmeError as error:  # it was erased between the form's own look and the lock
            messages.error(request, str(error))
            return redirect("admin:retention_hold_add")
        return answer

    def save_model(self, request: HttpRequest, obj: Hold, form: Any, change: Any) -> None:
        """Nothing yet: a hold is placed with its items, by the service."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: Any) -> None:
        placed = holds.place(
            matter=form.cleaned_data["matter"],
            reason=form.cleaned_data["reason"],
            review_on=form.cleaned_data["review_on"],
            owner=request.user,  # type: ignore[arg-type]
            items=[_item(each.cleaned_data) for formset in formsets for each in formset.forms if each.has_changed()],
            actor=request.user.ref,  # type: ignore[union-attr]
            now=timezone.now(),
        )
        form.instance.__dict__.update(placed.__dict__)
        for formset in formsets:
            formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []
        found = "; ".join(f"{table}: {rows}" for table, rows in catch.caught(placed))
        if found:
            messages.info(request, _("This hold keeps now: %(found)s.") % {"found": found})
        else:
            messages.warning(request, _("This hold keeps no row now. Look whether it covers what was meant."))

    # --- releasing ---------------------------------------------------------------------------------------------------
    @action(
        description=_("Release"),
        permissions=["release"],
        icon="lock_open",
        variant=ActionVariant.WARNING,
    )
    @confirmed(
        title=_("Release this hold?"),
        text=_("What only this hold kept beyond its period is deleted with the next run."),
        button=_("Release the hold"),
        danger=True,
    )
    def release(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        hold = self.get_object(request, unquote(object_id))
        if hold is None:
            raise Http404
        try:
            holds.release(hold, actor=request.user.ref, now=timezone.now())  # type: ignore[union-attr]
        except CrasmeError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("The hold is released."))
        return redirect("admin:retention_hold_change", hold.pk)

    # --- columns -----------------------------------------------------------------------------------------------------
    @display(description=_("state"), label={"active": "warning", "review": "danger", "released": "info"})
    def condition(self, hold: Hold) -> tuple[str, Any]:
        if hold.released_at is not None:
            return "released", _("released")
        if hold.review_on < timezone.now().date():
            return "review", _("review overdue")
        return "active", _("active")

    @display(description=_("covers"))
    def covers(self, hold: Hold) -> str:
        return catch.scopes(hold.items.all()) or "–"

    @display(description=_("placed by"))
    def placed(self, hold: Hold) -> str:
        return actors.names([hold.placed_by])[hold.placed_by]

    @display(description=_("released by"))
    def released(self, hold: Hold) -> str:
        return actors.names([hold.released_by])[hold.released_by] if hold.released_by else "–"


def _item(cleaned: dict[str, Any]) -> Held:
    account, organisation = cleaned.get("account"), cleaned.get("organisation")
    return Held(
        scope=cleaned.get("scope") or "",
        account_id=account.pk if account else None,
        organisation_id=organisation.pk if organisation else None,
        category=cleaned.get("category") or "",
        since=cleaned.get("since"),
        until=cleaned.get("until"),
        label=(cleaned.get("label") or "").lower(),
        record=cleaned.get("record") or "",
    )
