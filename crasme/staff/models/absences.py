"""When somebody is away, and who stands in for them meanwhile. Why is nobody's business here."""

from datetime import date
from typing import ClassVar, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7


class AbsenceQuerySet(models.QuerySet["Absence"]):
    def on(self, day: date) -> Self:
        """Those that hold on this day of the controller's calendar."""
        return self.filter(first_day__lte=day, last_day__gte=day)


class Absence(models.Model):
    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="absences", verbose_name=_("who is away")
    )
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"), help_text=_("It is still part of the absence."))
    substitute = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        verbose_name=_("substitute"),
        help_text=_("Gets their open work on the first day, and what would be given to them meanwhile."),
    )
    gives_back = models.BooleanField(
        _("gives back"),
        default=True,
        help_text=_("On the day after the last one, what is still open goes back; otherwise the substitute keeps it."),
    )

    objects = AbsenceQuerySet.as_manager()

    class Meta:
        verbose_name = _("absence")
        verbose_name_plural = _("absences")
        ordering: ClassVar = ["-first_day", "id"]
        permissions: ClassVar = [("manage_absence", "Can enter absences of others")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(last_day__gte=F("first_day")),
                name="staff_absence_in_order",
                violation_error_message=_("The last day comes after the first, or is the same."),
            ),
            models.CheckConstraint(
                condition=~Q(substitute=F("user")) | Q(substitute=None),
                name="staff_absence_by_another",
                violation_error_message=_("Nobody stands in for themselves."),
            ),
        ]

    def __str__(self) -> str:
        return f"absence {self.pk.hex[-8:]}"

    def clean(self) -> None:
        """Two absences of one person at once would have two substitutes."""
        if not (self.user_id and self.first_day and self.last_day):
            return  # their own fields say what is missing
        others = Absence.objects.filter(user=self.user_id).exclude(pk=self.pk)
        if others.filter(first_day__lte=self.last_day, last_day__gte=self.first_day).exists():
            raise ValidationError({"first_day": _("There is an absence on some of these days already.")})
