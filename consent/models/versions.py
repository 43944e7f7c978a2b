"""Versions of the registry: what was declared from one publication to the next, and when a browser last checked it.

What could go wrong: the rows are edited and nobody can say what a visitor of last spring agreed to. So the rows are a
draft, and each publication freezes them whole; the database refuses to change or delete a version.
"""

from typing import Any, ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from crasme.kit.canonical import digest
from crasme.kit.ids import uuid7


class RegistryVersionQuerySet(models.QuerySet["RegistryVersion"]):
    def newest(self) -> "RegistryVersion | None":
        return self.order_by("-number").first()


class RegistryVersion(models.Model):
    """`content` is {"categories": […], "services": […], "cookies": […]}; see `consent.drafting` for the columns.

    `changes` says how it differs from the version before and what each difference was taken for.
    """

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    number = models.PositiveIntegerField(_("version"), unique=True)
    sha256 = models.CharField(_("SHA-256"), max_length=64, db_index=True, help_text=_("Of the canonical content."))
    content = models.JSONField(_("content"))
    changes = models.JSONField(_("changes"), default=list)
    asks_again = models.JSONField(_("asks again about"), default=list)
    published_at = models.DateTimeField(_("published at"))
    published_by = models.CharField(_("published by"), max_length=80)

    objects = RegistryVersionQuerySet.as_manager()

    class Meta:
        verbose_name = _("registry version")
        verbose_name_plural = _("registry versions")
        ordering: ClassVar = ["-number"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return str(self.number)

    @property
    def intact(self) -> bool:
        return content_digest(self.content) == self.sha256


class RegistryCheck(models.Model):
    """A crawl compared the site with a version of the registry, both ways. The newest stamps the public table."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    sha256 = models.CharField(_("registry version"), max_length=64, db_index=True)
    checked_at = models.DateTimeField(_("checked at"))
    revision = models.CharField(_("program version"), max_length=64, blank=True)
    differences = models.PositiveIntegerField(_("differences"), default=0)
    report = models.JSONField(_("report"), default=dict, help_text=_("Site, routes, states, what was seen and found."))

    class Meta:
        verbose_name = _("registry check")
        verbose_name_plural = _("registry checks")
        ordering: ClassVar = ["-checked_at"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.sha256[:12]


def content_digest(content: dict[str, Any]) -> str:
    """SHA-256 in hex over canonical JSON: equal contents, equal digests, whoever typed them."""
    return digest(content)
