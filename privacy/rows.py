"""A request's row by its key, its steps and its account, the way everything that works on requests takes them."""

from typing import Any

from crasme.crm.models import Account
from crasme.kit.statements import Fetch
from privacy.models import Request, Step

_SEEN = Fetch(lambda: Request.objects.select_related("person"), "pk")
_LOCKED = Fetch(lambda: Request.objects.select_for_update(of=("self",)).select_related("person"), "pk")
_STEPS = Fetch(Step.objects.all, "request", "round")
_ACCOUNT = Fetch(Account._base_manager.order_by, "pk")


def seen(pk: Any) -> Request:
    """As it is now, with its person; without a lock. Request.DoesNotExist."""
    return _found(_SEEN.one(pk))


def locked(pk: Any) -> Request:
    """As it is now, with its person; ours until the transaction ends. Request.DoesNotExist."""
    return _found(_LOCKED.one(pk))


def steps(request: Request) -> list[Step]:
    """Those of its current round, in the order in which they were made."""
    return _STEPS(request.pk, request.round)


def account(request: Request) -> Account | None:
    """The one that was found for it; from now on the instance carries it, as after Django's own question."""
    if request.account_id is not None and not Request.account.is_cached(request):
        request.account = account_now(request.account_id)
    return request.account


def account_now(pk: Any) -> Account | None:
    """As it is now."""
    return _ACCOUNT.one(pk)


def _found(request: Request | None) -> Request:
    if request is None:
        raise Request.DoesNotExist
    return request
