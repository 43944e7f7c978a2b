"""The desk: every request with its clock, and one page on which it is worked from arrival to answer.

What could go wrong: a list that grows slow with the archive (open requests by default, an index for their order, a
fixed number of queries), a search that finds half an address (exact ones only, by hash), a button that no longer fits
(offered by state, decided by the service on the row as it is).
"""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _now, gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action
from unfold.enums import ActionVariant

from crasme.staff.admin import EstimatePaginator, PersonalDataAdmin, ReadOnlyAdmin, panels
from crasme.staff.stepup import step_up
from privacy import references
from privacy.admin import tabs
from privacy.admin.acts import Words, asks
from privacy.admin.acts_clock import ClockActs
from privacy.admin.acts_mail import MailActs
from privacy.admin.acts_others import OTHERS, OTHERS_MENUS, OthersActs
from privacy.admin.acts_rights import RightsActs
from privacy.admin.acts_work import WorkActs
from privacy.admin.buttons import fitting, may_be_refused
from privacy.admin.columns import RequestColumns
from privacy.admin.corrections import CorrectionActs
from privacy.admin.entering import EntryPage
from privacy.admin.filters import ClockFilter, MailFilter, WhoFilter
from privacy.admin.forms import AnswerForm, HandOverForm, NoteForm, PlanForm, RefuseForm
from privacy.admin.picture import Picture
from privacy.models import Request
from privacy.services import approvals, desk, entering


