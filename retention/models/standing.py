"""How far each rule is behind: measured every hour and kept, so that no page and no scrape counts a table.

What could go wrong: a measurement nobody took for a day that still looks fine. So it says when it was taken, and its
age is a figure of its own.
"""

from datetime import datetime, timedelta
from typing import ClassVar, Final

from django.db import models
from django.utils.translation import gettext_lazy as _

from retention.models.rules import Rule

# A rule runs once a day, so a row may be there for a day after its end; a run takes its time.
LATE: Final = timedelta(hours=26)


class Standing(models.Model):
    """`oldest_end` is when the period of the oldest row that should be gone was over; None when there is none. Counts
    stop at `retention.standing.COUNT_UP_TO`. `kept_why` holds `{"why": words, "rows": n}`, a row under each of its
    reasons. `empty_in` is time at work, at the speed of the last runs; None when there were none to say so."""

    rule = models.OneToOneField(Rule, on_delete=models.CASCADE, related_name="standing", verbose_name=_("rule"))
    taken_at = models.DateTimeField(_("measured at"))
    oldest_end = models.DateTimeField(_("oldest overdue since"), null=True)
    due = models.BigIntegerField(_("rows due"), default=0)
    kept = models.BigIntegerField(_("rows kept"), default=0)
    kept_why = models.JSONField(_("kept because"), default=list)
    intake = models.FloatField(_("coming due a day"), default=0)
    drain = models.FloatField(_("ended a day"), default=0)
    empty_in = models.DurationField(_("time to empty"), null=True)
    trouble = models.CharField(_("trouble"), max_length=64, blank=True)

    class Meta:
        verbose_name = _("standing of a rule")
        verbose_name_plural = _("standings of rules")
        ordering: ClassVar = ["rule__slug"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.rule.slug

    def overdue(self, now: datetime) -> timedelta:
        """How long the oldest row has been there beyond its end."""
        return max(now - self.oldest_end, timedelta(0)) if self.oldest_end is not None else timedelta(0)

    def is_late(self, now: datetime) -> bool:
        return self.overdue(now) > LATE
