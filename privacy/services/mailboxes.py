"""Proof that a proposed e-mail address is read by whoever proposed it.

What could go wrong: an account, or somebody's invoices, go to a mistyped address; one mailbox learns of the other; or
the link opens somebody's request. So the mail goes to the new address alone and names neither the old one, nor the
request, nor a person; its link proves exactly one proposed value and opens nothing. The link is derived from the
proposal, so that every copy of the mail carries the same one, and only its digest is stored.
"""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from crasme.kit.crypto import keyed_hash, token_digest
from crasme.kit.text import normalise_email
from crasme.ledger.services import record
from privacy import verbs
from privacy.correspondence.queue import enqueue
from privacy.errors import LinkSpent
from privacy.models import Correction, Message, Request
from privacy.services.holdings import Held

LIFETIME = timedelta(days=3)
PERIOD = 300  # seconds: one mail to one address in so many, however often somebody presses the button
ACTOR = "link:new-mailbox"


def needed(held: Held, proposed: str, request: Request) -> bool:
    """Whether this value must be proven: an address other than the one that the request itself has proven."""
    return held.is_mailbox and proposed != "" and normalise_email(proposed) != normalise_email(request.person.email)


def ask(correction: Correction, *, now: datetime) -> None:
    """Queue the mail to the proposed address; in the caller's transaction, which has locked the request."""
    correction.proof_digest = token_digest(token(correction))
    correction.proof_until = now + LIFETIME
    correction.save(update_fields=["proof_digest", "proof_until"])
    occasion = f"{correction.proof_digest[:24]}-{int(now.timestamp()) // PERIOD}"
    enqueue(
        correction.request,
        "new-mailbox",
        period_key=occasion,
        now=now,
        addressee=Message.Addressee.NEW_MAILBOX,
        correction=correction,
    )


def token(correction: Correction) -> str:
    """The secret of the link to this proposal, as long as its value stays the same."""
    return keyed_hash("privacy.new-mailbox", f"{correction.pk}:{correction.proposed}")


def look(found: str, *, now: datetime) -> Correction:
    """The proposal behind a link, unchanged. LinkSpent when there is none any more, or the link has run out."""
    live = Correction.objects.live().filter(proof_digest=token_digest(found), proof_until__gt=now)
    correction: Correction | None = live.select_related("request").first()
    if correction is None:
        raise LinkSpent(_("This link has run out, or was replaced by a newer one."))
    return correction


def prove(found: str, *, now: datetime) -> None:
    """The mailbox is read. Doing it again changes nothing. LinkSpent as for `look`."""
    correction = look(found, now=now)
    live = Correction.objects.live().filter(pk=correction.pk, proof_digest=token_digest(found))
    if live.filter(proven_at=None).update(proven_at=now):
        record(
            verbs.MAILBOX_PROVEN.name,
            actor=ACTOR,
            subject=correction.request.ref,
            field=f"{correction.label}.{correction.field}",
        )
