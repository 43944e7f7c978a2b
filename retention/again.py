"""What each act of the erasure ledger means in a restored database.

What could go wrong: rows of others (keys are never used twice, and the steps are those of every erasure), or an act of
another room that nobody here knows how to do again (settings.REPLAYED names who does; an unknown one stops the replay).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from crasme.crm.models import Account
from crasme.crm.services import accounts as crm_accounts
from crasme.kit.datamap import Subject
from retention import erasure, erasureplan, holds
from retention.engine import accounts
from retention.errors import ReplayImpossible
from retention.models import Hold
from retention.obstacles import Scopes
from retention.outside import content, soon
from retention.outside.lines import Entry
from retention.outside.writing import ADOPT


@dataclass(frozen=True, slots=True)
class Done:
    """Rows by table, rows that holds keep, and whether anything of it was in this database."""

    counts: dict[str, int] = field(default_factory=dict)
    held: int = 0
    found: bool = True


def keeps(act: str) -> bool:
    """Whether later acts may only be done after this one: it keeps what they would end, or nobody knows what it is."""
    return act == "hold" or not (act in ("release", "erasure", "expiry", ADOPT) or act in settings.REPLAYED)


def carry_out(entry: Entry, actor: str) -> Done:
    """In the caller's transaction, which has the lock of holds. ReplayImpossible for an act that nobody here knows."""
    with soon.nothing_new():
        return _carry_out(entry, actor)


def _carry_out(entry: Entry, actor: str) -> Done:
    when = datetime.fromisoformat(entry.content["at"])
    match entry.act:
        case "hold":
            return Done(found=holds.place_again(entry.content, actor=actor))
        case "release":
            return _released(entry.content["hold"], actor, when)
        case "expiry":
            return _expired(content.parsed(entry.content["subject"]), entry.content["rule"], when)
        case "erasure":
            return _erased(entry, actor, when)
        case act if act == ADOPT:
            return Done()
    if entry.act not in settings.REPLAYED:
        raise ReplayImpossible(_("This version does not know what “%(act)s” means.") % {"act": entry.act})
    soon.forget(entry.content["id"])
    done = [import_string(room)(entry.content, actor=actor, now=when) for room in settings.REPLAYED[entry.act]]
    return Done(found=any(done))


def _erased(entry: Entry, actor: str, when: datetime) -> Done:
    subject, rows = content.parsed(entry.content["subject"]), entry.content["rows"]
    for room in settings.ERASED_AGAIN:
        import_string(room)(subject, rows, now=when)
    outcome = erasure.again(subject, rows, now=when)
    for account in _still_open(subject):
        # A hold kept all of it at the time as well; closed, it ends by the schedule once the hold is over.
        crm_accounts.close(account, actor=actor, now=when)
    held = sum(kept.rows for kept in outcome.kept if kept.reason in (erasureplan.ON_HOLD, erasureplan.LEANT_ON))
    return Done(outcome.counts, held, found=bool(outcome.counts or outcome.kept))


def _released(key: str, actor: str, when: datetime) -> Done:
    hold = Hold.objects.active().filter(pk=key).first()
    if hold is not None:
        holds.let_go(hold, actor=actor, now=when)
    return Done(found=hold is not None)


def _expired(subject: Subject, slug: str, when: datetime) -> Done:
    keys = [UUID(key) for key in subject.values.get("account", ())]
    there = list(
        Account._base_manager.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk", flat=True)
    )
    counts = accounts.erase(there, accounts.tables_of(slug), Scopes.now(), when) if there else {}
    return Done({label: rows for label, rows in counts.items() if rows}, found=bool(there))


def _still_open(subject: Subject) -> Iterator[Account]:
    yield from Account._base_manager.filter(pk__in=subject.values.get("account", ()), status=Account.Status.ACTIVE)
