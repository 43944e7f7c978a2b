"""The life of an account: open, closed, opened again, restricted. Erasing is retention's work.

What could go wrong: two people act on one account at once, or an account changes while its events are coming in. So
each service takes the row with a lock (`Account.objects.locked`), decides on what is stored now and not on what a
page showed, and records what it did in the same transaction.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from crasme.crm import verbs
from crasme.crm.errors import GraceOver, WrongState
from crasme.crm.models import Account
from crasme.kit import locks, outside
from crasme.kit.crypto import subject_ref
from crasme.ledger.services import record


@transaction.atomic
def close(account: Account, *, actor: str, now: datetime) -> Account:
    """The subscription is over; the days in which the account can be opened again begin. WrongState unless active."""
    held = _locked(account)
    if held.status != Account.Status.ACTIVE:
        raise WrongState(_("Only an active account can be closed."))
    held.status, held.closed_at = Account.Status.CLOSED, now
    return _saved(held, account, verbs.ACCOUNT_CLOSED, actor)


@transaction.atomic
def reactivate(account: Account, *, until: datetime, actor: str, now: datetime) -> Account:
    """Open a closed account again, at the latest at `until` (aware; `periods.reactivable_until` knows it).

    WrongState when it is not closed (an erased one cannot come back), GraceOver when it is too late.
    """
    held = _locked(account)
    if held.status == Account.Status.ERASED:
        raise WrongState(_("An erased account cannot be opened again: its data is gone."))
    if held.status != Account.Status.CLOSED:
        raise WrongState(_("Only a closed account can be opened again."))
    if now > until:
        raise GraceOver(_("The days in which this account could be opened again are over."))
    held.status, held.closed_at = Account.Status.ACTIVE, None
    return _saved(held, account, verbs.ACCOUNT_REACTIVATED, actor)


@transaction.atomic
def restrict(account: Account, *, actor: str, now: datetime, by_request: bool = False, reason: str = "") -> Account:
    """From now on the account's data is stored and nothing else. Restricting twice changes and records nothing.

    `by_request`: the person asked for it by a privacy request, so it is lifted by that one alone. `reason` is a code,
    and goes into the ledger. Waits for purges that
    have looked and not deleted yet. Source: GDPR Art. 18(2).
    """
    locks.exclusive(locks.UNTOUCHABLE)
    held = _locked(account)
    _refuse_erased(held)
    if held.restricted_at is not None and held.restricted_by_request >= by_request:
        return _shown(held, account)
    held.restricted_at, held.restricted_by_request = held.restricted_at or now, by_request
    outside.note("restrict", now=now, account=str(held.pk), by=actor, by_request=by_request)
    return _saved(held, account, verbs.ACCOUNT_RESTRICTED, actor, **({"reason": reason} if reason else {}))


@transaction.atomic
def unrestrict(account: Account, *, actor: str, now: datetime, by_request: bool = False) -> Account:
    """Lift a restriction; the person must have been told before. Lifting twice changes and records nothing.

    WrongState for one that the person asked for, unless `by_request`. Source: GDPR Art. 18(3).
    """
    held = _locked(account)
    _refuse_erased(held)
    if held.restricted_at is None:
        return _shown(held, account)
    if held.restricted_by_request and not by_request:
        raise WrongState(
            _("The person asked for this restriction."),
            remedy=_("Lift it on the page of that request: there the person is told first."),
        )
    held.restricted_at, held.restricted_by_request = None, False
    outside.note("unrestrict", now=now, account=str(held.pk))
    return _saved(held, account, verbs.ACCOUNT_UNRESTRICTED, actor)


@transaction.atomic
def stop_analysis(account: Account, *, actor: str, now: datetime) -> Account:
    """The person objects: no usage is recorded any more, and none is analysed. Twice changes and records nothing.

    Source: GDPR Art. 21(1).
    """
    held = _locked(account)
    _refuse_erased(held)
    if held.analytics_objected_at is not None:
        return _shown(held, account)
    held.analytics_objected_at = now
    outside.note("object", now=now, account=str(held.pk))
    return _saved(held, account, verbs.ANALYSIS_STOPPED, actor)


@transaction.atomic
def resume_analysis(account: Account, *, actor: str, now: datetime) -> Account:
    """The person has taken the objection back. Twice changes and records nothing."""
    held = _locked(account)
    _refuse_erased(held)
    if held.analytics_objected_at is None:
        return _shown(held, account)
    held.analytics_objected_at = None
    outside.note("unobject", now=now, account=str(held.pk))
    return _saved(held, account, verbs.ANALYSIS_RESUMED, actor)


def _locked(account: Account) -> Account:
    return Account.objects.locked(account.pk)


def _refuse_erased(held: Account) -> None:
    if held.status == Account.Status.ERASED:
        raise WrongState(_("This account has been erased; nothing of its person is left to act on."))


def _saved(held: Account, shown: Account, verb: str, actor: str, **facts: str) -> Account:
    held.save()
    record(verb, actor=actor, subject=subject_ref("account", held.pk), **facts)
    return _shown(held, shown)


def _shown(held: Account, shown: Account) -> Account:
    """The caller's own instance says what is stored now."""
    for field in held._meta.concrete_fields:
        setattr(shown, field.attname, getattr(held, field.attname))
    return shown
