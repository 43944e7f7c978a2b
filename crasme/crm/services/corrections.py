"""Correcting what is stored about a person (P5.2): the one way in which support may change it.

What could go wrong: a correction overwrites what somebody else just changed, or cannot be proved later. So the row is
read under lock, only what differs is written, and the evidence names the fields (never the values). Or what
hangs on the former address is lost with it, an opt-out above all: FOLLOW_ADDRESS names who takes that along.
"""

from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import Model
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from crasme.crm import verbs
from crasme.crm.errors import WrongState
from crasme.crm.models import Account, BillingProfile
from crasme.kit.crypto import subject_ref
from crasme.ledger.services import record

CORRECTABLE: Final[dict[type[Model], tuple[str, ...]]] = {
    Account: (
        "organisation",
        "email",
        "full_name",
        "phone",
        "business_address",
        "job_title",
        "role",
        "language",
        "time_zone",
    ),
    BillingProfile: ("billing_name", "billing_email", "billing_address", "tax_number"),
}


def open_to_staff(account: Account) -> bool:
    """Whether support may change it of its own accord. A restricted record is stored and nothing else: what its person
    wants corrected is corrected by their request.
    """
    return account.status != Account.Status.ERASED and account.restricted_at is None


@transaction.atomic
def correct[M: (Account, BillingProfile)](row: M, *, actor: str, now: datetime, **changes: Any) -> M:
    """Write what differs of `changes`; the caller's instance shows the result. Nothing different: nothing recorded.

    Raises WrongState for an erased account, ValidationError for values that do not fit, TypeError for fields that are
    not corrected but set by a service of their own.
    """
    if unknown := sorted(set(changes) - set(CORRECTABLE[type(row)])):
        raise TypeError(f"Not to be corrected: {', '.join(unknown)}.")
    account = Account.objects.locked(row.pk if isinstance(row, Account) else row.account_id)
    if account.status == Account.Status.ERASED:
        raise WrongState(_("This account has been erased; nothing of its person is left to correct."))
    held = account if isinstance(row, Account) else type(row)._default_manager.select_for_update().get(pk=row.pk)
    before = {name: getattr(held, name) for name in changes}
    for name, value in changes.items():
        setattr(held, name, value)
    if isinstance(held, BillingProfile):
        held.updated_at = now
    held.full_clean()
    if changed := sorted(name for name, value in before.items() if getattr(held, name) != value):
        held.save()
        record(
            verbs.CORRECTED,
            actor=actor,
            subject=subject_ref("account", account.pk),
            table=held._meta.label_lower,
            fields=changed,
        )
        if isinstance(held, Account) and before.get("email", held.email) != held.email:
            for follower in settings.FOLLOW_ADDRESS:
                import_string(follower)(before["email"], held.email, actor=actor, now=now)
    for field in held._meta.concrete_fields:
        setattr(row, field.attname, getattr(held, field.attname))
    return row