@admin.register(Request)
class RequestAdmin(
    ClockActs,
    RightsActs,
    WorkActs,
    OthersActs,
    MailActs,
    CorrectionActs,
    EntryPage,
    RequestColumns,
    ReadOnlyAdmin,
    PersonalDataAdmin,
):
    empty_words = _(
        "No request is open. Closed ones are found with the filter “clock”; what came by telephone or post is entered"
        " with the button above."
    )
    paginator = EstimatePaginator
    list_display = (
        "name",
        "clock",  # beside the name, so that a phone shows it without scrolling sideways
        "kind_name",
        "standing",
        "person_name",
        "forecast",
        "assignee",
        "arrival",
    )
    list_display_links = ("name",)
    list_select_related = ("person", "assignee")
    list_filter = (
        ClockFilter,
        WhoFilter,
        MailFilter,
        ("state", ChoicesDropdownFilter),
        ("kind", ChoicesDropdownFilter),
        ("regime", ChoicesDropdownFilter),
        ("outcome", ChoicesDropdownFilter),
    )
    search_fields = ("reference",)
    search_help_text = _("A reference, or a whole e-mail address.")
    ordering = ("effective_due", "id")
    change_form_before_template = "admin/privacy/request/overview.html"
    # Until when the request itself is kept is the last that somebody who works on it asks.
    change_form_outer_before_template = None
    change_form_outer_after_template = panels.TEMPLATE
    # What is done to every request stands in the menu: the row of buttons shares its line with the reference.
    actions_list = ("enter_request",)
    actions_detail = (
        *("take", "grant", "release", "propose", "approve", "decide", "answer", "lift", "reopen"),
        *("go_on_without", *OTHERS, "refuse"),
        *OTHERS_MENUS,
        {"title": _("Clock"), "icon": "timer", "items": ["ask", "replied", "extend", "set_law"]},
        {
            "title": _("More"),
            "icon": "more_horiz",
            "items": [
                *("write", "mark_read", "enter", "ask_values", "note"),
                *("particulars", "hand_over", "give_back", "join", "look_again"),
            ],
        },
    )

    class Media:
        css: ClassVar = {"all": ["privacy/desk.css"]}

    # --- the list ----------------------------------------------------------------------------------------------------
    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """The most urgent first; among what is closed, urgency says nothing, and the newest come first (by index)."""
        return ("-received_at", "-id") if request.GET.get("clock") in ("all", "closed") else self.ordering

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Request], search_term: str) -> Any:
        term = search_term.strip()
        if "@" in term:
            return queryset.by_email(term), False  # type: ignore[attr-defined]
        if reference := references.normalise(term):
            return queryset.filter(reference=reference), False
        return (queryset.none() if term else queryset), False

    box_finds = (_("requests"), _("requests by their number, or by a whole e-mail address"))

    def in_box(self, request: HttpRequest, term: str) -> QuerySet[Request] | None:
        """What the search box of every page finds: the same, without the person's name."""
        if "@" not in term and not references.normalise(term):
            return None
        found: QuerySet[Request] = self.get_search_results(request, self.get_queryset(request), term)[0]
        return found.order_by("-received_at")

    def words_in_box(self, asked: Request) -> str:
        return f"{asked.reference}, {asked.get_kind_display()}, {asked.get_state_display()}"

    # --- the page ----------------------------------------------------------------------------------------------------
    def get_fieldsets(self, request: HttpRequest, obj: Request | None = None) -> list[Any]:
        return []  # the overview says it all

    def get_inlines(self, request: HttpRequest, obj: Request | None = None) -> list[Any]:
        """The tabs that fit the kind."""
        return tabs.of(obj.kind) if obj is not None else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[Request]:
        return (
            super()
            .get_queryset(request)
            .select_related("person", "assignee", "instead_of", "entered_by", "duplicate_of")
        )

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if (asked := kwargs.get("obj")) is not None:
            context |= {
                "picture": Picture(asked, timezone.now()),
                "on_file": entering.on_file(asked) if request.user.has_perm("crm.view_account") else None,
                "title": f"{asked.get_kind_display()} {asked}",
                "refused_by_officers": may_be_refused(asked) and "hand_over" in fitting(asked, request.user),  # type: ignore[arg-type]
            }
        return super().render_change_form(request, context, *args, **kwargs)

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        """Only what fits the request as it stands, and whoever looks."""
        asked = self.get_object(request, unquote(str(object_id)))
        names = {f"privacy_request_{name}" for name in fitting(asked, request.user)} if asked else set()  # type: ignore[arg-type]
        return [each for each in super().get_actions_detail(request, object_id) if each.action_name in names]

    # --- acts --------------------------------------------------------------------------------------------------------
    @action(
        description=_("Take it"), permissions=["privacy.work_request"], icon="person_add", variant=ActionVariant.PRIMARY
    )
    @asks(title=_("Take this request"), text=_("You become its assignee; colleagues see that."), button=_("Take it"))
    def take(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        desk.assign(asked, to=form.by, by=form.by, now=timezone.now())
        return _("The request is yours.")

    @action(description=_("Hand over"), permissions=["privacy.work_request"], icon="swap_horiz")
    @asks(
        title=_("Hand over"),
        text=_("Choose who works on it from now on."),
        button=_("Hand over"),
        form_class=HandOverForm,
    )
    def hand_over(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        to = form.cleaned_data["to"]
        given = desk.assign(asked, to=to, by=form.by, now=timezone.now())
        if to is not None and given.assignee_id != to.pk:
            return _now("%(away)s is away; %(substitute)s has it now.") % {
                "away": to,
                "substitute": given.assignee or _now("nobody"),
            }
        return _("The request is handed over.")

    @action(description=_("Write a note"), permissions=["privacy.work_request"], icon="sticky_note_2")
    @asks(title=_("Write a note"), text=_("Never sent."), button=_("Write"), form_class=NoteForm)
    def note(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        desk.add_note(asked, body=form.cleaned_data["body"], by=form.by, now=timezone.now())
        return _("The note is written.")

    @action(
        description=_("Approve the release"),
        permissions=["privacy.release_access"],
        icon="task_alt",
        variant=ActionVariant.SUCCESS,
    )
    @asks(
        title=_("Approve the release"),
        text=_("A worker makes the copy, checks it and tells the person. They fetch it on their own page."),
        button=_("Approve the release"),
        form_class=PlanForm,
    )
    def release(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        approvals.release(asked, plan_hash=form.cleaned_data["plan_hash"], by=form.by, now=timezone.now())
        return _("Approved. The copy is being made.")

    @action(
        description=_("Propose the erasure"),
        permissions=["privacy.propose_erasure"],
        icon="delete_sweep",
        variant=ActionVariant.WARNING,
    )
    @asks(
        title=_("Propose the erasure"),
        text=_("You have looked at the plan. A colleague must approve it before anything is erased."),
        button=_("Propose"),
        form_class=PlanForm,
    )
    def propose(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        approvals.propose_erasure(asked, plan_hash=form.cleaned_data["plan_hash"], by=form.by, now=timezone.now())
        return _("Proposed. A colleague must approve it now.")

    @action(
        description=_("Approve the erasure"),
        permissions=["privacy.approve_erasure"],
        icon="delete_forever",
        variant=ActionVariant.DANGER,
    )
    @step_up
    @asks(
        title=_("Approve the erasure"),
        text=_("A worker erases exactly this, at once and for good. Then it searches for what must be gone."),
        button=_("Approve the erasure"),
        form_class=PlanForm,
        danger=True,
    )
    def approve(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        approvals.approve_erasure(asked, plan_hash=form.cleaned_data["plan_hash"], by=form.by, now=timezone.now())
        return _("Approved. The data is being erased.")

    @action(description=_("Answer"), permissions=["privacy.work_request"], icon="send", variant=ActionVariant.SUCCESS)
    @asks(
        title=_("Answer and close"),
        text=_("The letter goes out and the request is closed."),
        button=_("Send the answer"),
        form_class=AnswerForm,
    )
    def answer(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        desk.answer(asked, **form.cleaned_data, by=form.by, now=timezone.now())
        return _("Answered.")

    @action(description=_("Look again"), permissions=["privacy.work_request"], icon="refresh")
    @asks(
        title=_("Look again"),
        text=_("What is held is counted anew and a new plan is made. The clock goes on."),
        button=_("Look again"),
    )
    def look_again(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        desk.look_again(asked, by=form.by, now=timezone.now())
        return _("The workers look again.")

    @action(description=_("Refuse"), permissions=["privacy.refuse_request"], icon="block", variant=ActionVariant.DANGER)
    @asks(
        title=_("Refuse"),
        text=_("The person gets a letter with the reason and what they can do about it."),
        button=_("Refuse"),
        form_class=RefuseForm,
        danger=True,
    )
    def refuse(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        desk.refuse(asked, **{"words": "", **form.cleaned_data}, by=form.by, now=timezone.now())
        return _("Refused. The letter is queued.")

    @action(description=_("Open again"), permissions=["privacy.work_request"], icon="lock_open")
    @asks(
        title=_("Open this request again"),
        text=_("What is held is looked for anew. The clock is still the first one: it was never stopped."),
        button=_("Open again"),
    )
    def reopen(self, http: HttpRequest, asked: Request, form: Any) -> Words:
        desk.reopen(asked, by=form.by, now=timezone.now())
        return _("The request is open again.")
