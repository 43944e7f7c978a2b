"""Pictures of published notices, as a browser drew them. Whoever drives the browser hands them in here."""

import hashlib
from datetime import datetime

from consent import notices
from consent.errors import ConsentError, UnknownNotice
from consent.inserts import insert_once
from consent.models import NoticePicture

LARGEST = 2 * 2**20
_PNG = b"\x89PNG\r\n\x1a\n"


class NoPicture(ConsentError):
    code = "no-picture"


def keep(sha256: str, png: bytes, *, view: str, now: datetime) -> bool:
    """Keep a picture of the notice `sha256` in a view such as "360-dark"; False when there is one, which stays.

    UnknownNotice for a hash that nobody published, NoPicture for what is no PNG or too large.
    """
    if notices.version_of(sha256) is None:
        raise UnknownNotice("No notice of this hash was published.")
    if not png.startswith(_PNG) or len(png) > LARGEST:
        raise NoPicture("This is no PNG of at most 2 MB.", remedy="Take the picture of the banner alone.")
    digest = hashlib.sha256(png).hexdigest()
    return insert_once(NoticePicture(notice=sha256, view=view, png=png, sha256=digest, taken_at=now))


def of_notice(sha256: str) -> list[NoticePicture]:
    return list(NoticePicture.objects.filter(notice=sha256).order_by("view"))
