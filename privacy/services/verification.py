"""Proving a mailbox, by a link or by a code to type.

What could go wrong: a scanner follows the link and confirms for its owner (looking changes nothing; only a button
does), a link is used twice by somebody who found it (single use, a day at most), codes are tried one after the other
(five wrong ones spend all of a request's codes, and the counter survives the failure), a stolen table opens doors
(digests only).
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _

from crasme.kit.crypto import keyed_hash, new_token, token_digest
from crasme.kit.statements import Fetch, insert
from privacy.errors import LinkSpent
from privacy.models import Request, Verification
from privacy.models.verification import MAX_ATTEMPTS

LIFETIME = timedelta(hours=24)
Purpose = Verification.Purpose
COUNT = f"""
UPDATE {Verification._meta.db_table} AS tried SET attempts = attempts + 1
FROM {Request._meta.db_table} AS request
WHERE request.id = tried.request_id AND request.reference = %s
    AND tried.used_at IS NULL AND tried.expires_at > %s AND tried.attempts < %s AND tried.purpose <> 'release'
RETURNING tried.id, tried.code_digest
"""  # noqa: S608
_UNUSED = Fetch(
    lambda: Verification.objects.filter(used_at=None).exclude(purpose=Purpose.RELEASE).select_related("request"),
    "token_digest",
)


@dataclass(frozen=True, slots=True)
class Issued:
    """The secrets of one verification; they exist nowhere else."""

    token: str = field(repr=False)
    code: str = field(repr=False)


def issue(request: Request, *, now: datetime, to_representative: bool = False) -> Issued:
    """A fresh link and code. They confirm a request that waits for it, and open the page of any other; those of a
    representative open nothing but the way to the copy, and there is no place to type their code.
    """
    token, code = new_token(), f"{secrets.randbelow(10**8):08d}"
    verification = Verification(
        request=request,
        purpose=Purpose.RELEASE if to_representative else Purpose.STATUS if request.confirmed_at else Purpose.CONFIRM,
        token_digest=token_digest(token),
        created_at=now,
        expires_at=now + LIFETIME,
    )
    verification.code_digest = _code_digest(verification.pk, code)
    insert(verification)
    return Issued(token, f"{code[:4]} {code[4:]}")


def look(token: str, *, now: datetime) -> Verification:
    """The verification behind a link, unchanged. LinkSpent when it is unknown, used or over."""
    verification = _UNUSED.one(token_digest(token))
    if verification is None or verification.expires_at <= now:
        raise _spent()
    return verification


def spend_release(token: str, *, now: datetime) -> Request:
    """Use up a representative's link; the request that it is about. LinkSpent for every other link."""
    own = Verification.objects.usable(now).filter(token_digest=token_digest(token), purpose=Purpose.RELEASE)
    found = own.select_related("request").first()
    if found is None:
        raise _spent()
    return spend(found, now=now)


def known_release(token: str, *, now: datetime) -> bool:
    """Whether this is a representative's link that could be used now."""
    own = Verification.objects.usable(now).filter(token_digest=token_digest(token), purpose=Purpose.RELEASE)
    return own.exists()


def known(token: str, *, now: datetime) -> Verification | None:
    """The verification behind a link that has not run out, used or not; None for any other."""
    alive = Verification.objects.filter(token_digest=token_digest(token), expires_at__gt=now)
    alive = alive.exclude(purpose=Purpose.RELEASE)
    return alive.select_related("request__duplicate_of").first()


def match(reference: str, typed: str, *, now: datetime) -> Verification:
    """The verification that a reference and a typed code fit; LinkSpent when they do not, whatever is wrong.

    Call it outside a transaction, so that a wrong try stays counted.
    """
    code = "".join(character for character in typed if character.isdigit())
    # Counted before it is compared: of many tries at once, no more than the allowed ones get to compare. One statement,
    # so that a reference that does not exist takes as long as one that does.
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [reference, now, MAX_ATTEMPTS])
        tried = cursor.fetchall()
    for pk, digest in tried:
        if compare_digest(digest, _code_digest(pk, code)):
            return Verification.objects.select_related("request").get(pk=pk)
    raise _spent()


def spend(found: Verification, *, now: datetime) -> Request:
    """Use it up, in the transaction of what it proves; of any number of callers exactly one succeeds.

    LinkSpent for the others.
    """
    if not Verification.objects.usable(now).filter(pk=found.pk).update(used_at=now):
        raise _spent()
    return found.request


def _code_digest(pk: UUID, code: str) -> str:
    # Eight digits could be tried out against a plain digest.
    return keyed_hash("privacy.code", f"{pk}:{code}")


def _spent() -> LinkSpent:
    return LinkSpent(_("This link or code has been used, has run out, or does not exist."))
