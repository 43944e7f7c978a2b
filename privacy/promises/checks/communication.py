"""P2.3: whether what people refused of our mail is refused by the gate that all mail about marketing passes."""

from datetime import datetime

from django.utils.translation import gettext as _

from consent import suppression, topics
from consent.models import MarketingChoice
from consent.models.choices import person_ref
from crasme.crm.models import Account
from privacy.promises.registry import Status, Verdict, promise

# The ledger of choices names nobody, so they are found by the addresses that are known: of the newest accounts.
ACCOUNTS = 5_000


@promise("P2.3")
def refusals_stand(now: datetime) -> Verdict:
    """Broken when the gate would let through what somebody's newest choice says no to. Put to the gate itself."""
    addresses = Account.objects.present().order_by("-created_at").values_list("email", flat=True)[:ACCOUNTS]
    by_subject = {person_ref(address): address for address in addresses}
    newest = (
        MarketingChoice.objects.filter(subject__among=list(by_subject), decided_at__lte=now)
        .order_by("subject", "-decided_at", "-id")
        .distinct("subject")
    )
    chosen = {by_subject[subject]: choices for subject, choices in newest.values_list("subject", "choices")}
    asked = let_through = 0
    for cell in topics.cells():
        refused = [address for address, choices in chosen.items() if choices.get(cell.name) is False]
        asked += len(refused)
        let_through += len(refused) - len(suppression.refused(refused, cell.scope, cell.channel))
    figures = {"people": len(chosen), "refusals": asked, "let_through": let_through}
    if let_through:
        return Verdict(
            Status.BROKEN, _("%(let_through)s of %(refusals)s refusals do not stop mail.") % figures, figures
        )
    if not asked:
        return Verdict(Status.UNKNOWN, _("Nobody who is known here has refused marketing yet."), figures)
    return Verdict(
        Status.KEPT, _("%(refusals)s refusals were put to the gate; it let none of that mail out.") % figures, figures
    )
