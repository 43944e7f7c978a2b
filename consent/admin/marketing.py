"""Marketing: topics to edit, and choices to read, those of one person by a whole address."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from consent import declaring
from consent.models import Basis, Channel, MarketingChoice, Topic
from consent.models.choices import person_ref
from crasme.staff.admin import EstimatePaginator, PersonalDataAdmin, ReadOnlyAdmin, StaffModelAdmin
from crasme.staff.admin.filters import RangeDateTimeFilter


@admin.register(Topic)
class TopicAdmin(StaffModelAdmin):
    list_display = ("title", "slug", "active", *Channel.values)
    list_filter = ("active",)
    ordering = ("position", "slug")
    fields = (("slug", "position"), "active", "title", "purpose", "translations", ("email", "sms"), ("phone", "post"))
    empty_words: ClassVar = _("Nothing is advertised. Add a topic, and say what allows it by which channel.")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        return ("slug",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Topic, form: Any, change: bool) -> None:
        declaring.save_topic(obj, actor=request.user.ref)  # type: ignore[union-attr]


@admin.register(MarketingChoice)
class MarketingChoiceAdmin(ReadOnlyAdmin, PersonalDataAdmin):
    paginator = EstimatePaginator
    list_display = ("decided_at", "action", "surface", "wanted", "short_id")
    list_filter = (
        ("action", ChoicesDropdownFilter),
        ("surface", ChoicesDropdownFilter),
        ("decided_at", RangeDateTimeFilter),
    )
    search_fields = ("subject",)
    search_help_text = _("One whole e-mail address: what was chosen there?")
    ordering = ("-decided_at", "-id")
    fields = (
        ("decided_at", "action"), ("surface", "language"), "itemised", "words", "account", "id", "digest", "intact",
    )  # fmt: skip
    empty_words: ClassVar = _("Nobody has chosen which marketing they want yet.")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        return (queryset.filter(subject=person_ref(search_term)) if "@" in search_term else queryset.none()), False

    def subject_ref_of(self, obj: Model) -> str:
        return str(obj.subject)  # type: ignore[attr-defined]

    @display(description=_("wanted"))
    def wanted(self, row: MarketingChoice) -> str:
        return f"{sum(row.choices.values())}/{len(row.choices)}"

    @display(description=_("choices"))
    def itemised(self, row: MarketingChoice) -> SafeString:
        lines = (
            (_("yes") if yes else _("no"), name.partition(".")[0], _channel(name), _basis(row.basis.get(name, "")))
            for name, yes in sorted(row.choices.items())
        )
        return format_html_join("\n", "<div><strong>{}</strong>: <code>{}</code>, {} ({})</div>", lines)

    @display(description=_("words shown"))
    def words(self, row: MarketingChoice) -> SafeString | str:
        shown = ((each["title"], each["purpose"]) for each in (row.shown or {}).values())
        return format_html_join("\n", "<div>{}: {}</div>", shown) or "–"

    @display(description=_("number"))
    def short_id(self, row: MarketingChoice) -> str:
        return row.pk.hex[-8:]

    @display(description=_("unchanged since it was stored"), boolean=True)
    def intact(self, row: MarketingChoice) -> bool:
        return row.computed_digest() == row.digest


def _channel(name: str) -> Any:
    return dict(Channel.choices).get(name.partition(".")[2], "")


def _basis(value: str) -> Any:
    return dict(Basis.choices).get(value, "–")
