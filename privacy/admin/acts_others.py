"""The acts of the desk for requests in which somebody else has a part: a child, a customer, a representative."""

from typing import Any

from django.contrib.admin.utils import unquote
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _, ngettext
from unfold.decorators import action
from unfold.enums import ActionVariant

from crasme.staff import access
from crasme.staff.models import AccessEntry
from privacy.admin.acts import Words, asks
from privacy.admin.forms_others import JudgeForm, MandateForm, NameAccountForm, SettleForm
from privacy.admin.saving import as_file
from privacy.mailroom import files
from privacy.models import MandateDocument, Request
from privacy.services import children, referrals, representatives

# What stands by itself, and what is folded into a menu: the row of buttons shares its line with the reference.
OTHERS = ("pass_on", "restrict_account")
OTHERS_MENUS: tuple[dict[str, Any], ...] = (
    {"title": _("Child's account"), "icon": "child_care", "items": ["name_account", "judge_parent", "settle"]},
    {"title": _("Mandate"), "icon": "verified_user", "items": ["judge_mandate", "open_mandate"]},
)


class OthersActs:
    """Mixed into `RequestAdmin`."""

    # --- customers -------------------------------------------------------------------------------------------------
    @action(
        description=_("Pass on to the customers"),
        permissions=["privacy.work_request"],
        icon="forward_to_inbox",
        variant=ActionVariant.PRIMARY,
    )
    @asks(
        title=_("Pass on to the customers"),
        text=_(
            "Each customer gets a mail with a link to the wish, and the person learns who decides. When nothing else"
            " was found, that is the answer, and the request is closed."
        ),
        button=_("Pass on"),
    )
    def pass_on(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        sent = referrals.pass_on(asked, by=form.by, now=timezone.now())
        if not sent:
            return _("None of the customers can be written to; it cannot be passed on by mail.")
        return ngettext("Passed on to %(number)d customer.", "Passed on to %(number)d customers.", len(sent)) % {
            "number": len(sent)
        }

    # --- representatives ---------------------------------------------------------------------------------------------
    @action(description=_("Judge the mandate"), permissions=["privacy.work_request"], icon="verified_user")
    @asks(
        title=_("Judge the mandate"),
        text=_(
            "Whatever you decide, the answer goes to the person. It goes to the representative as well only if the"
            " mandate is accepted and the person has said so."
        ),
        button=_("Note the judgement"),
        form_class=MandateForm,
    )
    def judge_mandate(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        representatives.judge(asked, **form.cleaned_data, by=form.by, now=timezone.now())
        return _("The judgement is noted, and the representative is told.")

    @action(description=_("Open the mandate"), permissions=["privacy.work_request"], icon="download")
    def open_mandate(self, http: HttpRequest, object_id: str) -> HttpResponse:
        """The paper, as a file to save; every look is logged."""
        asked = self.get_object(http, unquote(object_id))  # type: ignore[attr-defined]  # of the admin it is mixed into
        lead = asked.lead_id or asked.pk if asked is not None else None
        paper = MandateDocument.objects.filter(representative__request=lead, destroyed_at=None).first()
        if paper is None or paper.content is None:
            raise Http404
        with transaction.atomic():
            access.record(
                http.user,  # type: ignore[arg-type]  # the site lets nobody else in
                AccessEntry.Action.DOWNLOAD,
                MandateDocument._meta.label_lower,
                now=timezone.now(),
                subject_ref=access.subject_ref_of(asked),
            )
        name = f"{asked.reference}.{files.ENDINGS[paper.media]}"
        return as_file(name, bytes(paper.content), media_type=paper.media)

    # --- a child's account -------------------------------------------------------------------------------------------
    @action(
        description=_("Restrict at once"),
        permissions=["privacy.decide_child"],
        icon="front_hand",
        variant=ActionVariant.WARNING,
    )
    @asks(
        title=_("Restrict the reported account at once"),
        text=_("From now on its data is stored and nothing else, until it is erased or an officer lifts this."),
        button=_("Restrict at once"),
    )
    def restrict_account(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        children.restrict_at_once(asked, by=form.by, now=timezone.now())
        return _("The account is restricted.")

    @action(description=_("Name the account"), permissions=["privacy.decide_child"], icon="person_search")
    @asks(
        title=_("Say which account was reported"),
        text=_("What is held of this account is then counted, and a plan is made. Nothing is erased yet."),
        button=_("This account"),
        form_class=NameAccountForm,
    )
    def name_account(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        children.name_account(asked, address=form.cleaned_data["address"], by=form.by, now=timezone.now())
        return _("The workers look at this account now.")

    @action(description=_("Parent or not"), permissions=["privacy.decide_child"], icon="family_restroom")
    @asks(
        title=_("Is it the child's parent or guardian?"),
        text=_("A parent is told what was found and done, and gets a copy first if they asked for one."),
        button=_("Note the judgement"),
        form_class=JudgeForm,
    )
    def judge_parent(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        children.judge_parent(
            asked,
            believed=form.cleaned_data["believed"],
            words=form.cleaned_data["words"],
            by=form.by,
            now=timezone.now(),
        )
        return _("The judgement is noted.")

    @action(description=_("Close without erasing"), permissions=["privacy.decide_child"], icon="task_alt")
    @asks(
        title=_("Close the report without erasing anything"),
        text=_("There is no such account, or it is no child's. Whoever reported it is thanked and told nothing more."),
        button=_("Close the report"),
        form_class=SettleForm,
    )
    def settle(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        children.settle(asked, words=form.cleaned_data["words"], by=form.by, now=timezone.now())
        return _("Closed. The letter is queued.")
