"""Runs: what a rule did, once a period, with what it may be held to afterwards.

What could go wrong: two beats start the same run (unique by rule and period key, and one open run per rule), a run
that crashed starts over with a later cut-off (it is stored when the run begins), or two approvals by one person,
or by the beat: over its limits a run needs two people, and the beat is none.
"""

from datetime import timedelta
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7
from retention.models.plans import Plan
from retention.models.rules import Rule

OPEN = ("running", "waiting", "stopped")
MACHINE = "system:"  # how references begin that are no person's
TICK = "system:retention"


class RunQuerySet(models.QuerySet["Run"]):
    def open(self) -> Self:
        """Not over: running, waiting for approval, or stopped until it is tried again."""
        return self.filter(state__in=OPEN)

    def waiting(self) -> Self:
        return self.filter(state=Run.State.WAITING)


class Run(models.Model):
    """`period_key` is the UTC day, "2026-11-22". `counts` holds rows by label (and what was carried or emptied);
    `progress` what a resumed run needs; `digest` is the root of the Merkle tree whose leaves are its batches.

    `wal_bytes` is what the whole server wrote meanwhile; `busy` the time at work, with its rests for
    others, without the pauses between ticks.
    """

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        WAITING = "waiting", _("awaiting approval")
        STOPPED = "stopped", _("stopped")
        DONE = "done", _("done")
        CANCELLED = "cancelled", _("cancelled")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    rule = models.ForeignKey(Rule, on_delete=models.PROTECT, related_name="runs", verbose_name=_("rule"))
    period_key = models.CharField(_("day"), max_length=16)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.RUNNING)
    cutoff = models.DateTimeField(
        _("ends what is dated before"), help_text=_("The moment that counts (UTC); it was fixed when the run began.")
    )
    started_at = models.DateTimeField(_("started at"))
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    rows_due = models.BigIntegerField(
        _("rows due at the start"), default=0, help_text=_("An estimate where whole months go at once.")
    )
    plan = models.ForeignKey(
        Plan, on_delete=models.PROTECT, null=True, related_name="runs", verbose_name=_("plan"), editable=False
    )
    share_due = models.DecimalField(_("share due at the start"), max_digits=6, decimal_places=5, default=0)
    rows_total = models.BigIntegerField(_("rows ended"), default=0)
    counts = models.JSONField(_("counts"), default=dict)
    progress = models.JSONField(_("progress"), default=dict, editable=False)
    digest = models.CharField(
        _("digest"),
        max_length=64,
        blank=True,
        help_text=_("A checksum of exactly the rows that ended: it proves later which they were."),
    )
    anonymity = models.JSONField(
        _("check of anonymity"), null=True, blank=True, help_text=_("Figures before and after, and what was found.")
    )
    wal_bytes = models.BigIntegerField(_("written to the database's log"), default=0)
    busy = models.DurationField(_("time at work"))

    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    last_error = models.CharField(_("last error"), max_length=64, blank=True)
    retry_at = models.DateTimeField(_("next attempt"), null=True, blank=True)

    entry = models.UUIDField(_("ledger entry"), null=True, editable=False)

    requested_by = models.CharField(_("requested by"), max_length=80)
    approved_by = models.CharField(_("approved by"), max_length=80, blank=True)
    approved_at = models.DateTimeField(_("approved at"), null=True, blank=True)
    approved_hash = models.CharField(_("approved plan"), max_length=64, blank=True)
    needs_approval = models.BooleanField(_("needs approval"), default=False)

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("retention run")
        verbose_name_plural = _("retention runs")
        ordering: ClassVar = ["-started_at", "-id"]
        default_permissions = ("view",)
        permissions: ClassVar = [("approve_run", _("Can approve large retention runs"))]
        indexes: ClassVar = [models.Index(fields=["-started_at", "-id"], name="retention_run_newest")]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["rule", "period_key"], name="retention_run_once_a_period"),
            models.UniqueConstraint(fields=["rule"], condition=Q(state__in=OPEN), name="retention_run_one_open"),
            models.CheckConstraint(
                condition=Q(approved_by="", approved_at=None) | (~Q(approved_by="") & Q(approved_at__isnull=False)),
                name="retention_run_approval_whole",
                violation_error_message=_("An approval has a name and a time."),
            ),
            models.CheckConstraint(
                condition=~Q(needs_approval=True, approved_by="", state__in=["running", "done"]),
                name="retention_run_approved_first",
                violation_error_message=_("A run over its limits needs an approval before it goes on."),
            ),
            models.CheckConstraint(
                condition=~Q(needs_approval=True, requested_by__startswith=MACHINE, state__in=["running", "done"]),
                name="retention_run_asked_for",
                violation_error_message=_("A run over its limits goes on when two people have approved it."),
            ),
            models.CheckConstraint(
                condition=~Q(approved_by=F("requested_by")),
                name="retention_run_two_people",
                violation_error_message=_("Two approvals of a run must come from two different people."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN, finished_at=None) | (~Q(state__in=OPEN) & Q(finished_at__isnull=False)),
                name="retention_run_finished_iff_over",
                violation_error_message=_("A run has an end exactly when it is done or cancelled."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule.slug} {self.period_key}"

    @property
    def planned(self) -> dict[str, Any] | None:
        """The line of its plan; None for a run that was begun before there were plans."""
        return self.plan.lines[0] if self.plan is not None else None

    @property
    def is_approved_once(self) -> bool:
        """Whether a first person has approved it; what the beat begins, nobody has."""
        return not self.requested_by.startswith(MACHINE)

    @property
    def begun_by(self) -> str:
        """Only the beat begins runs; from the first approval on, `requested_by` names who gave it."""
        return TICK if self.is_approved_once else self.requested_by

    @property
    def share_done(self) -> int:
        """Percent of the planned rows that are gone: 100 only when the run is over."""
        if self.state == self.State.DONE:
            return 100
        return min(99, 100 * self.rows_total // self.rows_due) if self.rows_due > 0 else 0

    @property
    def time_left(self) -> timedelta | None:
        """Of work, at the speed so far; None while nothing can be said, or nothing is left."""
        if self.finished_at is not None or not 0 < self.rows_total < self.rows_due:
            return None
        return self.busy * ((self.rows_due - self.rows_total) / self.rows_total)


class Batch(models.Model):
    """One batch of a run, a leaf of its tree: how many rows went and the digest of their keys, never a key."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    # Its index is that of the constraint.
    run = models.ForeignKey(
        Run, on_delete=models.CASCADE, related_name="batches", db_index=False, verbose_name=_("run")
    )
    number = models.PositiveIntegerField(_("number"), help_text=_("From 1, in the order in which they went."))
    label = models.CharField(_("table"), max_length=160)
    rows = models.BigIntegerField(_("rows"))
    digest = models.CharField(_("digest"), max_length=64)

    class Meta:
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        ordering: ClassVar = ["run", "number"]
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "number"], name="retention_batch_once"),
        ]

    def __str__(self) -> str:
        return f"{self.run_id} {self.number}"
