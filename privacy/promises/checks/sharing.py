"""P3.1 and P7.1: who receives data, and what connected services leave behind."""

from datetime import datetime

from django.utils.translation import ngettext

from crasme.crm.models import Account, Integration
from privacy.models import Recipient
from privacy.promises.asking import count, shown
from privacy.promises.registry import Status, Verdict, promise

NAMED = 5


@promise("P3.1")
def under_contract(now: datetime) -> Verdict:
    """At risk while a provider is in use whose contract is not on record."""
    active = Recipient.objects.active()
    figures = {"providers": active.count(), "without_contract": active.without_contract().count()}
    if figures["without_contract"]:
        evidence = ngettext(
            "%(without_contract)s of %(providers)s providers in use has no contract on record: %(names)s. Enter the day"
            " of the contract there, or end its use.",
            "%(without_contract)s of %(providers)s providers in use have no contract on record: %(names)s. Enter the"
            " days of the contracts there, or end their use.",
            figures["without_contract"],
        )
        names = ", ".join(active.without_contract().order_by("name").values_list("name", flat=True)[:NAMED])
        return Verdict(Status.AT_RISK, evidence % (figures | {"names": names}), figures)
    evidence = ngettext(
        "%(providers)s provider, under contract.", "%(providers)s providers, each under contract.", figures["providers"]
    )
    return Verdict(Status.KEPT, evidence % figures, figures)


@promise("P7.1")
def disconnected(now: datetime) -> Verdict:
    """Broken by anything of a disconnected service, or of an erased account, that no hold keeps."""
    left = count(Integration.objects.removable())
    left += count(Integration.objects.filter(account__status=Account.Status.ERASED))
    connected = Integration.objects.filter(disconnected_at=None).count()
    figures = {"connected": connected, "left_behind": left}
    if left:
        evidence = ngettext(
            "%(left)s disconnected service still has data here.",
            "%(left)s disconnected services still have data here.",
            left,
        )
        return Verdict(Status.BROKEN, evidence % {"left": shown(left)}, figures)
    evidence = ngettext(
        "%(connected)s service is connected; none left anything behind.",
        "%(connected)s services are connected; none left anything behind.",
        connected,
    )
    return Verdict(Status.KEPT, evidence % figures, figures)
