"""One place where a text can stand, a letter for a kind of request and a language, with all that is there."""

from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from crasme.staff import actors
from privacy.admin.mails import direction
from privacy.correspondence import preview, shipped
from privacy.correspondence.catalogue import Entry, entry_of
from privacy.correspondence.render import Rendered
from privacy.errors import NoSuchLetter
from privacy.models import Letter, Request


@dataclass(frozen=True, slots=True)
class Link:
    title: str | Promise
    address: str
    here: bool


@dataclass
class Place:
    entry: Entry
    kind: str
    language: str

    @property
    def address(self) -> str:
        return address(self.entry.name, self.kind, self.language)

    @property
    def title(self) -> str:
        return f"{self.entry.title} · {self.kind_name} · {dict(settings.LANGUAGES)[self.language]}"

    @property
    def kind_name(self) -> str | Promise:
        return Request.Kind(self.kind).label if self.kind else _("every kind")

    @property
    def direction(self) -> str:
        return direction(self.language)

    @cached_property
    def versions(self) -> list[Letter]:
        return list(Letter.objects.same_place(self.entry.name, self.kind, self.language))

    @property
    def draft(self) -> Letter | None:
        return next((letter for letter in self.versions if letter.state == Letter.State.DRAFT), None)

    @property
    def active(self) -> Letter | None:
        return next((letter for letter in self.versions if letter.state == Letter.State.ACTIVE), None)

    @cached_property
    def shipped(self) -> tuple[str, str]:
        """Subject and body to start from."""
        return shipped.to_start_from(self.entry, self.kind, self.language)

    @cached_property
    def shipped_mail(self) -> Rendered:
        return preview.of_shipped(self.entry, self.kind, self.language)

    @property
    def start(self) -> tuple[str, str]:
        """What an editor begins with: the draft, else what is in force, else what ships."""
        letter = self.draft or self.active
        return (letter.subject, letter.body) if letter else self.shipped

    @cached_property
    def names(self) -> dict[str, str]:
        refs = {ref for each in self.versions for ref in (each.edited_by, each.activated_by, each.retired_by) if ref}
        return actors.names(refs)

    @property
    def history(self) -> list[tuple[Letter, str, str, str]]:
        """(version, written by, put in force by, retired by), newest first."""
        shown = {"": "", **self.names}
        return [
            (each, shown[each.edited_by], shown[each.activated_by], shown[each.retired_by]) for each in self.versions
        ]

    @property
    def languages(self) -> list[Link]:
        return [
            Link(name, address(self.entry.name, self.kind, code), code == self.language)
            for code, name in settings.LANGUAGES
        ]

    @property
    def kinds(self) -> list[Link]:
        fitting = [(kind, label) for kind, label in Request.Kind.choices if self.entry.fits(kind)]
        return [
            Link(label, address(self.entry.name, kind, self.language), kind == self.kind)
            for kind, label in [("", _("Every kind")), *fitting]
        ]


def find(template: str, kind: str, language: str) -> Place:
    """LookupError for a letter, kind or language that there is not."""
    try:
        entry = entry_of(template)
    except NoSuchLetter:
        raise LookupError(template) from None
    if language not in dict(settings.LANGUAGES) or (kind and kind not in Request.Kind.values) or not entry.fits(kind):
        raise LookupError(template)
    return Place(entry, kind, language)


def address(template: str, kind: str, language: str) -> str:
    path = reverse("admin:privacy_letter_place", args=[template, language])
    return f"{path}?{urlencode({'kind': kind})}" if kind else path
