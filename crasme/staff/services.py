"""What is done to staff users and to the keys of machines; each act leaves its entry in the ledger."""

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from allauth.mfa.models import Authenticator
from django.db import transaction

from crasme.kit.crypto import new_token, token_digest
from crasme.ledger.services import record
from crasme.staff import verbs
from crasme.staff.errors import KeyExpired, UnknownScope
from crasme.staff.models import ApiKey, User

PREFIX: Final = "ck_"


@transaction.atomic
def issue_key(
    *, name: str, scopes: Iterable[str], expires_at: datetime, created_by: User, actor: str, now: datetime
) -> tuple[ApiKey, str]:
    """A new key and its full text `<prefix>.<secret>`, which exists nowhere else: show it once.

    Raises UnknownScope and KeyExpired.
    """
    wanted = sorted(set(scopes))
    if not wanted or (unknown := set(wanted) - set(ApiKey.Scope.values)):
        named = ", ".join(sorted(unknown)) if wanted else "none was given"
        raise UnknownScope(f"A key needs scopes that exist ({named}).")
    if expires_at <= now:
        raise KeyExpired("The key would have expired before it was made.")
    secret = new_token()
    key = ApiKey.objects.create(
        name=name,
        prefix=PREFIX + secrets.token_hex(4),
        digest=token_digest(secret),
        scopes=wanted,
        created_by=created_by,
        created_at=now,
        expires_at=expires_at,
    )
    record(verbs.API_KEY_MADE.name, actor=actor, key=key.pk, scopes=wanted, expires_at=expires_at)
    return key, f"{key.prefix}.{secret}"


@transaction.atomic
def revoke_key(key: ApiKey, *, actor: str, now: datetime) -> bool:
    """The key opens nothing from now on. False when it was revoked already."""
    if not ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now):
        return False
    key.revoked_at = now
    record(verbs.API_KEY_REVOKED.name, actor=actor, key=key.pk)
    return True


def powers(user: User) -> list[str]:
    """What a user may be, as slugs: roles, and "superuser", "staff" or "inactive" where they apply."""
    marks = {"superuser": user.is_superuser, "staff": user.is_staff, "inactive": not user.is_active}
    roles = [name.lower().replace(" ", "-") for name in user.groups.order_by("name").values_list("name", flat=True)]
    return roles + [mark for mark, applies in marks.items() if applies]


def record_powers(user: User, *, before: list[str], actor: str) -> None:
    """Call it in the transaction that changed roles; nothing is written when they are what they were."""
    if (after := powers(user)) != before:
        record(verbs.ROLES_CHANGED.name, actor=actor, user=user.pk, roles=after)


@transaction.atomic
def reset_second_factor(user: User, *, actor: str) -> int:
    """For somebody who lost their phone or key: they set up a new one at the next sign-in. Returns how many went."""
    gone: int = Authenticator.objects.filter(user=user).delete()[0]
    if gone:
        record(verbs.SECOND_FACTOR_RESET.name, actor=actor, user=user.pk)
    return gone
