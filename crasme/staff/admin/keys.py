"""Keys of machines: made here, shown once, revoked here."""

from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from crasme.staff import services
from crasme.staff.admin.base import StaffModelAdmin
from crasme.staff.admin.confirm import confirmed
from crasme.staff.models import ApiKey

LIVES = [(30, _("30 days")), (90, _("90 days")), (365, _("a year"))]


class ApiKeyForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"), choices=ApiKey.Scope.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    lives = forms.TypedChoiceField(
        label=_("Works for"), choices=LIVES, coerce=int, initial=90, widget=UnfoldAdminSelectWidget
    )

    class Meta:
        model = ApiKey
        fields = ("name",)


@admin.register(ApiKey)
class ApiKeyAdmin(StaffModelAdmin):
    list_display = ("name", "prefix", "state", "scope_list", "expires_at", "last_used_on")
    search_fields = ("name", "prefix")
    ordering = ("name", "created_at")
    fields = (
        "name",
        "prefix",
        "state",
        "scope_list",
        "created_by",
        "created_at",
        "expires_at",
        "revoked_at",
        "last_used_on",
    )
    readonly_fields = fields
    add_fieldsets = ((None, {"fields": ("name", "scopes", "lives")}),)
    list_select_related: ClassVar = ["created_by"]
    actions_detail = ("revoke",)

    def get_form(self, request: HttpRequest, obj: ApiKey | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **(kwargs if obj else kwargs | {"form": ApiKeyForm}))

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        # The next page shows the key; a form for another one would hide it for ever.
        only = {"show_save_and_add_another": False, "show_save_and_continue": False}
        page: HttpResponse = super().add_view(request, form_url, (extra_context or {}) | only)
        return page

    def get_readonly_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return super().get_readonly_fields(request, obj) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest, _object_id: str | None = None) -> bool:
        return request.user.has_perm("staff.revoke_apikey")

    @display(
        description=_("state"),
        label={_("in use"): "success", _("expired"): "warning", _("revoked"): "danger"},
    )
    def state(self, key: ApiKey) -> Any:
        if key.revoked_at:
            return _("revoked")
        return _("in use") if key.usable(timezone.now()) else _("expired")

    @display(description=_("scopes"))
    def scope_list(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        now = timezone.now()
        made, text = services.issue_key(
            name=obj.name,
            scopes=form.cleaned_data["scopes"],
            expires_at=now + timedelta(days=form.cleaned_data["lives"]),
            created_by=request.user,  # type: ignore[arg-type]  # the site lets nobody else in
            actor=request.user.ref,  # type: ignore[union-attr]
            now=now,
        )
        obj.__dict__.update(made.__dict__)
        request.issued_key = text  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        """The key itself, this once: in the page, not in a message, which would pass through a cookie."""
        context = self.admin_site.each_context(request) | {
            "title": _("The key is made"),
            "opts": self.opts,
            "original": obj,
            "key": request.issued_key,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "admin/staff/apikey/made.html", context, headers={"Cache-Control": "no-store"})

    @action(description=_("Revoke"), permissions=["revoke"], icon="key_off", variant="danger")
    @confirmed(
        title=_("Revoke the key"),
        text=_("{object} opens nothing from now on. This cannot be taken back; make a new key instead."),
        button=_("Revoke"),
        danger=True,
    )
    def revoke(self, request: HttpRequest, object_id: str, form: forms.Form) -> HttpResponse:
        key = get_object_or_404(ApiKey, pk=object_id)
        done = services.revoke_key(key, actor=request.user.ref, now=timezone.now())  # type: ignore[union-attr]
        self.message_user(
            request,
            _("The key is revoked.") if done else _("The key was revoked before."),
            messages.SUCCESS if done else messages.INFO,
        )
        return redirect("admin:staff_apikey_change", object_id)
