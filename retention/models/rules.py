"""Retention rules: which rows end, counted from what, after how long, and why.

What could go wrong: two versions of a rule in force at once, or a changed period that rewrites the past. So each
change is a new row, one per slug is active, and every run points at the row it obeyed. The database refuses to change a
rule that is not a draft, except that a publication moves it on (retention.changing) and that its limits may be lowered.
"""

from datetime import date, datetime
from typing import ClassVar, Self

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from crasme.kit import calendar, datamap
from crasme.kit.calendar import Period
from crasme.kit.fields import PeriodField
from crasme.kit.ids import uuid7

# Actions after which the rows are still there.
FIELD_ACTIONS = ("blank", "unlink", "anonymise")


class RuleQuerySet(models.QuerySet["Rule"]):
    def active(self) -> Self:
        return self.filter(state=Rule.State.ACTIVE)

    def in_force(self, now: datetime) -> Self:
        """Active and begun; the ones that only say why something stays (action "keep") included."""
        return self.active().filter(effective_from__lte=now)

    def foreseen(self, at: datetime) -> Self:
        """Those that will be in force at `at`, as far as is published: of a rule whose change waits for a day until
        then, the change."""
        changed = self.filter(state=Rule.State.AHEAD, effective_from__lte=at)
        superseded = Exists(changed.filter(slug=OuterRef("slug")))
        return self.filter(Q(state=Rule.State.AHEAD, effective_from__lte=at) | Q(~superseded, state=Rule.State.ACTIVE))

    def acting(self) -> Self:
        """The rules that end rows."""
        return self.exclude(action=Rule.Action.KEEP)

    def with_work(self, period_key: str) -> Self:
        """Those whose run of the period is not over yet, or that have an older one open."""
        runs = apps.get_model("retention.Run")._default_manager.filter(rule=OuterRef("pk"))
        is_open = Exists(runs.filter(finished_at=None))
        return self.filter(is_open | ~Exists(runs.filter(period_key=period_key)))


