"""The rows behind a request, for whoever looks for one across requests: parked steps, failed mails, copies, people."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import filesizeformat
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now, gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.dataclasses import UnfoldAction
from unfold.decorators import action, display

from crasme.kit.claims import WorkState
from crasme.kit.errors import CrasmeError
from crasme.staff import actors
from crasme.staff.admin import EstimatePaginator, PersonalDataAdmin, ReadOnlyAdmin, confirmed
from privacy import readable, references, troubles
from privacy.admin.acts_work import StepActs
from privacy.admin.filters import MailFilter
from privacy.models import Message, Package, Person, Plan, Step
from privacy.services import completing, desk, plans

WORK_COLOURS = {
    WorkState.DUE: "warning",
    WorkState.LEASED: "info",
    WorkState.DONE: "success",
    WorkState.PARKED: "danger",
    WorkState.CANCELLED: "",
}


class OfRequestAdmin(ReadOnlyAdmin, PersonalDataAdmin):
    """Rows that belong to a request; found by its reference."""

    paginator = EstimatePaginator
    list_select_related: ClassVar[Any] = ("request",)
    search_fields = ("request__reference",)
    search_help_text = _("The reference of the request.")

    class Media:
        css: ClassVar = {"all": ["privacy/desk.css"]}

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        if not search_term.strip():
            return queryset, False
        return queryset.filter(request__reference=references.normalise(search_term)), False

    @display(description=_("request"), ordering="request__reference")
    def of_request(self, row: Any) -> SafeString:
        address = reverse("admin:privacy_request_change", args=[row.request_id])
        return format_html('<a class="dash-ref" href="{}">{}</a>', address, row.request.reference)


class WorkAdmin(OfRequestAdmin):
    """Rows that are pieces of work and can be parked."""

    list_filter: ClassVar[Any] = (("state", ChoicesDropdownFilter),)
    actions_detail: tuple[str, ...] = ("redrive",)

    @display(description=_("state"), ordering="state", label=WORK_COLOURS)
    def standing(self, row: Any) -> tuple[str, str]:
        return row.state, row.get_state_display()

    @display(description=_("last error"), ordering="last_error")
    def trouble(self, row: Any) -> SafeString | str:
        return troubles.shown(row.last_error)

    def waits(self, row: Any) -> bool:
        """Whether a person may put it back into the queue."""
        return bool(row.state == WorkState.PARKED)

    def get_actions_detail(self, request: HttpRequest, object_id: int | str) -> list[UnfoldAction]:
        row = self.get_object(request, unquote(str(object_id)))
        fitting = {f"privacy_{self.opts.model_name}_{name}" for name in self.fitting(row)} if row else set()
        return [each for each in super().get_actions_detail(request, object_id) if each.action_name in fitting]

    def fitting(self, row: Any) -> set[str]:
        """Names of the acts that fit this row."""
        return {"redrive"} if self.waits(row) else set()

    @action(description=_("Try again"), permissions=["privacy.redrive_step"], icon="replay")
    @confirmed(
        title=_("Try again"),
        text=_("It goes back into the queue, with all its attempts. Has the cause been dealt with?"),
        button=_("Try again"),
    )
    def redrive(self, request: HttpRequest, object_id: str, form: Any) -> HttpResponse:
        row = get_object_or_404(self.model, pk=unquote(object_id))
        try:
            desk.redrive_work(row, by=request.user, now=timezone.now())  # type: ignore[arg-type]
        except CrasmeError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("It is in the queue again."))
        return redirect("admin:privacy_request_change", row.request_id)


@admin.register(Step)
class StepAdmin(StepActs, WorkAdmin):
    empty_words = _("What workers and colleagues do for a request. Steps appear as soon as somebody has confirmed one.")
    actions_detail = ("redrive", "done_by_hand")
    list_display = ("kind_name", "of_request", "standing", "attempts", "trouble", "next_attempt_at", "finished_at")
    list_filter: ClassVar[Any] = (("state", ChoicesDropdownFilter), ("kind", ChoicesDropdownFilter))
    ordering = ("-created_at", "-id")
    fields = (
        "of_request", ("kind", "source", "round", "manual"), ("state", "attempts", "trouble"),
        ("next_attempt_at", "finished_at", "who"), "found",
    )  # fmt: skip
    readonly_fields = ("of_request", "trouble", "who", "found")

    def fitting(self, row: Step) -> set[str]:
        return super().fitting(row) | ({"done_by_hand"} if completing.waits(row) else set())

    @display(description=_("step"), ordering="kind")
    def kind_name(self, step: Step) -> str:
        return step.get_kind_display()

    @display(description=_("done by"))
    def who(self, step: Step) -> str:
        return actors.names([step.done_by])[step.done_by] if step.done_by else readable.NOTHING

    @display(description=_("result"))
    def found(self, step: Step) -> SafeString | str:
        return readable.result(step.result)


@admin.register(Message)
class MessageAdmin(WorkAdmin):
    empty_words = _(
        "What was written about requests, and what came back. The first letter goes out when a request arrives."
    )
    list_display = (
        "letter", "whom", "of_request", "standing", "language_name", "attempts", "trouble", "created_at", "bounced_at",
    )  # fmt: skip
    list_filter: ClassVar[Any] = (
        MailFilter, ("state", ChoicesDropdownFilter), ("language", admin.AllValuesFieldListFilter),
    )  # fmt: skip
    ordering = ("-created_at", "-id")
    list_select_related: ClassVar[Any] = ("request", "recipient", "colleague")
    readonly_fields = ("of_request", "letter", "whom", "language_name", "trouble")

    def get_fields(self, request: HttpRequest, obj: Message | None = None) -> Any:
        """What came in was neither queued nor tried, and nobody here wrote it."""
        if obj is not None and obj.direction == Message.Direction.IN:
            return ("of_request", ("letter", "addressee"), ("created_at", "read_at"), "subject", "body")
        return (
            "of_request", ("letter", "whom", "language_name"), ("state", "attempts", "trouble"),
            ("created_at", "finished_at", "bounced_at"), "subject", "body", "written",
        )  # fmt: skip

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if (message := kwargs.get("obj")) is not None:
            context |= {"title": self.letter(message)}
        return super().render_change_form(request, context, *args, **kwargs)

    @display(description=_("letter"), ordering="template")
    def letter(self, message: Message) -> str:
        came_in = message.direction == Message.Direction.IN
        return _now("Written to us") if came_in else readable.letter(message.template) or readable.NOTHING

    @display(description=_("language"), ordering="language")
    def language_name(self, message: Message) -> str:
        return readable.language(message.language)

    @display(description=_("written to"), ordering="addressee")
    def whom(self, message: Message) -> str:
        return str(message.recipient or message.colleague or message.get_addressee_display())

    def waits(self, row: Any) -> bool:
        return bool(row.is_undelivered)


@admin.register(Plan)
class PlanAdmin(OfRequestAdmin):
    empty_words = _("A plan is made as soon as the workers have found what is held about somebody.")
    list_display = (
        "hash_start",
        "of_request",
        "kind",
        "round",
        "made_at",
        "requested_by",
        "approved_by",
        "executed_at",
    )
    list_select_related: ClassVar[Any] = ("request", "requested_by", "approved_by")
    list_filter: ClassVar[Any] = (("kind", ChoicesDropdownFilter),)
    ordering = ("-made_at",)
    fields = (
        "of_request", ("kind", "round"), "hash", ("made_at", "executed_at"),
        ("requested_by", "requested_at"), ("approved_by", "approved_at"), "lines",
    )  # fmt: skip
    readonly_fields = ("of_request", "lines")

    @display(description=_("hash"))
    def hash_start(self, plan: Plan) -> str:
        return plan.hash[:12]

    @display(description=_("content"))
    def lines(self, plan: Plan) -> SafeString:
        cards = render_to_string("admin/privacy/request/plan_card.html", {"plan": plan, "kept": plans.kept_of(plan)})
        return format_html('<div class="dash desk">{}</div>', cards)


@admin.register(Package)
class PackageAdmin(OfRequestAdmin):
    """That copies exist, never what is in them: staff cannot open one."""

    empty_words = _("A copy is made when a release is approved, and destroyed when its time is over.")
    list_display = ("of_request", "bytes_in_words", "made_at", "expires_at", "downloads", "deleted_at")
    ordering = ("-made_at",)
    fields = (
        "of_request", "sha256", "bytes_in_words", "by_table", ("made_at", "expires_at"), ("downloads", "fetched_at"),
        "deleted_at",
    )  # fmt: skip
    readonly_fields = ("of_request", "bytes_in_words", "by_table")

    @display(description=_("size"), ordering="size")
    def bytes_in_words(self, package: Package) -> str:
        return filesizeformat(package.size)

    @display(description=_("rows by table"))
    def by_table(self, package: Package) -> SafeString | str:
        return readable.tables(package.rows)


@admin.register(Person)
class PersonAdmin(ReadOnlyAdmin, PersonalDataAdmin):
    empty_words = _("Whoever makes a request is listed here until they are forgotten.")
    paginator = EstimatePaginator
    list_display = ("masked_address", "language", "created_at", "forget_from")
    search_fields = ("email_hash",)
    search_help_text = _("A whole e-mail address; also finds people who have been forgotten.")
    ordering = ("-created_at", "-id")
    fields = ("email", "full_name", "language", "account_link", ("created_at", "forget_from"), "their_requests")
    readonly_fields = ("account_link", "their_requests")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Person], search_term: str) -> Any:
        return (queryset.by_email(search_term) if search_term.strip() else queryset), False  # type: ignore[attr-defined]

    @display(description=_("person"))
    def masked_address(self, person: Person) -> str:
        return person.masked

    @display(description=_("account"))
    def account_link(self, person: Person) -> str:
        if person.account_id is None:
            return "–"
        address = reverse("admin:crm_account_change", args=[person.account_id])
        return format_html('<a href="{}">{}</a>', address, person.account_id.hex[-8:])

    @display(description=_("requests"))
    def their_requests(self, person: Person) -> SafeString:
        address = reverse("admin:privacy_request_changelist")
        return format_html('<a href="{}?person__id__exact={}&clock=all">{}</a>', address, person.pk, _("Show requests"))
