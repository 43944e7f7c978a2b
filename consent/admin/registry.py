"""The cookie registry: edited by privacy officers, through the services that leave evidence."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import Count, Model, QuerySet, URLField
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.decorators import display

from consent import declaring
from consent.admin.sheets import SheetAdmin
from consent.models import Category, Cookie, Service
from crasme.staff.admin import StaffModelAdmin


class RegistryAdmin(StaffModelAdmin):
    """Saves and deletes through `consent.declaring`; says when the published notice has fallen behind."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        declaring.save(obj, actor=request.user.ref)  # type: ignore[union-attr]

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        declaring.remove(obj, actor=request.user.ref)  # type: ignore[union-attr]

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        for row in queryset:
            self.delete_model(request, row)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "GET" and request.user.has_perm("consent.add_notice") and declaring.outdated():
            words = _("The registry has changed since visitors were last told.")
            link = format_html('<a href="{}">{}</a>', reverse("admin:consent_notice_add"), _("Publish a new notice"))
            messages.warning(request, format_html("{} {}", words, link))
        response: HttpResponse = super().changelist_view(request, extra_context)
        return response


@admin.register(Category)
class CategoryAdmin(RegistryAdmin):
    list_display = ("title", "slug", "essential", "off_under_gpc", "cookie_count")
    fields = ("slug", "bit", "position", "title", "purpose", "translations", ("essential", "off_under_gpc"))
    ordering = ("position", "slug")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Category]:
        rows: QuerySet[Category] = super().get_queryset(request).annotate(declared=Count("cookies"))
        return rows

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        # Former choices speak of it by slug and bit: they would come to mean something else.
        return ("slug", "bit", "essential") if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @display(description=_("cookies"), ordering="declared")
    def cookie_count(self, category: Any) -> int:
        return int(category.declared)


@admin.register(Service)
class ServiceAdmin(RegistryAdmin):
    list_display = ("name", "slug", "provider", "recipient")
    search_fields = ("name", "slug", "provider")
    fields = ("slug", "name", "translations", ("provider", "controller"), "recipient", "policy_url")

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, URLField):
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)


@admin.register(Cookie)
class CookieAdmin(SheetAdmin, RegistryAdmin):
    list_display = ("name", "kind", "in_category", "service", "lifetime", "party", "http_only", "on_request")
    list_filter = (
        ("category", RelatedDropdownFilter),
        ("service", RelatedDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("party", ChoicesDropdownFilter),
    )
    list_select_related: ClassVar = ["category", "service"]
    search_fields = ("name", "purpose")
    autocomplete_fields = ("service",)
    fields = (
        ("name", "kind"),
        ("category", "service"),
        ("lifetime", "party"),
        ("domain", "path"),
        "purpose",
        "translations",
        ("http_only", "on_request"),
        "unseen",
    )

    @display(
        description=_("category"),
        ordering="category__position",
        label={"essential": "success", "functional": "info", "analytics": "warning", "performance": "warning"},
    )
    def in_category(self, cookie: Cookie) -> str:
        return cookie.category.slug
