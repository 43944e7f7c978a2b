"""The registry: which cookies and stored keys exist, who sets them, what for, how long. Everything else is refused.

What could go wrong: a category's bit is given to another category, and old choices suddenly mean something else (so a
bit is unique and cannot be edited); a pattern of "*" allows everything (so it needs two characters before the star).

Texts are English in their own column and pass through gettext when shown, so the texts that ship are translated with
the program; a text that staff write gets its other languages in `translations`.
"""

import re
from collections.abc import Collection
from typing import Any, ClassVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language, gettext, gettext_lazy as _, ngettext

from crasme.kit.calendar import PATTERN, Period, PeriodError
from crasme.kit.ids import uuid7

# Cookies also live for hours or minutes, which are no calendar periods.
CLOCK = r"^PT([0-9]{1,4})([HM])$"
# The consent cookie holds one bit a category, as hexadecimal digits; 16 is far more than people can be asked.
MOST_CATEGORIES = 16


def validate_translations(value: Any) -> None:
    """{"de": {"title": "…"}}: language → field → text."""
    if not isinstance(value, dict) or not all(
        isinstance(texts, dict) and all(isinstance(text, str) for text in texts.values()) for texts in value.values()
    ):
        raise ValidationError(_('Write translations as {"de": {"title": "…", "purpose": "…"}}.'), code="translations")


def validate_lifetime(value: str) -> None:
    if value in Cookie.Lifetime.values or re.fullmatch(CLOCK, value):
        return
    try:
        Period.parse(value)
    except PeriodError as error:
        raise ValidationError(
            _('%(problem)s Or write PT2H (2 hours), PT30M (30 minutes), "session" or "persistent".'),
            code=error.code,
            params={"problem": str(error)},
        ) from None


class Translated(models.Model):
    """Texts in English, with other languages beside them."""

    translations = models.JSONField(
        _("translations"),
        default=dict,
        blank=True,
        validators=[validate_translations],
        help_text=_('Only for texts written here: {"de": {"title": "…"}}. The texts that ship are translated already.'),
    )

    class Meta:
        abstract = True

    # Which field a broken constraint is said at.
    said_at: ClassVar[dict[str, str]] = {}

    def validate_constraints(self, exclude: Collection[str] | None = None) -> None:
        """As Django does, each message at the field where it can be mended instead of above the form."""
        found: dict[str, list[ValidationError]] = {}
        for model, constraints in self.get_constraints():
            for constraint in constraints:
                try:
                    constraint.validate(model, self, exclude=set(exclude or ()))
                except ValidationError as error:
                    field = self.said_at.get(constraint.name, NON_FIELD_ERRORS)
                    shown = field if field not in (exclude or ()) else NON_FIELD_ERRORS
                    found.setdefault(shown, []).append(error)
        if found:
            raise ValidationError(found)

    def text(self, field: str, language: str | None = None) -> str:
        """The field in a language (the active one by default): staff's translation, else gettext's, else English."""
        english = str(getattr(self, field))
        own = self.translations.get(language or get_language() or "en", {}).get(field)
        # gettext("") answers with the catalogue's header.
        return own or (gettext(english) if english else "")


class Category(Translated):
    """What a visitor says yes or no to."""

    said_at: ClassVar = {
        "consent_category_one_essential": "essential",
        "consent_category_essential_stays_on": "off_under_gpc",
        "consent_category_bit_fits": "bit",
    }

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(_("slug"), max_length=32, unique=True)
    bit = models.PositiveSmallIntegerField(
        _("bit"), unique=True, help_text=_("Its place in the consent cookie; never changed and never used again.")
    )
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    essential = models.BooleanField(_("essential"), default=False, help_text=_("Needs no consent and cannot be off."))
    off_under_gpc = models.BooleanField(
        _("off under Global Privacy Control"), default=False, help_text=_("A standing “no” sent by the browser.")
    )
    title = models.CharField(_("title"), max_length=80)
    purpose = models.TextField(_("purpose"), help_text=_("What visitors read before they choose."))

    class Meta:
        verbose_name = _("cookie category")
        verbose_name_plural = _("cookie categories")
        ordering: ClassVar = ["position", "slug"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["essential"],
                condition=Q(essential=True),
                name="consent_category_one_essential",
                violation_error_message=_("There is one essential category already."),
            ),
            models.CheckConstraint(
                condition=~Q(essential=True, off_under_gpc=True),
                name="consent_category_essential_stays_on",
                violation_error_message=_("The essential category cannot be switched off by a signal."),
            ),
            models.CheckConstraint(
                condition=Q(bit__lt=MOST_CATEGORIES),
                name="consent_category_bit_fits",
                violation_error_message=_("The bit must be between 0 and 15."),
            ),
        ]

    def __str__(self) -> str:
        return self.slug


