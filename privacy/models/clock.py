"""What happened to a request's clock. Dates are derived from these rows and can be derived again as of any day."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7
from privacy.clock.events import Kind


class ClockEvent(models.Model):
    """Append-only (the database refuses the rest); goes with its request at the end of the request's period."""

    Kind = Kind

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    request = models.ForeignKey(
        "privacy.Request", on_delete=models.CASCADE, related_name="clock_events", verbose_name=_("request")
    )
    kind = models.CharField(_("what happened"), max_length=10, choices=Kind.choices)
    at = models.DateTimeField(_("at"))
    on = models.DateField(_("on"), help_text=_("The calendar day where the controller is; the day that counts."))
    facts = models.JSONField(_("facts"), default=dict, blank=True)
    actor = models.CharField(_("by"), max_length=80)

    class Meta:
        verbose_name = _("clock event")
        verbose_name_plural = _("clock events")
        ordering: ClassVar = ["at", "id"]
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["request"],
                condition=models.Q(kind="received"),
                name="privacy_clockevent_received_once",
                violation_error_message=_("A request is received once."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.on}"
