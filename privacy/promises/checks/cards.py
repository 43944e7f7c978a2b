"""P7.2: the last recorded search for card numbers."""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _, ngettext

from privacy.promises import cardscan
from privacy.promises.registry import Status, Verdict, promise

STALE = timedelta(days=7)


@promise("P7.2")
def no_cards(now: datetime) -> Verdict:
    """Broken by one finding, at risk when nobody has looked for a week, not measured when nobody ever has."""
    entry = cardscan.last()
    if entry is None:
        return Verdict(Status.UNKNOWN, _("Nobody has searched yet: run `manage.py promises --scan-cards`."))
    figures = {name: entry.facts[name] for name in ("tables", "columns", "found")} | {"at": entry.facts["at"]}
    words = figures | {"day": entry.facts["at"][:10]}
    if figures["found"]:
        evidence = ngettext(
            "The search of %(day)s found %(found)s card number.",
            "The search of %(day)s found %(found)s card numbers.",
            figures["found"],
        )
        return Verdict(Status.BROKEN, evidence % words, figures)
    if now - datetime.fromisoformat(entry.facts["at"]) > STALE:
        return Verdict(
            Status.AT_RISK, _("The last search, of %(day)s, found none; it is more than a week old.") % words, figures
        )
    evidence = _("The search of %(day)s read %(columns)s columns in %(tables)s tables and found none.")
    return Verdict(Status.KEPT, evidence % words, figures)
