"""Versions of the registry, each with what changed and who was asked again for it."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from consent.changes import ASKS, Kind
from consent.models import RegistryCheck, RegistryVersion
from crasme.staff.admin import ReadOnlyAdmin, StaffModelAdmin


@admin.register(RegistryVersion)
class RegistryVersionAdmin(ReadOnlyAdmin, StaffModelAdmin):
    list_display = ("number", "published_at", "how_many", "again", "short_digest")
    ordering = ("-number",)
    fields = ("number", ("published_at", "published_by"), "again", "differences", "declared", "sha256", "unchanged")
    empty_words: ClassVar = _("Nothing was published yet; `manage.py migrate` publishes the first version.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[RegistryVersion]:
        return super().get_queryset(request).defer("content")

    @display(description=_("changes"))
    def how_many(self, version: RegistryVersion) -> int:
        return len(version.changes)

    @display(description=_("asks again about"))
    def again(self, version: RegistryVersion) -> str:
        return ", ".join(version.asks_again) or "–"

    @display(description=_("digest"))
    def short_digest(self, version: RegistryVersion) -> str:
        return version.sha256[:12]

    @display(description=_("changes"))
    def differences(self, version: RegistryVersion) -> SafeString | str:
        return change_table(version.changes)

    @display(description=_("cookies"))
    def declared(self, version: RegistryVersion) -> SafeString:
        rows = (
            (each["name"], each["category"], each["service"], each["lifetime"]) for each in version.content["cookies"]
        )
        return format_html_join("\n", "<div><code>{}</code>: {}, {}, {}</div>", rows)

    @display(description=_("unchanged since it was stored"), boolean=True)
    def unchanged(self, version: RegistryVersion) -> bool:
        return version.intact


def change_table(changes: list[dict[str, Any]]) -> SafeString | str:
    """Each change in a line: what it is taken for, where, what stood there and stands there now, who is asked."""
    rows = (
        (
            Kind(str(each["kind"])).label,
            each["what"],
            each["field"],
            each["before"] or "–",
            each["after"] or "–",
            _asked_about(each),
        )
        for each in changes
    )
    line = "<div><strong>{}</strong>: <code>{}</code> {}: <del>{}</del> → <ins>{}</ins> · <em>{}</em></div>"
    return format_html_join("\n", line, rows) or "–"


def _asked_about(change: dict[str, Any]) -> str | Promise:
    if change.get("same_meaning"):
        return _("means the same")
    if change["touches"]:
        return ", ".join(change["touches"])
    would_ask = change["kind"] in ASKS or change["kind"] == Kind.REWORDED
    return _("nobody is asked: essential cookies cannot be refused") if would_ask else _("nobody is asked")


@admin.register(RegistryCheck)
class RegistryCheckAdmin(ReadOnlyAdmin, StaffModelAdmin):
    list_display = ("checked_at", "site", "short", "revision", "differences")
    ordering = ("-checked_at",)
    fields = ("checked_at", "site", "walk", "sha256", "revision", "differences", "seen", "found")
    empty_words: ClassVar = _("No crawl has compared the site with the registry yet.")

    @display(description=_("registry version"))
    def short(self, check: RegistryCheck) -> str:
        return check.sha256[:12]

    @display(description=_("site"))
    def site(self, check: RegistryCheck) -> str:
        return str(check.report.get("site", "–"))

    @display(description=_("states and routes"))
    def walk(self, check: RegistryCheck) -> str:
        return " · ".join(", ".join(check.report.get(name, [])) or "–" for name in ("states", "routes"))

    @display(description=_("seen"))
    def seen(self, check: RegistryCheck) -> str:
        return ", ".join(check.report.get("seen", [])) or "–"

    @display(description=_("found"))
    def found(self, check: RegistryCheck) -> SafeString | str:
        line = "<div><strong>{}</strong> <code>{}</code>: {} <em>{} · {}</em></div>"
        rows = (
            (each["what"], each["name"], each["detail"], ", ".join(each["states"]), ", ".join(each["routes"]))
            for each in check.report.get("differences", [])
        )
        return format_html_join("\n", line, rows) or "–"
