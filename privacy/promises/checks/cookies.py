"""P1.4, P6.1, P6.2: what the cookie guard saw in the last month."""

from datetime import datetime, timedelta

from django.utils.translation import gettext as _, ngettext

from consent.models import Category, Cookie, CookieSighting
from privacy.promises.registry import Status, Verdict, promise

PROMISED = {"essential", "functional", "analytics", "performance"}
LOOK_BACK = timedelta(days=30)


@promise("P1.4", "P6.1")
def only_declared(now: datetime) -> Verdict:
    """Broken when an undeclared cookie reached a browser; at risk when the site tried and was stopped."""
    slugs = set(Category.objects.values_list("slug", flat=True))
    sightings = _seen(now, CookieSighting.Reason.UNDECLARED)
    figures = {
        "cookies": Cookie.objects.count(),
        "categories": len(slugs),
        "undeclared_dropped": sum(dropped for _name, dropped in sightings),
        "undeclared_set": sum(not dropped for _name, dropped in sightings),
    }
    if missing := PROMISED - slugs:
        return Verdict(Status.BROKEN, _("The category %(slug)s is missing.") % {"slug": min(missing)}, figures)
    if sightings:
        name, _dropped = sightings[0]
        status = Status.BROKEN if figures["undeclared_set"] else Status.AT_RISK
        return Verdict(status, _("The site tried to set %(name)s, which nobody declared.") % {"name": name}, figures)
    evidence = _("%(cookies)s cookies are declared in %(categories)s categories; no other was seen in 30 days.")
    return Verdict(Status.KEPT, evidence % figures, figures)


@promise("P6.2")
def respected(now: datetime) -> Verdict:
    """Broken when a cookie was set that the visitor had not agreed to."""
    sightings = _seen(now, CookieSighting.Reason.UNCONSENTED)
    figures = {
        "stopped": sum(dropped for _name, dropped in sightings),
        "set": sum(not dropped for _name, dropped in sightings),
    }
    if figures["set"]:
        evidence = ngettext(
            "%(set)s cookie was set without consent in 30 days.",
            "%(set)s cookies were set without consent in 30 days.",
            figures["set"],
        )
        return Verdict(Status.BROKEN, evidence % figures, figures)
    evidence = ngettext(
        "No cookie was set against a choice in 30 days; %(stopped)s was stopped.",
        "No cookie was set against a choice in 30 days; %(stopped)s were stopped.",
        figures["stopped"],
    )
    return Verdict(Status.KEPT, evidence % figures, figures)


def _seen(now: datetime, reason: str) -> list[tuple[str, bool]]:
    """(name, dropped) of each sighting in the last month, the ones that got through first."""
    rows = CookieSighting.objects.filter(reason=reason, last_seen_at__gte=now - LOOK_BACK)
    return list(rows.order_by("dropped", "name").values_list("name", "dropped"))
