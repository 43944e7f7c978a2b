"""Letters in the company's own words: a row is one version of a text, for a letter, a kind of request and a language.

What could go wrong: a text is changed after people have been written to in it, or two are in force at once. So staff
write drafts; a draft that comes into force gets a number and is never changed again (the database refuses it), and what
went stays as a row: who wrote it, who put it in force, from when until when. Where no row is in force, the text that
ships is sent (privacy.correspondence).
"""

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from crasme.kit.canonical import digest
from crasme.kit.cards import CardFree, CardFreeQuerySet
from crasme.kit.ids import uuid7
from privacy.models.requests import Request


class LetterQuerySet(CardFreeQuerySet):
    def active(self) -> Self:
        return self.filter(state=Letter.State.ACTIVE)

    def drafts(self) -> Self:
        return self.filter(state=Letter.State.DRAFT)

    def same_place(self, template: str, kind: str, language: str) -> Self:
        """Every version of one text, newest first, the draft before all."""
        found = self.filter(template=template, kind=kind, language=language)
        return found.order_by(models.F("version").desc(nulls_first=True))

    def used_for(self, template: str, kind: str, language: str) -> "Letter | None":
        """What is sent: the text for this kind of request, or else the one for every kind."""
        found = self.active().filter(template=template, kind__in=(kind, ""), language=language)
        return found.order_by("-kind").first()


class Letter(CardFree):
    class State(models.TextChoices):
        DRAFT = "draft", _("draft")
        ACTIVE = "active", _("in force")
        RETIRED = "retired", _("retired")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    template = models.CharField(_("letter"), max_length=40)
    kind = models.CharField(_("kind of request"), max_length=12, choices=Request.Kind.choices, blank=True)
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES)
    subject = models.CharField(_("subject"), max_length=150)
    body = models.TextField(_("text"), max_length=10_000)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.DRAFT)
    version = models.PositiveSmallIntegerField(
        _("version"), null=True, blank=True, help_text=_("A draft gets its number when it comes into force.")
    )
    # By reference, as in the ledger: the row outlives the colleague.
    edited_by = models.CharField(_("written by"), max_length=80)
    edited_at = models.DateTimeField(_("written at"))
    activated_by = models.CharField(_("put in force by"), max_length=80, blank=True)
    activated_at = models.DateTimeField(_("in force from"), null=True, blank=True)
    retired_by = models.CharField(_("retired by"), max_length=80, blank=True)
    retired_at = models.DateTimeField(_("retired at"), null=True, blank=True)

    objects: ClassVar[Any] = LetterQuerySet.as_manager()

    class Meta:
        verbose_name = _("letter")
        verbose_name_plural = _("letters")
        ordering: ClassVar = ["template", "kind", "language", "-version"]
        default_permissions = ("view",)
        permissions: ClassVar = [
            ("draft_letter", "Can write drafts of letters"),
            ("publish_letter", "Can put letters in force and take them back"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["template", "kind", "language"],
                condition=Q(state="active"),
                name="privacy_letter_one_in_force",
                violation_error_message=_("Another text of this letter is in force."),
            ),
            models.UniqueConstraint(
                fields=["template", "kind", "language"],
                condition=Q(state="draft"),
                name="privacy_letter_one_draft",
                violation_error_message=_("This text has a draft already."),
            ),
            models.UniqueConstraint(
                fields=["template", "kind", "language", "version"],
                name="privacy_letter_version_once",
                violation_error_message=_("This version exists already."),
            ),
            models.CheckConstraint(
                condition=Q(state="draft", version=None, activated_at=None, activated_by="")
                | (~Q(state="draft") & Q(version__gte=1, activated_at__isnull=False) & ~Q(activated_by="")),
                name="privacy_letter_numbered_iff_activated",
                violation_error_message=_("A text has a number and a date exactly when somebody put it in force."),
            ),
            models.CheckConstraint(
                condition=(Q(state="retired", retired_at__isnull=False) & ~Q(retired_by=""))
                | (~Q(state="retired") & Q(retired_at=None, retired_by="")),
                name="privacy_letter_retired_iff_dated",
                violation_error_message=_("A text has an end exactly when it is retired."),
            ),
            models.CheckConstraint(
                condition=~Q(subject__contains="\n") & ~Q(subject="") & ~Q(body=""),
                name="privacy_letter_says_something",
                violation_error_message=_("A letter has a subject of one line and a text."),
            ),
        ]

    def __str__(self) -> str:
        place = " ".join(part for part in (self.template, self.kind, self.language) if part)
        return f"{place} {self.version}" if self.version else f"{place} (draft)"

    @property
    def sha256(self) -> str:
        """Over what people read: two rows with equal texts have equal digests."""
        return digest({"subject": self.subject, "body": self.body})


def guard_sql(table: str) -> str:
    """Statements after which the database keeps the text of every version that was ever in force."""
    return f"""
    CREATE OR REPLACE FUNCTION {table}_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'A letter that was in force is never changed; write the next version.'
            USING ERRCODE = 'check_violation', CONSTRAINT = '{table}_stays';
    END $$;
    CREATE TRIGGER {table}_text_stays BEFORE UPDATE ON {table} FOR EACH ROW
        WHEN (OLD.state <> 'draft' AND (OLD.template, OLD.kind, OLD.language, OLD.subject, OLD.body, OLD.version)
            IS DISTINCT FROM (NEW.template, NEW.kind, NEW.language, NEW.subject, NEW.body, NEW.version))
        EXECUTE FUNCTION {table}_stays();
    CREATE TRIGGER {table}_row_stays BEFORE DELETE ON {table} FOR EACH ROW
        WHEN (OLD.state <> 'draft') EXECUTE FUNCTION {table}_stays();
    """
