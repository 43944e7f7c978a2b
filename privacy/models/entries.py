"""Which key entered a request, and under which of the caller's own ids: what makes a call repeatable, and private."""

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.ids import uuid7


class ApiEntry(models.Model):
    """A request that came by the API. The first of a call carries the digests by which a repetition is known."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    request = models.OneToOneField(
        "privacy.Request", on_delete=models.CASCADE, related_name="entry", verbose_name=_("request")
    )
    key = models.ForeignKey(
        "staff.ApiKey", on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("API key")
    )
    external_id = models.CharField(_("the caller's own id"), max_length=80, null=True, blank=True)
    # Keyed hashes, of key and idempotency key, and of what was asked: callers put people's addresses into either.
    call_digest = models.CharField(_("digest of the call's key"), max_length=64, null=True, unique=True, editable=False)
    body_digest = models.CharField(_("digest of the call"), max_length=64, null=True, editable=False)
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("API entry")
        verbose_name_plural = _("API entries")
        ordering: ClassVar = ["-created_at", "-id"]
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(call_digest=None, body_digest=None)
                | Q(call_digest__isnull=False, body_digest__isnull=False),
                name="privacy_apientry_both_digests",
                violation_error_message=_("A call is known by its key and by what it asked, or by neither."),
            ),
        ]

    def __str__(self) -> str:
        return f"entry {self.pk.hex[-8:]}"
