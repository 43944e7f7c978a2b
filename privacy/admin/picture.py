"""Everything that the page of one request shows, read once, in a fixed number of queries."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.db.models import Prefetch, Q
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from crasme.crm.models import Account
from crasme.kit import datamap
from crasme.kit.claims import WorkState
from crasme.ledger.models import Entry
from crasme.ledger.registry import known
from crasme.staff import actors
from privacy import particulars
from privacy.admin.clockface import ClockFace
from privacy.models import (
    Attachment,
    ChildReport,
    Correction,
    Message,
    Note,
    Package,
    Plan,
    RecipientNotice,
    Referral,
    Representative,
    Request,
    Restriction,
    Step,
)
from privacy.services import alerts, completing, copies, corrections, joining, plans, restriction
from privacy.services.corrections import Line
from privacy.states import State
from privacy.steps.definitions import by_hand, granted, proposed
from privacy.words import RELATIONS, named

NEXT: dict[str, Promise] = {
    State.RECEIVED: _("The person has not followed the link in our mail yet. Nothing may be done until then."),
    State.CONFIRMED: _("A worker takes it up within a minute."),
    State.COLLECTING: _("Workers are finding what is held. You are asked as soon as there is something to decide."),
    State.APPROVED: _("A worker takes it up within a minute."),
    State.EXECUTING: _("Workers are carrying it out. If a step parks, put it back into the queue below “Steps”."),
    State.ANSWERING: _("The answer is being queued."),
    State.CLOSED: _("Nothing is left to do."),
}
NEXT_UNREAD: Promise = _("Read what the person wrote, under “Messages”, then answer it or mark it as read.")
REVIEW_NEXT: dict[str, Promise] = {
    Plan.Kind.ACCESS: _("Look at what was found, then approve that the copy is made and handed out."),
    Plan.Kind.ERASURE: _("Look at the plan, then propose the erasure to a colleague."),
    "proposed": _("A second person looks at the plan and approves it, or asks for another look."),
    "hand": _("Do what was asked for, then write the answer."),
    "decide": _("Look at each proposed value under “Corrections”, then decide about all of them."),
    "nothing proposed": _(
        "The person has proposed no value yet. Ask for them, enter what was written, or answer in your own words."
    ),
    "nobody": _("No account was found, so there is no value to correct. Answer in your own words, or refuse."),
    "officer": _("The privacy officer looks into it, then writes the answer."),
    "grant": _("Decide whether it is granted. What was ticked is carried out by a worker, exactly so."),
    "waits": _("The erasure waits for the copy that the same person asked for, see below. Then it is proposed."),
    "unnamed": _("Read the report and name the account that it is about, or close it if there is none."),
}


@dataclass(frozen=True, slots=True)
class Found:
    title: str
    label: str
    rows: int
    link: str


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the story: when, what, by whom, with which particulars."""

    at: datetime
    meaning: str
    who: str
    facts: dict[str, Any]


