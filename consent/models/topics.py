"""What marketing is about, by which channels it comes, and what allows each: rows, so that a topic needs no release.

What could go wrong: a topic goes out by a channel for which nobody gave a reason (a channel without a basis is closed),
or a topic that was given up is used for something else later, with the old permissions (a slug is never changed, a
topic is switched off and never deleted).
Source: Directive 2002/58/EC Art. 13(1) consent, 13(2) existing customers' mail; GDPR Art. 6(1)(f) post.
"""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from consent.models.registry import Translated
from crasme.kit.ids import uuid7


class Channel(models.TextChoices):
    EMAIL = "email", _("e-mail")
    SMS = "sms", _("text message")
    PHONE = "phone", _("telephone")
    POST = "post", _("post")


class Basis(models.TextChoices):
    CONSENT = "consent", _("consent")
    CUSTOMER = "soft-opt-in", _("customer, until they object")
    INTEREST = "interest", _("legitimate interest, until they object")


def _basis(label: Any) -> models.CharField:
    return models.CharField(label, max_length=12, choices=Basis.choices, blank=True)


class Topic(Translated):
    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(_("slug"), max_length=32, unique=True, help_text=_("Never changed: opt-outs name it."))
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    active = models.BooleanField(_("in use"), default=True)
    title = models.CharField(_("title"), max_length=80)
    purpose = models.TextField(_("purpose"), help_text=_("What people read before they choose."))
    email = _basis(_("by e-mail, because of"))
    sms = _basis(_("by text message, because of"))
    phone = _basis(_("by telephone, because of"))
    post = _basis(_("by post, because of"))

    class Meta:
        verbose_name = _("marketing topic")
        verbose_name_plural = _("marketing topics")
        ordering: ClassVar = ["position", "slug"]
        default_permissions = ("add", "change", "view")
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(email="", sms="", phone="", post=""),
                name="consent_topic_some_channel",
                violation_error_message=_("Say for at least one channel what allows it."),
            ),
            # Nobody may be rung up, or sent text messages for advertising, because they are a customer's colleague.
            models.CheckConstraint(
                condition=Q(phone__in=("", Basis.CONSENT)),
                name="consent_topic_calls_need_consent",
                violation_error_message=_("Calls need consent."),
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def scope(self) -> str:
        return f"marketing.{self.slug}"

    def basis(self, channel: str) -> str:
        """What allows this topic by this channel; "" when it is not sent there."""
        return str(getattr(self, channel))
