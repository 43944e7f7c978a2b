"""What stands around the consent records: those on hold, browsers of accounts, acceptances, pictures and figures."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from consent import rates
from consent.models import Acceptance, HeldConsentEvent, NoticeDay, NoticePicture, VisitorAccount
from crasme.staff.admin import EstimatePaginator, PersonalDataAdmin, ReadOnlyAdmin, StaffModelAdmin


class ByNumber(ReadOnlyAdmin, PersonalDataAdmin):
    """Found by a whole number alone: of a row, a browser or an account."""

    paginator = EstimatePaginator
    numbers: ClassVar[tuple[str, ...]] = ("id",)
    search_fields = ("id",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term:
            return queryset, False
        try:
            wanted = UUID(search_term.strip())
        except ValueError:
            return queryset.none(), False
        found = Q()
        for name in self.numbers:
            found |= Q(**{name: wanted})
        return queryset.filter(found), False


@admin.register(HeldConsentEvent)
class HeldConsentEventAdmin(ByNumber):
    list_display = ("filed_at", "action", "surface", "language", "carried_at")
    numbers = ("id", "visitor", "account")
    ordering = ("-filed_at",)
    empty_words: ClassVar = _("No record is kept beyond its time.")


@admin.register(VisitorAccount)
class VisitorAccountAdmin(ByNumber):
    list_display = ("joined_at", "visitor", "account")
    numbers = ("id", "visitor", "account")
    ordering = ("-joined_at",)
    empty_words: ClassVar = _("No browser was used with an account yet.")


@admin.register(Acceptance)
class AcceptanceAdmin(ByNumber):
    list_display = ("decided_at", "document", "version", "act", "surface", "account")
    list_filter = ("document", "version", ("act", ChoicesDropdownFilter))
    numbers = ("id", "account")
    ordering = ("-decided_at",)
    fields = (
        ("document", "version", "act"), "sha256", "account", ("surface", "language"), ("decided_at", "received_at"),
        "digest", "intact",
    )  # fmt: skip
    empty_words: ClassVar = _("Nobody was told of a version, or accepted one, yet.")

    @display(description=_("unchanged since it was stored"), boolean=True)
    def intact(self, row: Acceptance) -> bool:
        return row.computed_digest() == row.digest


@admin.register(NoticePicture)
class NoticePictureAdmin(ReadOnlyAdmin, StaffModelAdmin):
    list_display = ("taken_at", "view", "short")
    ordering = ("-taken_at",)
    fields = ("taken_at", "view", "notice", "sha256", "kilobytes")
    empty_words: ClassVar = _("No picture of a notice was taken yet.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[NoticePicture]:
        return super().get_queryset(request).defer("png")

    @display(description=_("notice"))
    def short(self, picture: NoticePicture) -> str:
        return picture.notice[:12]

    @display(description=_("size"))
    def kilobytes(self, picture: NoticePicture) -> str:
        return f"{len(picture.png) / 1000:.1f} kB"


@admin.register(NoticeDay)
class NoticeDayAdmin(ReadOnlyAdmin, StaffModelAdmin):
    list_display = ("day", "version", "shown", "accepted", "refused", "chosen", "ignored", "withdrawn", "shares")
    list_filter = ("version",)
    ordering = ("-day", "-version")
    fields = (("day", "version"), ("shown", "ignored"), ("accepted", "refused", "chosen"), "withdrawn", "shares")
    empty_words: ClassVar = _("Nothing was counted yet.")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if request.method == "GET" and (found := rates.drift(timezone.now())):
            words = _(
                "On %(day)s %(share)d %% refused, and %(usual)d %% is usual: look at version %(version)s of the notice."
            )
            facts = {"day": found.day, "version": found.version}
            facts |= {"share": round(found.share * 100), "usual": round(found.usual * 100)}
            messages.warning(request, words % facts)
        response: HttpResponse = super().changelist_view(request, extra_context)
        return response

    @display(description=_("ignored"))
    def ignored(self, row: NoticeDay) -> int:
        return row.ignored

    @display(description=_("of those who answered"))
    def shares(self, row: NoticeDay) -> SafeString | str:
        """A bar of refused, chosen and accepted, and the same in words for whoever does not see it."""
        if not row.decided:
            return "–"
        parts = [round(100 * each / row.decided) for each in (row.refused, row.chosen, row.accepted)]
        spoken = _("%(refused)d %% refused, %(chosen)d %% chose, %(accepted)d %% accepted") % {
            "refused": parts[0], "chosen": parts[1], "accepted": parts[2],
        }  # fmt: skip
        return format_html('<progress max="100" value="{}" title="{}"></progress> {}', parts[0], spoken, spoken)
