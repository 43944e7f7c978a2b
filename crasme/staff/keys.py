"""Signing in with a machine's key, and what the key allows.

    Authorization: Bearer ck_1a2b3c4d.<secret>

What could go wrong: a key that leaks from a log (it travels in a header only, and only its digest is stored), one
that is guessed byte by byte (the comparison takes the same time for every wrong one), or a view that forgot to say
what it needs (it is closed).
"""

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from crasme.kit.crypto import token_digest
from crasme.staff.models import ApiKey

if TYPE_CHECKING:
    from rest_framework.views import APIView  # it reads the settings, which name this very module

_NOBODY: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Machine:
    """`request.user` of a call with a key: it stands for a system, never for a member of staff."""

    ref: str
    pk: str
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False
    is_staff: bool = False
    is_superuser: bool = False

    def has_perm(self, _permission: str, _obj: Any = None) -> bool:
        return False


class ApiKeyAuthentication(BaseAuthentication):
    """`request.auth` is the ApiKey, `request.user` its Machine. Every failure gives the same answer."""

    keyword = "Bearer"

    def authenticate(self, request: Request) -> tuple[Machine, ApiKey] | None:
        scheme, _separator, credentials = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != self.keyword.lower():
            return None
        key = find(credentials.strip(), now=timezone.now())
        if key is None:
            raise AuthenticationFailed(_("The key is unknown, expired or revoked."))
        return Machine(ref=key.ref, pk=str(key.pk)), key

    def authenticate_header(self, request: Request) -> str:
        return self.keyword


def find(credentials: str, *, now: datetime) -> ApiKey | None:
    """The usable key behind `<prefix>.<secret>`, its day of use noted; None for everything else."""
    prefix, _separator, secret = credentials.partition(".")
    key = ApiKey.objects.filter(prefix=prefix[:12].replace("\0", "")).first()
    fits = hmac.compare_digest(key.digest if key else _NOBODY, token_digest(secret))
    if key is None or not fits or not key.usable(now):
        return None
    if key.last_used_on != (today := now.date()):
        # Once a day: a write on every call would cost more than the call.
        ApiKey.objects.filter(pk=key.pk).update(last_used_on=today)
        key.last_used_on = today
    return key


class HasScope(BasePermission):
    """The view says what each method needs: `required_scopes = {"POST": "events:write"}`. Silence means closed."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        needed = getattr(view, "required_scopes", {}).get(request.method)
        return isinstance(request.auth, ApiKey) and needed is not None and needed in request.auth.scopes