@dataclass
class Picture(ClockFace):
    steps: list[Step] = field(init=False)
    found_plans: list[Plan] = field(init=False)

    def __post_init__(self) -> None:
        self.steps = list(self.asked.steps.order_by("created_at", "id"))
        self.found_plans = list(self.asked.plans.select_related("requested_by", "approved_by").order_by("-round"))

    @property
    def next(self) -> Promise:
        if self.asked.state == State.CLOSED and self.unread:
            return NEXT_UNREAD
        if self.asked.state != State.REVIEW:
            return NEXT[self.asked.state]
        if proposed(self.asked.kind):
            return REVIEW_NEXT[self._about_values]
        if self.plan is None:
            return REVIEW_NEXT[self._without_plan] if self._without_plan else NEXT[State.COLLECTING]
        if self.report is not None and self.report.account is None:
            return REVIEW_NEXT["unnamed"]
        if self.wait is not None:
            return REVIEW_NEXT["waits"]
        return REVIEW_NEXT["proposed" if self.plan.requested_by_id else self.plan.kind]

    @property
    def by_hand(self) -> list[Step]:
        """Steps of which a person could say that they did them."""
        return [step for step in self.steps if step.round == self.asked.round and completing.waits(step)]

    @property
    def _without_plan(self) -> str:
        if by_hand(self.asked.kind, self.asked.facts):
            return "officer" if self.asked.kind == Request.Kind.COMPLAINT else "hand"
        return "grant" if granted(self.asked.kind, self.asked.facts) else ""

    @property
    def particulars(self) -> list[tuple[Promise, list[Promise]]]:
        """What was ticked on the form, in words."""
        return particulars.in_words(self.asked)

    @cached_property
    def restriction(self) -> Restriction | None:
        return restriction.of(self.asked) if self.asked.kind == Request.Kind.RESTRICTION else None

    @cached_property
    def wait(self) -> copies.Wait | None:
        """The copy that this deletion waits for."""
        return copies.shown(self.asked, now=self.now)

    @property
    def parked(self) -> int:
        return sum(step.state == WorkState.PARKED for step in self.steps)

    @cached_property
    def report(self) -> ChildReport | None:
        """What is known of the reported account, for a report of a child's."""
        if self.asked.kind != Request.Kind.CHILD:
            return None
        return ChildReport.objects.select_related("account", "judged_by").filter(request=self.asked).first()

    @property
    def own_account(self) -> Any:
        """Id of the account of whoever asks. A report looks for nobody's but the child's: of its reporter there is what
        is known from elsewhere.
        """
        return self.asked.person.account_id if self.asked.kind == Request.Kind.CHILD else self.asked.account_id

    @cached_property
    def referrals(self) -> list[Referral]:
        """The customers who wrote about the person."""
        return list(self.asked.referrals.select_related("organisation").order_by("found_at", "pk"))

    @cached_property
    def representative(self) -> Representative | None:
        """Who asked for the person, in the message that this request came with."""
        lead = self.asked.lead_id or self.asked.pk
        found = Representative.objects.select_related("decided_by", "document").defer("document__content")
        return found.filter(request=lead).first()

    @property
    def relation(self) -> Promise | str:
        return RELATIONS.get(self.asked.facts.get("relation", ""), "")

    # --- what was found ------------------------------------------------------------------------------------------
    @cached_property
    def found(self) -> list[Found]:
        counts: dict[str, int] = {}
        for step in self.steps:
            if step.kind == Step.Kind.COLLECT and step.round == self.asked.round:
                for label, rows in step.result.get("tables", {}).items():
                    counts[label] = counts.get(label, 0) + rows
        return [
            Found(named(view), view.label, counts[view.key], "" if view.own else self._link(view.label))
            for view in datamap.views()
            if view.key in counts
        ]

    def _link(self, label: str) -> str:
        """The rows' own list in the admin, narrowed to the person, where there is one."""
        table = datamap.table(label)
        account = self.report.account_id if self.report else self.asked.account_id
        model = table.model
        path = table.subject.get("account", "")
        if not admin.site.is_registered(model) or account is None or "__" in path or not path:
            return ""
        if path == "id":
            return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[account])
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        return f"{address}?{path}__id__exact={account}"

    # --- corrections, and who was told -------------------------------------------------------------------------------
    @property
    def _about_values(self) -> str:
        if self.proposals:
            return "decide"
        return "nothing proposed" if self.asked.account_id else "nobody"

    @cached_property
    def proposals(self) -> list[Line]:
        return corrections.lines(self.asked)

    @cached_property
    def decided(self) -> list[Correction]:
        return list(self.asked.corrections.exclude(round=None).select_related("decided_by").order_by("-round", "pk"))

    @cached_property
    def on_hold(self) -> bool:
        account = self.asked.account_id
        return account is not None and Account.objects.filter(pk=account, on_hold=True).exists()

    @cached_property
    def notices(self) -> list[RecipientNotice]:
        return list(self.asked.notices.select_related("recipient", "message").order_by("-round", "recipient__name"))

    @cached_property
    def late_notices(self) -> int:
        waiting = [notice for notice in self.notices if notice.acknowledged_at is None and not notice.why_not]
        return sum(notice.due_on < self.today for notice in waiting)

    # --- the plan ------------------------------------------------------------------------------------------------
    @property
    def plan(self) -> Plan | None:
        return next((plan for plan in self.found_plans if plan.round == self.asked.round), None)

    @cached_property
    def kept(self) -> list[plans.KeptLine]:
        return plans.kept_of(self.plan)

    # --- what was said and done ------------------------------------------------------------------------------------
    @cached_property
    def messages(self) -> list[Message]:
        """Of everything that one message asked for: a conversation is one, whichever wish a mail was about."""
        # Who was warned stands under “Warnings”, once; a warning that did not reach its reader is listed here, too.
        warned = Q(template=alerts.TEMPLATE, state=WorkState.DONE, bounced_at=None)
        found = Message.objects.of_conversation(self.asked).exclude(warned)
        files = Prefetch("attachments", Attachment.objects.defer("content"))
        shown = found.select_related("written_by", "recipient", "request").prefetch_related(files)
        return list(shown.order_by("created_at", "id"))

    @property
    def unread(self) -> int:
        return sum(message.is_unread for message in self.messages)

    @property
    def undelivered(self) -> int:
        return sum(message.is_undelivered for message in self.messages)

    @cached_property
    def notes(self) -> list[Note]:
        return list(self.asked.notes.select_related("author").order_by("-at", "-id"))

    @cached_property
    def packages(self) -> list[Package]:
        return list(self.asked.packages.order_by("-made_at"))

    @cached_property
    def duplicates(self) -> list[Request]:
        return list(self.asked.duplicates.only("id", "reference", "received_on", "state"))

    @cached_property
    def answered_lately(self) -> list[Request]:
        """The same wish, answered a short time before this one arrived."""
        return list(joining.answered_lately(self.asked))

    @cached_property
    def together(self) -> list[Request]:
        return list(self.asked.together())

    @cached_property
    def story(self) -> list[Event]:
        entries = list(Entry.objects.filter(subject=self.asked.ref).order_by("-id"))
        colleagues = (value for entry in entries for value in entry.facts.values() if _is_colleague(value))
        names = actors.names([*(entry.actor for entry in entries), *colleagues])
        return [
            Event(
                entry.recorded_at,
                verb.meaning if (verb := known(entry.verb)) else entry.verb,
                names[entry.actor],
                {
                    name: names[value] if _is_colleague(value) else value
                    for name, value in entry.facts.items()
                    if value not in (None, "", {}, [])
                },
            )
            for entry in entries
        ]


def _is_colleague(value: Any) -> bool:
    """Whether a fact names somebody who works here, by the reference that the ledger writes."""
    return isinstance(value, str) and actors.is_staff(value)
