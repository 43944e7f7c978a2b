"""What this database knows of the erasure ledger, which lies outside: the same lines, and its position in them."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class ErasureEntry(models.Model):
    """One line of the ledger, word for word: what a lost file is made from again."""

    number = models.BigIntegerField(_("number"), primary_key=True)
    act = models.CharField(_("act"), max_length=12)
    at = models.DateTimeField(_("at"))
    line = models.TextField(_("line"))
    digest = models.CharField(_("digest"), max_length=64)

    class Meta:
        verbose_name = _("erasure ledger entry")
        verbose_name_plural = _("erasure ledger entries")
        ordering: ClassVar = ["-number"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.act} {self.number}"


class ErasureHead(models.Model):
    """The position: number and digest of the last entry whose act is in this database. One row, and its lock."""

    id = models.PositiveSmallIntegerField(_("id"), primary_key=True, default=1, editable=False)
    number = models.BigIntegerField(_("number"), default=0)
    digest = models.CharField(_("digest"), max_length=64, blank=True)
    home = models.CharField(
        _("home"), max_length=60, blank=True, help_text=_("The database that writes to the ledger.")
    )

    class Meta:
        verbose_name = _("position in the erasure ledger")
        verbose_name_plural = _("position in the erasure ledger")
        default_permissions = ()
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="retention_erasurehead_one")]

    def __str__(self) -> str:
        return str(self.number)


class ErasureParked(models.Model):
    """An entry that could not be carried out again. The gate stays shut until it can, or until an operator answers for
    going on without it; it is tried again either way, and the row stays as proof."""

    number = models.BigIntegerField(_("number"), primary_key=True)
    act = models.CharField(_("act"), max_length=12)
    line = models.TextField(_("line"))
    error = models.CharField(_("error"), max_length=64)
    parked_at = models.DateTimeField(_("parked at"))
    accepted_at = models.DateTimeField(_("accepted at"), null=True, blank=True)
    accepted_by = models.CharField(_("accepted by"), max_length=80, blank=True)
    reason = models.CharField(_("reason"), max_length=400, blank=True)
    done_at = models.DateTimeField(_("carried out at"), null=True, blank=True)

    class Meta:
        verbose_name = _("parked erasure")
        verbose_name_plural = _("parked erasures")
        ordering: ClassVar = ["number"]
        default_permissions = ()
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(accepted_at=None) | (~models.Q(accepted_by="") & ~models.Q(reason="")),
                name="retention_erasureparked_answered_for",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.act} {self.number}"


class ErasureWaiting(models.Model):
    """An act that is committed and goes to the ledger in the next moment: nobody waits for the ledger to have it."""

    id = models.UUIDField(_("id"), primary_key=True, editable=False)
    act = models.CharField(_("act"), max_length=12)
    at = models.DateTimeField(_("at"))
    content = models.JSONField(_("content"))

    class Meta:
        verbose_name = _("act on its way to the erasure ledger")
        verbose_name_plural = _("acts on their way to the erasure ledger")
        ordering: ClassVar = ["id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.act} {self.pk}"
