"""Published policies, proposing the next one, and the second person's approval of it."""

from datetime import UTC, date
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _, gettext_lazy, ngettext
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDateWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from crasme.kit.errors import CrasmeError
from crasme.staff import actors
from crasme.staff.admin import ReadOnlyAdmin, StaffModelAdmin, confirmed
from crasme.staff.stepup import step_up
from privacy.models import PolicyProposal, PolicyVersion
from privacy.policy import drift, proposals, publication
from retention import drafts, effects, ruletext, wording
from retention.drafts import Preview
from retention.models import Rule
from retention.obstacles import Scopes


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
    requires_acceptance = forms.BooleanField(
        label=gettext_lazy("Must be accepted"),
        required=False,
        help_text=gettext_lazy("Accounts are asked to accept it where they sign in, and on the self-service pages."),
        widget=UnfoldBooleanSwitchWidget,
    )
    rules = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Drafts of rules that take effect with it"),
        required=False,
        coerce=UUID,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    def clean_effective_on(self) -> date:
        day: date = self.cleaned_data["effective_on"]
        if day < timezone.now().astimezone(UTC).date():
            raise ValidationError(
                _("Choose today or a later day: nobody can read a text in time for a day that is over.")
            )
        return day

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        found = Rule.objects.filter(state=Rule.State.DRAFT).order_by("slug")
        self.fields["rules"].choices = [(str(rule.pk), f"{rule.slug}: {rule.period}") for rule in found]  # type: ignore[attr-defined]


class ApproveForm(forms.Form):
    """Asks for a tick where rows end by what is approved; see `_ask_for_the_end`."""

    ends = forms.BooleanField(widget=UnfoldBooleanSwitchWidget)


def _ask_for_the_end(form: forms.Form, proposal: PolicyProposal) -> None:
    ending = [
        _("of %(table)s, %(would)s") % {"would": _would(preview), "table": rule.model._meta.verbose_name_plural}
        for rule, _changes, preview in proposals.rules_changed(proposal, timezone.now())
        if preview.after.rows
    ]
    if ending:
        form.fields["ends"].label = _("I know it: %(ending)s.") % {"ending": "; ".join(ending)}
    else:
        del form.fields["ends"]


def _what_ends(proposal: PolicyProposal) -> list[str]:
    """A line for each rule: how many rows go, when, and who is asked once more."""
    now, lines = timezone.now(), []
    for rule, _changes, preview in proposals.rules_changed(proposal, now):
        words = {"rule": rule.slug, "would": _would(preview), "table": wording.table(rule.target)}
        if not preview.after.rows:
            lines.append(_("Rule %(rule)s: no row of %(table)s ends at once.") % words)
            continue
        if preview.at > now:
            words["when"] = _("with the next run after %(day)s 00:00 UTC, within a minute of its taking effect") % {
                "day": preview.at.date().isoformat()
            }
        else:
            words["when"] = _("with the next run, within a minute of this approval")
        ends = _("Rule %(rule)s: of %(table)s, %(would)s %(when)s.") % words
        kept = ngettext(
            "%(kept)s other row is over, too, and stays for a hold or a dispute.",
            "%(kept)s other rows are over, too, and stay for a hold or a dispute.",
            preview.after.deferred,
        ) % {"kept": preview.after.kept}
        waits = _("That run waits until two people have approved it.")
        parts = [ends, effects.for_good(rule.action), *([kept] if preview.after.deferred else [])]
        lines.append(" ".join([*parts, *([waits] if preview.waits else [])]))
    return lines


def _would(preview: Preview) -> str:
    """What would be done to how many rows."""
    return effects.would(preview.after.action, preview.after.rows, shown=preview.after.due)


