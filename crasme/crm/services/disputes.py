"""Invoices in dispute: opened, settled, and what the CRM says of either. An open dispute keeps its invoice.

What could go wrong: a purge has looked and not deleted yet (whoever opens a dispute waits for it, as whoever places a
hold does), a call comes twice, even at once (the CRM's reference makes it the same dispute), a settled dispute begins
again (it is opened anew; the former one stays as it was), or a backup from before it is restored, and the next purge
ends what is contested (so it is noted outside, as restrictions are).
"""

from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from crasme.crm import verbs
from crasme.crm.errors import DisputeRefused
from crasme.crm.models import Dispute, Invoice
from crasme.kit import locks, outside
from crasme.kit.crypto import subject_ref
from crasme.ledger.services import record

MAX_REFERENCE: Final = 40


@transaction.atomic
def open_dispute(
    invoice: Invoice, *, reason: str, actor: str, now: datetime, opened_at: datetime | None = None, reference: str = ""
) -> Dispute:
    """From now on the invoice is kept. DisputeRefused when it is gone, or in dispute already."""
    locks.exclusive(locks.UNTOUCHABLE)
    held = Invoice.objects.select_for_update().filter(pk=invoice.pk).first()
    if held is None:
        raise DisputeRefused(_("There is no such invoice (any more)."), field="invoice")
    if (running := held.disputes.filter(closed_at=None).first()) is not None:
        raise DisputeRefused(
            _("This invoice is in dispute since %(day)s.") % {"day": f"{running.opened_at:%Y-%m-%d}"},
            field="invoice",
            remedy=_("Close that dispute first."),
        )
    opened_at = opened_at or now
    if opened_at > now:
        raise DisputeRefused(_("A dispute cannot begin in the future."), field="opened_at")
    dispute = Dispute.objects.create(
        invoice=held, reference=reference, reason=reason, opened_at=opened_at, opened_by=actor
    )
    outside.note(
        "dispute",
        now=now,
        dispute=str(dispute.pk),
        invoice=str(held.pk),
        reference=reference,
        reason=reason,
        opened_at=opened_at.isoformat(),
        by=actor,
    )
    record(
        verbs.DISPUTE_OPENED, actor=actor, subject=subject_ref("invoice", held.pk), dispute=dispute.pk, reason=reason
    )
    return dispute


@transaction.atomic
def close_dispute(dispute: Dispute, *, actor: str, now: datetime, closed_at: datetime | None = None) -> Dispute:
    """It is settled: the invoice follows its period again, and ends with the next run when that is over.

    DisputeRefused when it was closed before.
    """
    held = Dispute.objects.select_for_update().get(pk=dispute.pk)
    if held.closed_at is not None:
        raise DisputeRefused(_("This dispute is closed already."), field="closed_at")
    closed_at = closed_at or now
    if not held.opened_at <= closed_at <= now:
        raise DisputeRefused(_("A dispute ends after it began, and not in the future."), field="closed_at")
    held.closed_at, held.closed_by = closed_at, actor
    held.save(update_fields=["closed_at", "closed_by"])
    outside.note("settle", now=now, dispute=str(held.pk), closed_at=closed_at.isoformat(), by=actor)
    record(verbs.DISPUTE_CLOSED, actor=actor, subject=subject_ref("invoice", held.invoice_id), dispute=held.pk)
    return held


@transaction.atomic
def take(
    reference: str,
    *,
    number: str,
    reason: str,
    opened_at: datetime,
    closed_at: datetime | None,
    actor: str,
    now: datetime,
) -> Dispute:
    """What the CRM says of its dispute `reference`; saying it again changes nothing. DisputeRefused as above, and for
    another invoice, another beginning, or a dispute that was closed and is said to be open."""
    if len(reference) > MAX_REFERENCE:
        raise DisputeRefused(_("The reference is too long: %(most)d signs at most.") % {"most": MAX_REFERENCE})
    if (dispute := _of(reference)) is None:
        locks.exclusive(locks.UNTOUCHABLE)  # behind whoever opens it at the same moment
        dispute = _of(reference)
    if dispute is None:
        invoice = Invoice.objects.filter(number=number).first()
        if invoice is None:
            raise DisputeRefused(_("There is no invoice of this number."), field="invoice")
        dispute = open_dispute(invoice, reason=reason, actor=actor, now=now, opened_at=opened_at, reference=reference)
    elif dispute.invoice.number != number or dispute.opened_at != opened_at:
        raise DisputeRefused(
            _("This reference stands for a dispute about another invoice, or with another beginning."),
            field="invoice" if dispute.invoice.number != number else "opened_at",
            remedy=_("Give each dispute a reference of its own."),
        )
    if closed_at is not None and dispute.closed_at is None:
        return close_dispute(dispute, actor=actor, now=now, closed_at=closed_at)
    if dispute.closed_at != closed_at:
        raise DisputeRefused(
            _("This dispute is closed already."),
            field="closed_at",
            remedy=_("Open it again under a new reference."),
        )
    return dispute


def _of(reference: str) -> Dispute | None:
    """The dispute of that reference, locked."""
    known = Dispute.objects.select_for_update(of=("self",)).select_related("invoice")
    return known.filter(reference=reference).first()
