"""Notices: what visitors were shown before they chose, kept word for word so that it can be shown again.

What could go wrong: the wording is edited and an old choice now seems to have been made about the new text. So a
notice is never edited (the database refuses it); another version is published, and each choice names its notice by
the hash of the whole content.
"""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from crasme.kit.canonical import digest
from crasme.kit.ids import uuid7


class NoticeQuerySet(models.QuerySet["Notice"]):
    def latest_version(self) -> int:
        """0 when nothing was ever published."""
        return self.aggregate(latest=models.Max("version"))["latest"] or 0


class Notice(models.Model):
    """One language of one version. `asks_again` names the categories about which this version asks everybody anew."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    version = models.PositiveIntegerField(_("version"))
    language = models.CharField(_("language"), max_length=8)
    sha256 = models.CharField(_("SHA-256"), max_length=64, unique=True, help_text=_("Of the canonical content."))
    content = models.JSONField(_("content"), help_text=_("Texts, buttons in their order, categories, services."))
    registry = models.CharField(_("registry version"), max_length=64, help_text=_("SHA-256 of the cookie registry."))
    asks_again = models.JSONField(_("asks again about"), default=list)
    published_at = models.DateTimeField(_("published at"))
    html = models.TextField(_("banner as rendered"), blank=True, help_text=_("Its digest is part of the content."))
    css = models.TextField(_("style sheet"), blank=True, help_text=_("Its digest is part of the content."))

    objects = NoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("cookie notice")
        verbose_name_plural = _("cookie notices")
        ordering: ClassVar = ["-version", "language"]
        default_permissions = ("add", "view")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["version", "language"],
                name="consent_notice_version_once",
                violation_error_message=_("This version exists in this language already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.version} ({self.language})"


def content_digest(content: dict[str, Any]) -> str:
    """SHA-256 in hex over canonical JSON: sorted keys, no spaces, UTF-8. Lists keep their order: it was on screen."""
    return digest(content)


class NoticePicture(models.Model):
    """What a browser drew of a notice when it was published: kept beside it, never exchanged."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    notice = models.CharField(_("notice"), max_length=64, db_index=True, help_text=_("SHA-256 of the notice."))
    view = models.SlugField(_("view"), max_length=40, help_text=_("Width and scheme, such as 360-dark."))
    png = models.BinaryField(_("picture"))
    sha256 = models.CharField(_("SHA-256"), max_length=64)
    taken_at = models.DateTimeField(_("taken at"))

    class Meta:
        verbose_name = _("picture of a notice")
        verbose_name_plural = _("pictures of notices")
        ordering: ClassVar = ["-taken_at"]
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["notice", "view"], name="consent_noticepicture_once"),
        ]

    def __str__(self) -> str:
        return f"{self.notice[:12]} {self.view}"


class NoticeDay(models.Model):
    """A day's figures of one notice version: counts, and nothing about who. Days are UTC."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    version = models.PositiveIntegerField(_("version"))
    day = models.DateField(_("day"))
    shown = models.PositiveIntegerField(_("shown"), default=0, help_text=_("First pages of visits that had to ask."))
    accepted = models.PositiveIntegerField(_("accepted all"), default=0)
    refused = models.PositiveIntegerField(_("refused all"), default=0, help_text=_("Closed counts as refused."))
    chosen = models.PositiveIntegerField(_("chose by category"), default=0)
    withdrawn = models.PositiveIntegerField(_("withdrew"), default=0)

    class Meta:
        verbose_name = _("answers of a day")
        verbose_name_plural = _("answers by day")
        ordering: ClassVar = ["-day", "-version"]
        default_permissions = ("view",)
        constraints: ClassVar = [models.UniqueConstraint(fields=["version", "day"], name="consent_noticeday_once")]

    def __str__(self) -> str:
        return f"{self.version} {self.day}"

    @property
    def decided(self) -> int:
        return self.accepted + self.refused + self.chosen

    @property
    def ignored(self) -> int:
        """How many saw it and did not answer on that day; an answer may come a day later, so never below nothing."""
        return max(0, self.shown - self.decided)
