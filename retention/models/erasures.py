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

    class Meta:
        verbose_name = _("position in the erasure ledger")
        verbose_name_plural = _("position in the erasure ledger")
        default_permissions = ()
        constraints: ClassVar = [models.CheckConstraint(condition=models.Q(id=1), name="retention_erasurehead_one")]

    def __str__(self) -> str:
        return str(self.number)
