"""Disconnecting a service: everything that came from it goes (P7.1).

What could go wrong: a synchronisation that is running writes a message after the others were deleted. It must lock the
integration for its writes, as `disconnect` does; then it finds it gone. A legal hold, or a restriction of processing,
keeps the messages, never the tokens: nothing more is fetched, and `finish` removes the rest when that is over.
"""

from datetime import datetime

from django.db import transaction

from crasme.crm import verbs
from crasme.crm.models import Account, Integration, SyncedMessage
from crasme.kit.crypto import subject_ref
from crasme.ledger.services import record


@transaction.atomic
def disconnect(integration: Integration, *, actor: str, now: datetime) -> int:
    """Remove tokens, cursor and every synchronised message; how many messages went. Twice is as good as once.

    While a legal hold lies on the account, or its processing is restricted, the messages stay and 0 is returned.
    """
    account = Account.objects.locked(integration.account_id)
    held = Integration.objects.select_for_update().filter(pk=integration.pk).first()
    if held is None:
        return 0
    if not _is_kept(account):
        return _remove(held, actor=actor)
    if held.disconnected_at is None:
        held.access_token = held.refresh_token = held.sync_cursor = ""
        held.disconnected_at = now
        held.save()
        _record(held, actor=actor, messages=0, kept=held.messages.count())
    return 0


def finish(*, actor: str) -> int:
    """Remove what holds and restrictions that are over had kept; how many services. Each in its own transaction."""
    done = 0
    for pk, account in list(Integration.objects.removable().values_list("pk", "account_id")):
        with transaction.atomic():
            if _is_kept(Account.objects.locked(account)):
                continue
            if (held := Integration.objects.select_for_update().filter(pk=pk).first()) is not None:
                _remove(held, actor=actor)
                done += 1
    return done


def _is_kept(account: Account) -> bool:
    return account.on_hold or account.restricted_at is not None


def _remove(held: Integration, *, actor: str) -> int:
    messages, _by_model = SyncedMessage.objects.filter(integration=held).delete()
    _record(held, actor=actor, messages=messages, kept=0)
    held.delete()
    return messages


def _record(held: Integration, *, actor: str, messages: int, kept: int) -> None:
    record(
        verbs.INTEGRATION_DISCONNECTED,
        actor=actor,
        subject=subject_ref("account", held.account_id),
        provider=held.provider,
        messages=messages,
        kept=kept,
    )
