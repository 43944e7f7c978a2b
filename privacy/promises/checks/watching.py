"""P4.4: whether the watch that this system keeps by itself is awake."""

from datetime import datetime, timedelta

from django.db.models import Count, Min
from django.utils.translation import gettext as _

from privacy.promises.registry import Status, Verdict, promise
from retention.models import Rule, Standing

# Every rule is measured each hour; a worker may be busy, a machine may be started anew.
DROWSY = timedelta(hours=3)
ASLEEP = timedelta(days=1)


@promise("P4.4")
def awake(now: datetime) -> Verdict:
    """At risk or broken when nobody measured the schedule lately; at best partly measured, for who watches the
    servers cannot be seen from here.
    """
    in_force = Rule.objects.in_force(now)
    seen = Standing.objects.filter(rule__in=in_force).aggregate(rules=Count("pk"), oldest=Min("taken_at"))
    if seen["oldest"] is None:
        return Verdict(Status.UNKNOWN, _("The schedule is watched every hour, but not yet: nothing has been measured."))
    age = now - seen["oldest"]
    figures = {"rules": seen["rules"], "hours": int(age / timedelta(hours=1))}
    if age > DROWSY:
        status = Status.BROKEN if age > ASLEEP else Status.AT_RISK
        return Verdict(
            status, _("A rule of the schedule has not been looked at for %(hours)s hours.") % figures, figures
        )
    evidence = _("All %(rules)s rules are looked at every hour. Who watches the servers cannot be seen from here.")
    return Verdict(Status.PARTLY, evidence % figures, figures)
