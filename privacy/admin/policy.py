"""Published policies, and publishing the next one."""

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _, gettext_lazy
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from crasme.staff import actors
from crasme.staff.admin import ReadOnlyAdmin, StaffModelAdmin
from crasme.staff.stepup import step_up
from privacy.models import PolicyVersion
from privacy.policy import drift, publication
from retention.models import Rule


class PublishForm(forms.Form):
    version = forms.CharField(
        label=gettext_lazy("Version"),
        max_length=12,
        help_text=gettext_lazy("Year and month, as in 2026.02; a second one in a month ends in .1."),
        widget=UnfoldAdminTextInputWidget,
    )
    last_updated = forms.DateField(label=gettext_lazy("Last updated"), widget=UnfoldAdminDateWidget)
    effective_on = forms.DateField(label=gettext_lazy("Effective on"), widget=UnfoldAdminDateWidget)
    summary = forms.CharField(
        label=gettext_lazy("What changed, for readers of the policy"), widget=UnfoldAdminTextareaWidget
    )
    material = forms.BooleanField(
        label=gettext_lazy("Material change"),
        required=False,
        help_text=gettext_lazy("Then everybody must be told before it takes effect."),
        widget=UnfoldBooleanSwitchWidget,
    )


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyAdmin, StaffModelAdmin):
    list_display = ("version", "last_updated", "effective_on", "kind_of_change", "published_at", "who")
    ordering = ("-published_at",)
    fields = (
        ("version", "public_page"),
        ("last_updated", "effective_on"),
        "summary",
        "material",
        ("published_at", "who"),
        "sha256",
    )
    actions_list = ("publish",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PolicyVersion]:
        return super().get_queryset(request).defer("snapshot")

    @display(description=gettext_lazy("change"), label={"material": "warning"})
    def kind_of_change(self, version: PolicyVersion) -> tuple[str, str]:
        return ("material", _("material")) if version.material else ("small", _("small"))

    @display(description=gettext_lazy("published by"))
    def who(self, version: PolicyVersion) -> str:
        return actors.names([version.published_by])[version.published_by]

    @display(description=gettext_lazy("public page"))
    def public_page(self, version: PolicyVersion) -> SafeString:
        return format_html('<a href="{0}">{0}</a>', reverse("policy-version", args=[version.version]))

    def has_publish_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("privacy.publish_policyversion")

    @action(description=gettext_lazy("Publish the policy"), url_path="publish", permissions=["publish"], icon="publish")
    def publish(self, request: HttpRequest) -> HttpResponse:
        """What would be published, and the form that does it. GET is inert."""
        if not self.has_publish_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self._publish(request)
        today = timezone.localdate()
        initial = {"version": f"{today:%Y.%m}", "last_updated": today, "effective_on": today}
        return self._publish_page(request, PublishForm(initial=initial))

    @step_up
    def _publish(self, request: HttpRequest) -> HttpResponse:
        form = PublishForm(request.POST)
        if form.is_valid():
            try:
                version = publication.publish(**form.cleaned_data, actor=request.user.ref, now=timezone.now())  # type: ignore[union-attr]
            except publication.NumberTaken as error:
                form.add_error("version", str(error))
            except ValidationError as error:
                form.add_error(None, error.messages)
            else:
                messages.success(request, _("Version %(version)s is published.") % {"version": version.version})
                return redirect("admin:privacy_policyversion_changelist")
        return self._publish_page(request, form)

    def _publish_page(self, request: HttpRequest, form: PublishForm) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "title": _("Publish the policy"),
            "form": form,
            "opts": self.opts,
            "differences": drift.differences(timezone.now()),
            "drafts": Rule.objects.filter(state=Rule.State.DRAFT),
        }
        return TemplateResponse(request, "admin/privacy/publish.html", context)
