"""Steps: the work that a request causes, one row a piece. PostgreSQL is the queue; a task message only wakes."""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from crasme.kit.claims import Claimable
from crasme.kit.ids import uuid7
from privacy.querysets import StepQuerySet


class Step(Claimable):
    class Kind(models.TextChoices):
        LOCATE = "locate", _("Find who it is")
        COLLECT = "collect", _("Find what is held")
        PLAN = "plan", _("Draw up the plan")
        APPROVAL = "approval", _("A person decides")
        WORK = "work", _("A person does it")
        PACKAGE = "package", _("Make the copy")
        EXECUTE = "execute", _("Erase")
        APPLY = "apply", _("Carry it out")
        NOTIFY = "notify", _("Tell the recipients")
        VERIFY = "verify", _("Verify")
        ANSWER = "answer", _("Answer")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(
        "privacy.Request", on_delete=models.CASCADE, related_name="steps", verbose_name=_("request")
    )
    kind = models.CharField(_("step"), max_length=10, choices=Kind.choices)
    source = models.CharField(
        _("source"), max_length=40, blank=True, help_text=_("The system it is done in; empty when there is only one.")
    )
    round = models.PositiveSmallIntegerField(_("round"), default=1)
    manual = models.BooleanField(_("by a person"), default=False)
    created_at = models.DateTimeField(_("created at"))
    result = models.JSONField(_("result"), default=dict, blank=True, help_text=_("Counts and ids, never values."))
    done_by = models.CharField(_("done by"), max_length=80, blank=True)

    objects: ClassVar[Any] = StepQuerySet.as_manager()

    class Meta(Claimable.Meta):
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering: ClassVar = ["created_at", "id"]
        default_permissions = ("view",)
        permissions: ClassVar = [
            ("redrive_step", "Can put a parked step back into the queue"),
            ("complete_step", "Can say that a step was done by hand"),
        ]
        indexes: ClassVar = [
            *Claimable.Meta.indexes,
            # What waits for a person is due all the time; workers must not have to step over it.
            models.Index(
                fields=["next_attempt_at"],
                name="privacy_step_automatic",
                condition=models.Q(state="due", manual=False),
            ),
            models.Index(fields=["request"], name="privacy_step_parked", condition=models.Q(state="parked")),
            # How long steps take is asked of the last months, by every look at the desk.
            models.Index(fields=["finished_at"], name="privacy_step_finished", condition=models.Q(state="done")),
        ]
        constraints: ClassVar = [
            *Claimable.Meta.constraints,
            models.UniqueConstraint(
                fields=["request", "kind", "source", "round"],
                name="privacy_step_once",
                violation_error_message=_("This step exists already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk.hex[-8:]}"
