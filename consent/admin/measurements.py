"""What browsers measured of notices: figures, findings and pictures, read-only."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from consent.models import NoticeMeasurement
from crasme.staff.admin import ReadOnlyAdmin, StaffModelAdmin


@admin.register(NoticeMeasurement)
class NoticeMeasurementAdmin(ReadOnlyAdmin, StaffModelAdmin):
    list_display = ("measured_at", "language", "outcome", "how_many", "short")
    list_filter = ("passed", "language")
    ordering = ("-measured_at", "language")
    fields = ("measured_at", "language", "outcome", "failure", "found", "answers", "drawn", "look")
    empty_words: ClassVar = _("No notice has been measured here yet: `manage.py cookies fairness` does.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[NoticeMeasurement]:
        rows: QuerySet[NoticeMeasurement] = super().get_queryset(request)
        on_list = request.resolver_match is not None and str(request.resolver_match.url_name).endswith("_changelist")
        return rows.defer("pictures", "figures") if on_list else rows

    @display(description=_("outcome"))
    def outcome(self, row: NoticeMeasurement) -> Any:
        if row.failure:
            return _("could not be measured")
        return _("fair") if row.passed else _("unfair")

    @display(description=_("look"))
    def short(self, row: NoticeMeasurement) -> str:
        return row.look[:12]

    @display(description=_("findings"))
    def how_many(self, row: NoticeMeasurement) -> int:
        return len(row.findings)

    @display(description=_("findings"))
    def found(self, row: NoticeMeasurement) -> str:
        line = "<div><strong>{}</strong> {}: <code>{}</code> {} <em>{}</em></div>"
        rows = ([each[name] for name in ("rule", "view", "element", "measured", "remedy")] for each in row.findings)
        return format_html_join("\n", line, rows) or "–"

    @display(description=_("both answers, as measured"))
    def answers(self, row: NoticeMeasurement) -> str:
        line = "<div><code>{}</code> {}: {} × {} px, ({}, {}), {}:1, {}</div>"
        return format_html_join("\n", line, (_figures(view, each) for view, each in _buttons(row)))

    @display(description=_("pictures"))
    def drawn(self, row: NoticeMeasurement) -> str:
        line = '<p><strong>{}</strong><br><img src="data:image/png;base64,{}" alt="" width="480"></p>'
        return format_html_join("\n", line, row.pictures.items()) or "–"


def _buttons(row: NoticeMeasurement) -> list[tuple[str, dict[str, Any]]]:
    views = ((view, figures) for view, figures in row.figures.items() if view != "acts")
    return [(view, figures[name]) for view, figures in views for name in ("refuse", "accept") if figures.get(name)]


def _figures(view: str, each: dict[str, Any]) -> tuple[Any, ...]:
    place = (each["width"], each["height"], each["x"], each["y"])
    return (view, each["name"], *place, each["contrast"], each["font"].partition(" | ")[2])
