"""Copies of people's data: registering, handing out, destroying.

What could go wrong: a copy that outlives its time because a file could not be deleted (the key goes first, and without
it the file is noise), a download that nobody counted, one that broke off and counts as if the person had their copy
(fetched is what was handed out to its end), a period typed here instead of read from the schedule.
"""

from base64 import b64decode
from collections.abc import Iterator
from datetime import datetime
from typing import BinaryIO

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from crasme.kit import calendar, outside
from crasme.kit.crypto import subject_ref
from crasme.kit.statements import Fetch, insert
from crasme.ledger.services import record
from crasme.staff.actors import person as by_person, system
from privacy import verbs
from privacy.errors import PackageGone, PrivacyError
from privacy.models import Package, Person, Request
from privacy.packages import crypt, files
from privacy.packages.build import Built
from retention.models import Rule

RULE = "packages"
EXPIRED = "expired"
_RULE = Fetch(Rule.objects.active, "slug")
_OF_REQUEST = Fetch(lambda: Package.objects.filter(deleted_at=None).order_by("-made_at"), "request")
_OF_PERSON = Fetch(lambda: Package.objects.filter(deleted_at=None).select_related("request"), "request__person")


def register(request: Request, built: Built, *, now: datetime) -> Package:
    """Give a built file its row; from now on it can be fetched, and will be destroyed."""
    package = Package(
        request=request,
        file_name=built.file_name,
        sha256=built.sha256,
        size=built.size,
        rows=built.rows,
        key=built.key,
        made_at=now,
        expires_at=available_until(now),
    )
    insert(package)
    record(
        verbs.PACKAGED.name,
        actor=system("worker"),
        subject=request.ref,
        package=package.pk,
        sha256=package.sha256,
        size=package.size,
        rows=sum(built.rows.values()),
    )
    return package


def available_until(now: datetime) -> datetime:
    """By the schedule's rule for packages; a schedule without one stops here instead of keeping copies for ever."""
    rule = _RULE.one(RULE)
    if rule is None or rule.effective_from > now:
        raise PrivacyError(_("The schedule has no rule for copies."), code="no-package-rule")
    return calendar.add(now, rule.length)


def newest(request: Request, *, now: datetime) -> Package | None:
    """The last copy made for it, while it can be fetched."""
    return next((package for package in _OF_REQUEST(request.pk) if package.expires_at > now), None)


def contents(package: Package) -> Iterator[bytes]:
    """The plain zip, piece by piece. PackageGone, or PackageBroken in the middle when the file was tampered with."""
    return _pieces(_open(package), b64decode(package.key or ""))


def fetch(package: Package, *, now: datetime, actor: str = "") -> Iterator[bytes]:
    """Count and record a download, by the person unless another `actor` is named, then hand out the zip, which is
    fetched when its last piece was taken. PackageGone when it is over.
    """
    file = _open(package)
    with transaction.atomic():
        if not Package.objects.available(now).filter(pk=package.pk).update(downloads=F("downloads") + 1):
            file.close()
            raise _gone()
        package.refresh_from_db(fields=["downloads"])
        record(
            verbs.DOWNLOADED.name,
            actor=actor or by_person(subject_ref("person", package.request.person_id)),
            subject=package.request.ref,
            package=package.pk,
            downloads=package.downloads,
        )
    return _to_the_end(_pieces(file, b64decode(package.key or "")), package, now)


def destroy(package: Package, *, why: str, now: datetime) -> bool:
    """The key first, for that is what counts; then the file. `why` is a slug. False when it was destroyed before."""
    with transaction.atomic():
        if not Package.objects.filter(pk=package.pk, deleted_at=None).update(deleted_at=now, key=None):
            return False
        record(
            verbs.PACKAGE_DESTROYED.name,
            actor=system("privacy"),
            subject=package.request.ref,
            package=package.pk,
            why=why,
        )
        if why != EXPIRED:  # its own date ends it in a restored database as well
            outside.note("destroy", now=now, package=str(package.pk))
        # After the commit: a file deleted for a row that then stays would be a copy that cannot be fetched.
        transaction.on_commit(lambda: files.remove(package.file_name))
    return True


def destroy_of(person: Person, *, why: str, now: datetime, but: Request | None = None) -> int:
    """Every copy of this person that is still there, except those that `but` itself made."""
    return sum(destroy(package, why=why, now=now) for package in _OF_PERSON(person.pk) if package.request != but)


def expire(now: datetime) -> int:
    """Destroy what is over, and files that no row knows of: left by a crash, or by a deletion that failed."""
    over = Package.objects.expired(now).select_related("request")
    destroyed = sum(destroy(package, why=EXPIRED, now=now) for package in over)
    old = set(files.abandoned(now))
    for name in old.difference(
        Package.objects.filter(file_name__in=old, deleted_at=None).values_list("file_name", flat=True)
    ):
        files.remove(name)
    return destroyed


def _open(package: Package) -> BinaryIO:
    if package.key is None or package.deleted_at is not None:
        raise _gone()
    try:
        return files.path_of(package.file_name).open("rb")
    except FileNotFoundError:
        raise _gone() from None


def _pieces(file: BinaryIO, key: bytes) -> Iterator[bytes]:
    with file:
        yield from crypt.opened(file, key)


def _to_the_end(pieces: Iterator[bytes], package: Package, now: datetime) -> Iterator[bytes]:
    yield from pieces
    Package.objects.filter(pk=package.pk, fetched_at=None).update(fetched_at=now)


def _gone() -> PackageGone:
    return PackageGone(_("This copy is no longer available. It was destroyed when its time was over."))