class Rule(models.Model):
    """Rows of `target` end `period` after `anchor`. `unreferenced_by` names columns ("crm.invoice.account") that may
    no longer point at a row that is to go."""

    class Action(models.TextChoices):
        DELETE = "delete", _("delete rows")
        ERASE_ACCOUNT = "erase-account", _("erase accounts")
        DROP_PARTITIONS = "drop-partitions", _("remove whole months")
        DELETE_FILES = "delete-files", _("delete files")
        BLANK = "blank", _("empty fields")
        UNLINK = "unlink", _("cut the link")
        ANONYMISE = "anonymise", _("anonymise")
        KEEP = "keep", _("keep")

    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        AHEAD = "ahead", _("in force later")  # published, and not in force before its day
        ACTIVE = "active", _("active")
        RETIRED = "retired", _("retired")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(_("rule"), max_length=40)
    target = models.CharField(_("table"), max_length=80, help_text=_("Label of the model, e.g. crm.invoice."))
    anchor = models.CharField(
        _("counted from"), max_length=120, blank=True, help_text=_("Field, or path, whose date starts the period.")
    )
    period = PeriodField(_("period"), blank=True, help_text=_("ISO 8601: P24M, P7Y, P90D. Calendar months, UTC."))
    action = models.CharField(_("action"), max_length=16, choices=Action.choices)
    fields = ArrayField(
        models.CharField(max_length=120),
        verbose_name=_("fields"),
        default=list,
        blank=True,
        help_text=_("For actions on fields: billed_email, or occurred_at:month. Empty: as the data map erases them."),
    )
    anonymity = models.JSONField(
        _("decision on anonymity"),
        null=True,
        blank=True,
        help_text=_("For anonymise: quasi, sensitive, harmless, k, l, t, r, adversary, owner, review_on."),
    )
    carry_to = models.CharField(
        _("what stays moves to"),
        max_length=80,
        blank=True,
        help_text=_("The table that takes what must stay of a month that goes."),
    )
    unreferenced_by = ArrayField(
        models.CharField(max_length=120), verbose_name=_("stays while named in"), default=list, blank=True
    )
    legal_reason = models.TextField(_("legal reason"))
    policy_section = models.CharField(_("policy section"), max_length=8, blank=True)
    batch_size = models.PositiveIntegerField(
        _("rows in one go"),
        default=2_000,
        validators=[MinValueValidator(1), MaxValueValidator(100_000)],
        help_text=_("The most rows of one batch; how many it takes follows from what the last one cost."),
    )
    max_rows = models.PositiveBigIntegerField(
        _("most rows without approval"),
        null=True,
        blank=True,
        help_text=_("A run that would end more waits for approval."),
    )
    max_share = models.DecimalField(
        _("largest share without approval"),
        max_digits=4,
        decimal_places=3,
        default=1,
        help_text=_("Of the table's rows, 0 to 1. A run that would end more waits for approval."),
    )
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.DRAFT)
    effective_from = models.DateTimeField(_("in force from"))
    drafted_by = models.CharField(_("drafted by"), max_length=80, blank=True, editable=False)
    published_in = models.CharField(_("published in"), max_length=12, blank=True, editable=False)

    objects = RuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("retention rule")
        verbose_name_plural = _("retention rules")
        ordering: ClassVar = ["slug", "-effective_from"]
        default_permissions = ("view",)
        permissions: ClassVar = [("draft_rule", _("Can draft retention rules"))]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["slug"],
                condition=Q(state="active"),
                name="retention_rule_one_active",
                violation_error_message=_("A rule of this name is active already; retire it first."),
            ),
            models.UniqueConstraint(
                fields=["slug"],
                condition=Q(state="draft"),
                name="retention_rule_one_draft",
                violation_error_message=_("There is a draft of this rule already; change that one."),
            ),
            models.UniqueConstraint(
                fields=["slug"],
                condition=Q(state="ahead"),
                name="retention_rule_one_ahead",
                violation_error_message=_("A published change of this rule waits for its day already."),
            ),
            models.CheckConstraint(
                condition=~Q(state="ahead") | ~Q(published_in=""),
                name="retention_rule_ahead_is_published",
                violation_error_message=_("Only a published rule can wait for its day."),
            ),
            models.CheckConstraint(
                condition=Q(action="keep", period="", anchor="") | (~Q(action="keep") & ~Q(period="") & ~Q(anchor="")),
                name="retention_rule_period_iff_it_ends",
                violation_error_message=_("A rule that ends rows needs a date and a period; one that keeps has none."),
            ),
            models.CheckConstraint(
                condition=Q(action="drop-partitions") & ~Q(carry_to="") | ~Q(action="drop-partitions") & Q(carry_to=""),
                name="retention_rule_shelf_iff_partitions",
                violation_error_message=_(
                    "Dropping partitions needs a model that takes the held rows; nothing else does."
                ),
            ),
            models.CheckConstraint(
                condition=Q(action__in=FIELD_ACTIONS) | Q(fields=[]),
                name="retention_rule_fields_iff_it_changes_them",
                violation_error_message=_("Only an action on fields names fields."),
            ),
            models.CheckConstraint(
                condition=Q(action="anonymise", anonymity__isnull=False)
                | (~Q(action="anonymise") & Q(anonymity__isnull=True)),
                name="retention_rule_anonymity_is_decided",
                violation_error_message=_(
                    "Anonymising needs a decision (which columns single out, how large a class, against whom), by"
                    " somebody, to be reviewed; nothing else has one."
                ),
            ),
            models.CheckConstraint(
                condition=Q(max_share__gt=0, max_share__lte=1),
                name="retention_rule_share",
                violation_error_message=_("A share lies above 0 and is at most 1."),
            ),
            models.CheckConstraint(
                condition=Q(batch_size__gte=1, batch_size__lte=100_000),
                name="retention_rule_batch",
                violation_error_message=_("A batch has 1 to 100,000 rows."),
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def model(self) -> type[models.Model]:
        return apps.get_model(self.target)

    @property
    def changes_fields(self) -> bool:
        """Whether the rows stay and only some of their fields end."""
        return self.action in FIELD_ACTIONS

    @property
    def length(self) -> Period:
        """The period as a value; only rules that end rows have one."""
        return Period.parse(self.period)

    def cutoff(self, now: datetime) -> datetime:
        """Rows whose anchor lies strictly before this instant (aware, UTC) are over.

        For a date anchor it is the first instant of the cut-off's day: a date behaves as its first instant.
        """
        if self.anchor_is_date:
            return calendar.start_of(calendar.cutoff(now.date(), self.length))
        return calendar.cutoff(now, self.length)

    def bound(self, cutoff: datetime) -> date | datetime:
        """The cut-off in the anchor's own type, to compare it with."""
        return cutoff.date() if self.anchor_is_date else cutoff

    @property
    def anchor_is_date(self) -> bool:
        return not isinstance(_field_at(self.model, self.anchor), models.DateTimeField)

    def clean(self) -> None:
        """Names in a rule must lead somewhere: a typo would keep rows for ever."""
        try:
            if self.anchor and not isinstance(_field_at(self.model, self.anchor), models.DateField):
                raise ValidationError({"anchor": _("The period can only be counted from a date.")})
        except (LookupError, ValueError):
            raise ValidationError({"target": _("There is no such model.")}) from None
        except FieldDoesNotExist:
            raise ValidationError({"anchor": _("The target has no such field.")}) from None
        try:
            for reference in self.unreferenced_by:
                label, _separator, name = reference.rpartition(".")
                apps.get_model(label)._meta.get_field(name)
        except (LookupError, ValueError, FieldDoesNotExist):
            message = _("There is no such column; write crm.invoice.account.")
            raise ValidationError({"unreferenced_by": message}) from None
        try:
            shelf = datamap.covers(apps.get_model(self.carry_to)._meta.label) if self.carry_to else None
        except (LookupError, ValueError):
            raise ValidationError({"carry_to": _("There is no such model.")}) from None
        if self.carry_to and getattr(shelf, "shelf_of", "").lower() != self.target.lower():
            # A hold on one record would lose it on the way.
            raise ValidationError({"carry_to": _("The data map does not name this model as the target's shelf.")})


def _field_at(model: type[models.Model], path: str) -> "models.Field":
    *relations, last = path.split("__")
    for name in relations:
        related = model._meta.get_field(name).related_model
        if not isinstance(related, type):
            raise FieldDoesNotExist(path)
        model = related
    field = model._meta.get_field(last)
    if not isinstance(field, models.Field):
        raise FieldDoesNotExist(path)
    return field
