"""Signing in once more before an act that cannot be undone.

What could go wrong: an unattended screen approves an erasure. So such acts ask for the password or second factor
again when the last time was longer ago than ACCOUNT_REAUTHENTICATION_TIMEOUT seconds.
"""

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.core.exceptions import ReauthenticationRequired
from django.conf import settings
from django.http import HttpRequest, HttpResponse


def confirmed_recently(request: HttpRequest) -> bool:
    """Whether this session gave its password or second factor a short while ago, signing in included."""
    given = [record["at"] for record in get_authentication_records(request, request.user)]
    return bool(given) and time.time() - max(given) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def require_recent(request: HttpRequest) -> None:
    """Call it first in an admin action; the middleware then leads through the confirmation and back again."""
    if not confirmed_recently(request):
        raise ReauthenticationRequired


def step_up(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorator for views and admin methods (`self` or not): it takes the first HttpRequest among the arguments."""

    @wraps(view)
    def confirmed(*args: Any, **kwargs: Any) -> HttpResponse:
        require_recent(next(argument for argument in args if isinstance(argument, HttpRequest)))
        return view(*args, **kwargs)

    return confirmed
