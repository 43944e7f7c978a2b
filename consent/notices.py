"""Composing, publishing and finding notices.

What could go wrong: the banner shows one text and the record names another. So the banner is rendered from a published
notice's content and from nothing else, and a choice is accepted only with the hash of a notice that was published.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import translation

from consent import changes, drafting, look, registry, seeds, verbs
from consent.changes import Change
from consent.errors import ConsentError, UnknownCategory
from consent.fairness import gate, subjects
from consent.models import Category, Notice, RegistryVersion
from consent.models.notices import content_digest
from consent.models.versions import content_digest as registry_digest
from consent.remembered import Remembered
from crasme.ledger.services import record

SCHEMA = 1


@dataclass(frozen=True, slots=True)
class Shown:
    """The notices to show now: language → content with its "sha256" beside. `since` is when the first was published."""

    version: int
    notices: dict[str, dict[str, Any]]
    since: datetime | None

    def in_language(self, language: str | None) -> dict[str, Any]:
        """The notice in this language ("de-at" finds "de"), else in the site's own, else in any."""
        wanted = (language or "", (language or "").split("-")[0], settings.LANGUAGE_CODE)
        for each in wanted:
            if each in self.notices:
                return self.notices[each]
        if not self.notices:
            raise ConsentError("No cookie notice is published.", remedy="Run `manage.py migrate`, which publishes one.")
        return next(iter(self.notices.values()))


def shown() -> Shown:
    return _held.get()


def current(language: str | None = None) -> dict[str, Any]:
    """Content of the notice to show now, in `language` or the active one. ConsentError when none was published."""
    return _held.get().in_language(language or translation.get_language())


def forget() -> None:
    """The next reader in this process sees what is published now."""
    _held.forget()
    _version.cache_clear()


@lru_cache(maxsize=256)
def _version(sha256: str) -> int:
    version = Notice.objects.filter(sha256=sha256).values_list("version", flat=True).first()
    if version is None:
        raise LookupError(sha256)  # not remembered: it may be published a moment later
    return version


def version_of(sha256: str) -> int | None:
    """The version that a notice of this hash belongs to; old ones count, for pages that were open meanwhile."""
    try:
        return _version(sha256)
    except LookupError:
        return None


def pending() -> list[Change]:
    """How the draft of the registry differs from the version in force, the gravest first."""
    newest = RegistryVersion.objects.newest()
    return changes.between(newest.content if newest else drafting.EMPTY, drafting.content())


def draft() -> list[dict[str, Any]]:
    """The next notice in every language as it would look: contents without a version, for who looks at them before."""
    made = []
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            made.append(compose(code, version=0, registry_version="", asked={}))
    return made


def is_news() -> bool:
    """Whether a publication would change anything: the registry, or a word or a shape of what visitors see."""
    if pending():
        return True
    for notice in Notice.objects.filter(version=shown().version):
        with translation.override(notice.language):
            if notice.css != look.sheet() or notice.html != look.markup(notice.content):
                return True  # the program draws it in another way than when it was published
    seen = {language: subjects.look_of(content) for language, content in shown().notices.items()}
    return seen != {content["language"]: subjects.look_of(content) for content in draft()}


