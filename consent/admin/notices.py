"""Notices: read word for word, and published anew from the registry and the wording as they are now."""

import hashlib
from base64 import b64encode
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from consent import look, measuring, notices
from consent.admin.versions import change_table
from consent.errors import Unfair
from consent.fairness import gate
from consent.models import Category, Notice
from crasme.staff.admin import StaffModelAdmin


def _optional() -> list[tuple[str, str]]:
    return [(category.slug, category.title) for category in Category.objects.filter(essential=False)]


def _reworded() -> list[tuple[str, str]]:
    return [(each.key, f"{each.what}: {each.before} → {each.after}") for each in notices.pending() if each.open]


class PublishForm(forms.ModelForm):
    """Which questions have changed so much that everybody must answer them again."""

    anew = forms.MultipleChoiceField(
        label=_("Ask everybody again, beyond what the changes ask, about"),
        choices=_optional,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("A new recipient, a new purpose or a longer life is asked about in any case."),
    )

    same = forms.MultipleChoiceField(
        label=_("These reworded purposes mean the same as before"),
        choices=_reworded,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Tick what nobody has to be asked about again; that you said so is kept with the version."),
    )

    class Meta:
        model = Notice
        fields = ()

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or self.cleaned_data
        if not given.get("anew") and not notices.is_news():
            raise forms.ValidationError(
                _("Nothing has changed since the version in force, so there is nothing to publish."), code="no-news"
            )
        return given


@admin.register(Notice)
class NoticeAdmin(StaffModelAdmin):
    list_display = ("version", "language", "published_at", "again", "short_digest")
    list_display_links = ("version",)
    list_filter = ("language",)
    ordering = ("-version", "language")
    fields = (
        "version",
        "language",
        "published_at",
        "again",
        "shown",
        "texts",
        "answers",
        "categories",
        "sha256",
        "registry",
    )
    readonly_fields = fields
    add_fieldsets = ((None, {"fields": ("fairness", "differences", "same", "anew")}),)

    def get_form(self, request: HttpRequest, obj: Notice | None = None, change: bool = False, **kwargs: Any) -> Any:
        return super().get_form(request, obj, change, **kwargs) if obj else PublishForm

    def get_fieldsets(self, request: HttpRequest, obj: Notice | None = None) -> Any:
        return super().get_fieldsets(request, obj) if obj else self.add_fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Notice | None = None) -> Any:
        return super().get_readonly_fields(request, obj) if obj else ("fairness", "differences")

    def has_change_permission(self, request: HttpRequest, obj: Notice | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Notice | None = None) -> bool:
        return False

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        one_button = {"show_save_and_add_another": False, "show_save_and_continue": False}
        try:
            return super().changeform_view(request, object_id, form_url, (extra_context or {}) | one_button)
        except Unfair as error:
            messages.error(request, str(error))
            if error.code == "unmeasured" and measuring.ask():
                messages.info(request, _("A worker with a browser was asked to measure it; look again in a minute."))
            return redirect("admin:consent_notice_add")

    def get_urls(self) -> list[Any]:
        replay = path("<str:sha256>/replay/", self.admin_site.admin_view(self.replay), name="consent_notice_replay")
        return [replay, *super().get_urls()]

    def replay(self, request: HttpRequest, sha256: str) -> HttpResponse:
        """The notice as it stood on screen, alone in a page that runs nothing, sends nothing and leads nowhere."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        notice = Notice.objects.filter(sha256=sha256).exclude(html="").first()
        if notice is None:
            raise Http404
        allowed = b64encode(hashlib.sha256(notice.css.encode()).digest()).decode()
        answer = HttpResponse(look.document(notice))
        answer["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'sha256-{allowed}'; sandbox; form-action 'none'; frame-ancestors 'self'"
        )
        return answer

    def save_model(self, request: HttpRequest, obj: Notice, form: Any, change: bool) -> None:
        made = notices.publish(
            actor=request.user.ref,  # type: ignore[union-attr]
            now=timezone.now(),
            asks_again=form.cleaned_data["anew"],
            same_meaning=form.cleaned_data["same"],
        )
        obj.__dict__.update(made[0].__dict__)

    def response_add(self, request: HttpRequest, obj: Notice, post_url_continue: str | None = None) -> HttpResponse:
        self.message_user(request, _("Version {version} is published.").format(version=obj.version), messages.SUCCESS)
        return redirect("admin:consent_notice_changelist")

    @display(description=_("measured by a browser"))
    def fairness(self, notice: Notice) -> Any:
        """Language by language: fair, unfair and why, or not measured yet; only a fair notice can be published."""
        return _lines((each.language, _stands(each)) for each in gate.standing(notices.draft()))

    @display(description=_("changes since the version in force"))
    def differences(self, notice: Notice) -> Any:
        return change_table([each.plain() for each in notices.pending()])

    @display(description=_("asks again about"))
    def again(self, notice: Notice) -> str:
        return ", ".join(notice.asks_again) or "–"

    @display(description=_("digest"))
    def short_digest(self, notice: Notice) -> str:
        return notice.sha256[:12]

    @display(description=_("as it stood on screen"))
    def shown(self, notice: Notice) -> Any:
        if not notice.html:
            return _("It was published before the layout was kept.")
        address = reverse("admin:consent_notice_replay", args=[notice.sha256])
        return format_html('<a href="{}" target="_blank" rel="noopener">{}</a>', address, _("Show the notice again"))

    @display(description=_("texts"))
    def texts(self, notice: Notice) -> str:
        return _lines(notice.content["texts"].items())

    @display(description=_("answers, in their order"))
    def answers(self, notice: Notice) -> str:
        return _lines((button["action"], button["label"]) for button in notice.content["buttons"])

    @display(description=_("categories"))
    def categories(self, notice: Notice) -> str:
        return _lines((each["title"], each["purpose"]) for each in notice.content["categories"])


def _stands(each: gate.Standing) -> Any:
    if each.failed is not None and not each.fair:
        when = date_format(each.failed.measured_at, "DATETIME_FORMAT")
        return format_html("{}, {}: {}", _("could not be measured"), when, each.failed.failure)
    if each.measurement is None:
        return _("not measured yet: run `manage.py cookies fairness`")
    when = date_format(each.measurement.measured_at, "DATETIME_FORMAT")
    if each.fair:
        return format_html("{}, {}", _("refusing is as easy as accepting"), when)
    return gate.in_words([each.measurement])


def _lines(pairs: Any) -> str:
    return format_html_join("\n", "<div><strong>{}</strong>: {}</div>", pairs)
