"""Cookies that the site tried to set although nobody declared them, or the visitor had not agreed, and what was still
there after a withdrawal: a to-do list.

What could go wrong: an entry that is called done comes back. So a new sighting opens it again, unless staff have said
that it may be seen (ignored).
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7


class CookieSighting(models.Model):
    """Name, route and reason, never a value, a path or a visitor."""

    class Reason(models.TextChoices):
        UNDECLARED = "undeclared", _("not in the registry")
        UNCONSENTED = "unconsented", _("not agreed to")
        SURVIVED = "survived", _("still there after a refusal")

    class State(models.TextChoices):
        OPEN = "open", _("open")
        RESOLVED = "resolved", _("resolved")
        IGNORED = "ignored", _("ignored")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=120)
    route = models.CharField(_("route"), max_length=200, help_text=_("The URL pattern that answered."))
    reason = models.CharField(_("reason"), max_length=12, choices=Reason.choices)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.OPEN)
    dropped = models.BooleanField(_("dropped"), help_text=_("No: seen while the guard only reported."))
    first_seen_at = models.DateTimeField(_("first seen at"))
    last_seen_at = models.DateTimeField(_("last seen at"))
    count = models.PositiveIntegerField(
        _("reports"), default=1, help_text=_("A process reports the same cookie and route once.")
    )

    class Meta:
        verbose_name = _("cookie seen")
        verbose_name_plural = _("cookies seen")
        ordering: ClassVar = ["-last_seen_at"]
        default_permissions = ("view", "delete")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "route", "reason"], name="consent_sighting_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.reason}"