class Service(Translated):
    """Who sets a cookie: this site itself, or a recipient named in the list of recipients."""

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(_("slug"), max_length=48, unique=True)
    name = models.CharField(_("name"), max_length=80)
    provider = models.CharField(_("provider"), max_length=120, help_text=_("The company that runs it."))
    controller = models.CharField(
        _("controller"),
        max_length=120,
        blank=True,
        help_text=_("Who decides what the data is used for, when that is not this site's own controller."),
    )
    recipient = models.SlugField(
        _("recipient"),
        max_length=64,
        blank=True,
        help_text=_("Slug of the recipient who gets the data; empty when it stays with the controller."),
    )
    policy_url = models.URLField(_("privacy policy"), blank=True, help_text=_("Of the provider, when it is another."))

    class Meta:
        verbose_name = _("service")
        verbose_name_plural = _("services")
        ordering: ClassVar = ["slug"]

    def __str__(self) -> str:
        return self.slug


class Cookie(Translated):
    """A cookie or a stored key that this site may use. A name may end in * and then stands for all that begin so.

    Source: Directive 2002/58/EC Art. 5(3) asks consent for all but what is strictly necessary for a service that the
    visitor explicitly requested: the essential category as a whole, and single cookies marked `on_request`.
    """

    said_at: ClassVar = {
        "consent_cookie_declared_once": "name",
        "consent_cookie_name_fits": "name",
        "consent_cookie_lifetime_fits": "lifetime",
        "consent_cookie_request_is_short": "on_request",
        "consent_cookie_storage_is_readable": "http_only",
    }

    class Kind(models.TextChoices):
        COOKIE = "cookie", _("cookie")
        LOCAL = "local", _("local storage")
        SESSION = "session", _("session storage")

    class Party(models.TextChoices):
        FIRST = "first", _("this site")
        THIRD = "third", _("another company")

    class Lifetime(models.TextChoices):
        """The lifetimes that are no period."""

        SESSION = "session", _("until you close the browser")
        PERSISTENT = "persistent", _("until you delete it")

    id = models.UUIDField(_("id"), primary_key=True, default=uuid7, editable=False)
    name = models.CharField(_("name"), max_length=120, help_text=_("Exact, or a beginning followed by *."))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices, default=Kind.COOKIE)
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="cookies", verbose_name=_("service"))
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="cookies", verbose_name=_("category"))
    domain = models.CharField(
        _("domain"), max_length=253, blank=True, help_text=_("Empty: only the host that sets it.")
    )
    path = models.CharField(_("path"), max_length=120, default="/")
    lifetime = models.CharField(
        _("lifetime"),
        max_length=24,
        validators=[validate_lifetime],
        help_text=_('"session", "persistent", a period such as P6M, or hours such as PT2H.'),
    )
    purpose = models.TextField(_("purpose"))
    party = models.CharField(_("set by"), max_length=5, choices=Party.choices, default=Party.FIRST)
    http_only = models.BooleanField(_("hidden from scripts"), default=False)
    on_request = models.BooleanField(
        _("only on request"),
        default=False,
        help_text=_(
            "Set only when the visitor asks for just that, as by picking a language; it needs no consent then."
        ),
    )

    unseen = models.CharField(
        _("why a crawl does not see it"),
        max_length=200,
        blank=True,
        help_text=_("For staff. Without a reason the crawl reports a cookie that no page sets."),
    )

    class Meta:
        verbose_name = _("cookie")
        verbose_name_plural = _("cookies")
        permissions: ClassVar = [
            ("import_cookie", _("Can import cookies")),
            ("export_cookie", _("Can export cookies")),
        ]
        ordering: ClassVar = ["category__position", "name"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["name", "kind", "domain", "path"],
                name="consent_cookie_declared_once",
                violation_error_message=_("This cookie is declared already."),
            ),
            models.CheckConstraint(
                condition=Q(name__regex=r"^[^\s;,=\"*]+$") | Q(name__regex=r"^[^\s;,=\"*]{2,}\*$"),
                name="consent_cookie_name_fits",
                violation_error_message=_("A name has no spaces; a * may only stand at the end, after two characters."),
            ),
            models.CheckConstraint(
                condition=Q(lifetime__in=["session", "persistent"])
                | Q(lifetime__regex=PATTERN)
                | Q(lifetime__regex=CLOCK),
                name="consent_cookie_lifetime_fits",
                violation_error_message=_('The lifetime is "session", "persistent", P6M or PT2H.'),
            ),
            models.CheckConstraint(
                condition=Q(on_request=False) | ~Q(kind="cookie") | Q(lifetime="session"),
                name="consent_cookie_request_is_short",
                violation_error_message=_("A cookie set on request without consent ends with the browser session."),
            ),
            models.CheckConstraint(
                condition=Q(kind="cookie") | Q(http_only=False),
                name="consent_cookie_storage_is_readable",
                violation_error_message=_("Only cookies can be hidden from scripts."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def lifetime_words(self) -> str:
        """In the active language: "6 months", "2 hours", "until you close the browser"."""
        if self.lifetime in self.Lifetime.values:
            return str(self.Lifetime(self.lifetime).label)
        if found := re.fullmatch(CLOCK, self.lifetime):
            count = int(found[1])
            if found[2] == "H":
                return ngettext("%(count)d hour", "%(count)d hours", count) % {"count": count}
            return ngettext("%(count)d minute", "%(count)d minutes", count) % {"count": count}
        return Period.parse(self.lifetime).words()