def publish(
    *,
    actor: str,
    now: datetime,
    asks_again: Iterable[str] = (),
    same_meaning: Collection[str] = (),
    shipped: bool = False,
) -> list[Notice]:
    """Publish the draft of the registry and the wording as they are now as the next version, in every language.

    Everybody is asked anew about the categories that the changes touch (`consent.changes`) and those that `asks_again`
    adds; about the others former choices stay good. `same_meaning` holds the keys of reworded purposes that `actor`
    vouches for. UnknownCategory names a wrong category. Unfair is raised, and nothing published, unless a browser has
    measured this very look and found it fair; what is `shipped` with the program is measured by its tests instead.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('consent publication', 0))")
        optional = list(Category.objects.filter(essential=False).order_by("position").values_list("slug", flat=True))
        if unknown := sorted(set(asks_again) - set(optional)):
            raise UnknownCategory(f"There is no category {', '.join(unknown)} that visitors could be asked about.")
        differences = pending()
        wanted = {*asks_again, *changes.asked_by(differences, same_meaning=same_meaning)}
        anew = [slug for slug in optional if slug in wanted]
        version = Notice.objects.latest_version() + 1
        asked = _asked_since() | dict.fromkeys(anew, version)
        stamp = _freeze(differences, anew, same_meaning, actor=actor, now=now)
        made = [
            _notice(code, version=version, registry_version=stamp, asked=asked, anew=anew, now=now)
            for code, _name in settings.LANGUAGES
        ]
        Notice.objects.bulk_create(made)
        if not shipped:
            gate.require(made)
        record(
            verbs.NOTICE_PUBLISHED.name,
            actor=actor,
            version=version,
            notices={notice.language: notice.sha256 for notice in made},
            registry=stamp,
            asks_again=anew,
        )
        transaction.on_commit(forget)
        registry.forget_after_commit()
    return made


def looks_different() -> bool:
    """Whether this program draws the published notice differently from the one that published it."""
    newest = Notice.objects.order_by("-version", "language").first()
    if newest is None:
        return False
    with translation.override(newest.language):
        now = {"html": look.digest_of(look.markup(newest.content)), "css": look.digest_of(look.sheet())}
    return bool(newest.content.get("look") != now)


def _freeze(
    differences: list[Change], anew: list[str], same_meaning: Collection[str], *, actor: str, now: datetime
) -> str:
    """Make the draft a version, unless it is what the newest version says already; the digest of what is in force."""
    content = drafting.content()
    stamp = registry_digest(content)
    newest = RegistryVersion.objects.newest()
    if newest is not None and newest.sha256 == stamp:
        return stamp
    frozen = RegistryVersion.objects.create(
        number=newest.number + 1 if newest else 1,
        sha256=stamp,
        content=content,
        changes=[each.plain() | {"same_meaning": each.open and each.key in same_meaning} for each in differences],
        asks_again=anew,
        published_at=now,
        published_by=actor,
    )
    record(
        verbs.REGISTRY_PUBLISHED.name,
        actor=actor,
        version=frozen.number,
        registry=stamp,
        asks_again=anew,
        changes=len(differences),
        vouched=sum(each["same_meaning"] for each in frozen.changes),
    )
    return stamp


def _asked_since() -> dict[str, int]:
    asked: dict[str, int] = {}
    for number, slugs in Notice.objects.order_by("version").values_list("version", "asks_again"):
        asked |= dict.fromkeys(slugs, number)
    return asked


def _notice(
    language: str, *, version: int, registry_version: str, asked: dict[str, int], anew: list[str], now: datetime
) -> Notice:
    with translation.override(language):
        content = compose(language, version=version, registry_version=registry_version, asked=asked)
        html, css = look.markup(content), look.sheet()
    content["look"] = {"html": look.digest_of(html), "css": look.digest_of(css)}
    return Notice(
        version=version,
        language=language,
        sha256=content_digest(content),
        content=content,
        registry=registry_version,
        asks_again=anew,
        published_at=now,
        html=html,
        css=css,
    )


def compose(language: str, *, version: int, registry_version: str, asked: dict[str, int]) -> dict[str, Any]:
    """A notice's whole content in the active language; plain JSON, complete enough to show the banner again."""
    texts = {name: translation.gettext(text) for name, text in seeds.NOTICE.items() if isinstance(text, str)}
    return {
        "schema": SCHEMA,
        "version": version,
        "language": language,
        "direction": "rtl" if translation.get_language_bidi() else "ltr",
        "texts": texts,
        "buttons": [
            {"action": button["action"], "label": translation.gettext(button["label"])}
            for button in seeds.NOTICE["buttons"]
        ],
        "registry": registry_version,
        "categories": [_category(category, asked) for category in _categories()],
    }


def _categories() -> Iterable[Category]:
    return Category.objects.prefetch_related("cookies__service")


def _category(category: Category, asked: dict[str, int]) -> dict[str, Any]:
    return {
        "slug": category.slug,
        "bit": category.bit,
        "essential": category.essential,
        "off_under_gpc": category.off_under_gpc,
        "asked": asked.get(category.slug, 0),
        "title": category.text("title"),
        "purpose": category.text("purpose"),
        "cookies": [
            {
                "name": cookie.name,
                "kind": cookie.kind,
                "lifetime": cookie.lifetime,
                "on_request": cookie.on_request,
                "party": cookie.party,
                "purpose": cookie.text("purpose"),
                "service": cookie.service.text("name"),
                "provider": cookie.service.provider,
                "recipient": cookie.service.recipient,
            }
            for cookie in category.cookies.all()
        ],
    }


def _load() -> Shown:
    version = Notice.objects.latest_version()
    rows = Notice.objects.filter(version=version).values_list("language", "content", "sha256")
    since = Notice.objects.order_by("version").values_list("published_at", flat=True).first()
    return Shown(version, {language: content | {"sha256": sha256} for language, content, sha256 in rows}, since)


_held = Remembered(_load, fallback=lambda: Shown(0, {}, None))
