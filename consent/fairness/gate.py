"""Keeping what was measured, and answering for a publication.

What could go wrong: a notice slips past (`notices.publish` asks here, whoever calls it; only what ships with the
program is exempt, which its own tests measure), or a later failure is forgotten (of two measurements of one look the
newest counts).
"""

from base64 import b64decode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from consent.errors import Unfair
from consent.fairness import subjects
from consent.fairness.measure import Measured, measure
from consent.inserts import insert_once
from consent.models import Notice, NoticeMeasurement, NoticePicture
from consent.scanning.chromium import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one language of a draft stands; `measurement` is None while no browser has looked at it, and `failed` the
    newest try that came to nothing, if there was none that did come to something after it.
    """

    language: str
    look: str
    measurement: NoticeMeasurement | None
    failed: NoticeMeasurement | None = None

    @property
    def fair(self) -> bool:
        return self.measurement is not None and self.measurement.passed


def standing(contents: Iterable[dict[str, Any]]) -> list[Standing]:
    """By language. One query."""
    looks = {content["language"]: subjects.look_of(content) for content in contents}
    rows = NoticeMeasurement.objects.filter(look__in=looks.values()).order_by("measured_at").defer("pictures")
    tried = {(row.look, row.language): row for row in rows}
    newest = {(row.look, row.language): row for row in rows if not row.failure}
    found = []
    for language, look in looks.items():
        last = tried.get((look, language))
        failed = last if last is not None and last.failure else None
        found.append(Standing(language, look, newest.get((look, language)), failed))
    return found


def require(made: Sequence[Notice]) -> None:
    """Raise Unfair unless a browser has measured exactly these notices and found nothing; keep its pictures."""
    stand = standing(notice.content for notice in made)
    if unmeasured := [each.language for each in stand if each.measurement is None]:
        raise Unfair(
            _("No browser has measured this notice yet (%(languages)s).") % {"languages": ", ".join(unmeasured)},
            code="unmeasured",
            remedy=_("Run `manage.py cookies fairness`, then publish again."),
        )
    if unfair := [each.measurement for each in stand if each.measurement and not each.measurement.passed]:
        raise Unfair(
            _("The notice leads people towards an answer: %(findings)s") % {"findings": in_words(unfair)},
            remedy=_("Mend it and measure it again with `manage.py cookies fairness`."),
        )
    for each, notice in zip(stand, made, strict=True):
        if each.measurement is not None:
            _keep_pictures(each.measurement, notice)


def in_words(rows: Iterable[NoticeMeasurement], most: int = 5) -> str:
    """The first findings, each with its element, what was measured, and the remedy."""
    found = [
        f"{row.language} {each['view']}: {each['element']}, {each['rule']} {each['measured']}. {each['remedy']}"
        for row in rows
        for each in row.findings
    ]
    return " · ".join(found[:most]) + (f" (+{len(found) - most})" if len(found) > most else "")


def look_at(
    contents: Sequence[dict[str, Any]], *, now: datetime, browser: "Browser | None" = None
) -> list[NoticeMeasurement]:
    """Measure contents as they would be shown and keep the result. NoBrowser on a machine without one."""
    pages = subjects.of(contents)
    done = _measured(pages, browser)
    rows = [
        NoticeMeasurement(
            look=each.subject.look,
            language=each.subject.language,
            passed=each.passed,
            findings=each.findings,
            figures=each.figures,
            pictures=each.pictures,
            measured_at=now,
        )
        for each in done
    ]
    return NoticeMeasurement.objects.bulk_create(rows)


def note_failure(contents: Iterable[dict[str, Any]], error: str, *, now: datetime) -> None:
    """A worker was asked to measure these and could not, for the reason that `error` says, with its remedy."""
    looks = {content["language"]: subjects.look_of(content) for content in contents}
    with transaction.atomic():
        NoticeMeasurement.objects.filter(look__in=looks.values()).exclude(failure="").delete()
        NoticeMeasurement.objects.bulk_create(
            NoticeMeasurement(look=look, language=language, passed=False, failure=error[:500], measured_at=now)
            for language, look in looks.items()
        )


def _measured(pages: Sequence[subjects.Subject], browser: "Browser | None") -> list[Measured]:
    if browser is not None:
        return measure(browser, pages)
    with chromium() as own:
        return measure(own, pages)


def _keep_pictures(measurement: NoticeMeasurement, notice: Notice) -> None:
    for view, png in measurement.pictures.items():
        picture = b64decode(png)
        insert_once(
            NoticePicture(
                notice=notice.sha256,
                view=view,
                png=picture,
                sha256=sha256(picture).hexdigest(),
                taken_at=measurement.measured_at,
            )
        )