@admin.register(PolicyVersion)
class PolicyVersionAdmin(ReadOnlyAdmin, StaffModelAdmin):
    list_display = ("version", "last_updated", "effective_on", "kind_of_change", "published_at", "who")
    ordering = ("-published_at",)
    fields = (
        ("version", "public_page"),
        ("last_updated", "effective_on"),
        "summary",
        ("material", "requires_acceptance"),
        ("proposer", "who", "published_at"),
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

    @display(description=gettext_lazy("proposed by"))
    def proposer(self, version: PolicyVersion) -> str:
        return actors.names([version.proposed_by])[version.proposed_by] if version.proposed_by else "–"

    @display(description=gettext_lazy("public page"))
    def public_page(self, version: PolicyVersion) -> SafeString:
        return format_html('<a href="{0}">{0}</a>', reverse("policy-version", args=[version.version]))

    def has_propose_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("privacy.propose_policyversion")

    @action(description=gettext_lazy("Propose a version"), url_path="publish", permissions=["propose"], icon="publish")
    def publish(self, request: HttpRequest) -> HttpResponse:
        """What would be published, and the form that proposes it. GET is inert."""
        if not self.has_propose_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self._propose(request)
        today = timezone.localdate()
        initial = {"version": f"{today:%Y.%m}", "last_updated": today, "effective_on": today}
        return self._publish_page(request, PublishForm(initial=initial))

    @step_up
    def _propose(self, request: HttpRequest) -> HttpResponse:
        form = PublishForm(request.POST)
        if form.is_valid():
            try:
                proposal = proposals.propose(**form.cleaned_data, actor=request.user.ref, now=timezone.now())  # type: ignore[union-attr]
            except publication.NumberTaken as error:
                form.add_error("version", str(error))
            except CrasmeError as error:
                form.add_error(None, str(error))
            except ValidationError as error:
                form.add_error(None, error.messages)
            else:
                messages.success(request, _("Proposed: a second person approves it, and then it is published."))
                return redirect("admin:privacy_policyproposal_change", proposal.pk)
        return self._publish_page(request, form)

    def _publish_page(self, request: HttpRequest, form: PublishForm) -> HttpResponse:
        now = timezone.now()
        waiting, scopes = Rule.objects.filter(state=Rule.State.DRAFT).order_by("slug"), Scopes.now()
        context = self.admin_site.each_context(request) | {
            "title": _("Propose a version"),
            "form": form,
            "opts": self.opts,
            "differences": drift.differences(now),
            "drafts": [(rule, drafts.preview(rule, now, scopes=scopes)) for rule in waiting],
        }
        return TemplateResponse(request, "admin/privacy/publish.html", context)


@admin.register(PolicyProposal)
class PolicyProposalAdmin(ReadOnlyAdmin, StaffModelAdmin):
    list_display = ("version", "condition", "effective_on", "proposed_at", "proposer", "decider")
    ordering = ("-proposed_at",)
    fields = (
        ("version", "state"),
        ("last_updated", "effective_on"),
        "summary",
        ("material", "requires_acceptance"),
        "changes",
        "rules_changed",
        ("proposer", "proposed_at"),
        ("decider", "decided_at"),
        "hash",
    )
    readonly_fields = ("changes", "rules_changed")
    actions_detail = ("approve", "withdraw")
    empty_words = gettext_lazy("Nobody has proposed a version yet. Begin at the policy versions.")

    @display(
        description=gettext_lazy("state"),
        ordering="state",
        label={PolicyProposal.State.OPEN: "warning", PolicyProposal.State.PUBLISHED: "success"},
    )
    def condition(self, proposal: PolicyProposal) -> tuple[str, str]:
        return proposal.state, proposal.get_state_display()

    @display(description=gettext_lazy("proposed by"))
    def proposer(self, proposal: PolicyProposal) -> str:
        return actors.names([proposal.proposed_by])[proposal.proposed_by]

    @display(description=gettext_lazy("decided by"))
    def decider(self, proposal: PolicyProposal) -> str:
        return actors.names([proposal.decided_by])[proposal.decided_by] if proposal.decided_by else "–"

    @display(description=gettext_lazy("what would change"))
    def changes(self, proposal: PolicyProposal) -> str:
        if proposal.state == PolicyProposal.State.WITHDRAWN:
            return self._decided(proposal)
        published = proposal.state == PolicyProposal.State.PUBLISHED
        try:
            if published:
                found = proposals.differences_published(proposal)
            else:
                found = proposals.differences(proposal, timezone.now())
        except (CrasmeError, ValidationError):
            return _("A chosen draft was changed meanwhile.")
        lines = [f"{each.path}: {each.before} → {each.after}" for each in found]
        shown = format_html("<pre>{}</pre>", "\n".join(lines)) if lines else _("Nothing but the number and the dates.")
        return format_html("<p>{}</p>{}", self._decided(proposal), shown) if published else shown

    @display(description=gettext_lazy("rules that take effect with it"))
    def rules_changed(self, proposal: PolicyProposal) -> str:
        if not proposal.rules:
            return _("none")
        if proposal.state == PolicyProposal.State.WITHDRAWN:
            return self._decided(proposal)
        if proposal.state == PolicyProposal.State.PUBLISHED:
            rules: list[tuple[Any, Any, Any]] = [(rule, of, None) for rule, of in proposals.went_with(proposal)]
        else:
            rules = proposals.rules_changed(proposal, timezone.now())
        shown = [(rule, ruletext.changed(rule, of), preview) for rule, of, preview in rules]
        return render_to_string("admin/privacy/rules_changed.html", {"rules": shown})

    def _decided(self, proposal: PolicyProposal) -> str:
        """What became of it, by whom and when."""
        by = {"who": self.decider(proposal), "when": f"{proposal.decided_at:%Y-%m-%d %H:%M}"}
        if proposal.state == PolicyProposal.State.PUBLISHED:
            return _("Approved by %(who)s on %(when)s UTC, and published.") % by
        return _("Withdrawn by %(who)s on %(when)s UTC; nothing was published.") % by

    def has_approve_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("privacy.publish_policyversion")

    def has_withdraw_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("privacy.propose_policyversion")

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        proposal = self.get_object(request, unquote(str(object_id)))
        if proposal is None or proposal.state != PolicyProposal.State.OPEN:
            return []
        own = proposal.proposed_by == request.user.ref  # type: ignore[union-attr]
        found = super().get_actions_detail(request, object_id)
        return [each for each in found if not (own and each.action_name.endswith("approve"))]

    @action(description=gettext_lazy("Approve and publish"), permissions=["approve"], icon="publish")
    @confirmed(
        title=gettext_lazy("Publish this version?"),
        text=gettext_lazy(
            "The text is frozen in every language and can never be changed afterwards. The chosen rules take effect"
            " with it; rows that end under them do not come back."
        ),
        button=gettext_lazy("Publish"),
        more=_what_ends,
        form_class=ApproveForm,
        fit=_ask_for_the_end,
        danger=True,
    )
    @step_up
    def approve(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        proposal = self._found(request, object_id)
        try:
            version = proposals.approve(proposal, actor=request.user.ref, now=timezone.now())  # type: ignore[union-attr]
        except CrasmeError as error:
            messages.error(request, str(error))
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, _("Version %(version)s is published.") % {"version": version.version})
        return redirect("admin:privacy_policyproposal_change", proposal.pk)

    @action(description=gettext_lazy("Withdraw"), permissions=["withdraw"], icon="undo", variant=ActionVariant.WARNING)
    @confirmed(
        title=gettext_lazy("Withdraw this proposal?"),
        text=gettext_lazy("Nothing is published. The drafts of rules stay drafts."),
        button=gettext_lazy("Withdraw"),
    )
    def withdraw(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        proposal = self._found(request, object_id)
        try:
            proposals.withdraw(proposal, actor=request.user.ref, now=timezone.now())  # type: ignore[union-attr]
        except CrasmeError as error:
            messages.error(request, str(error))
        return redirect("admin:privacy_policyproposal_change", proposal.pk)

    def _found(self, request: HttpRequest, object_id: str) -> PolicyProposal:
        proposal = self.get_object(request, unquote(object_id))
        if not isinstance(proposal, PolicyProposal):
            raise Http404
        return proposal
