"""P8.1 to P8.4: what is still there although its published period is over and nothing keeps it.

The promised period is the published one, not the rule's: a rule that was lengthened without a publication breaks the
promise at once. The engine runs once a day, so a row may be there for a day after its time; the evidence says so.
"""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import Min, QuerySet
from django.utils.translation import gettext as _

from crasme.crm.models import UsageEvent
from crasme.kit import calendar, partitions
from crasme.kit.calendar import Period
from privacy.models import PolicyVersion
from privacy.promises.asking import count, shown
from privacy.promises.registry import Status, Verdict, promise
from retention import predicate
from retention.models import BackupSet, Rule

DAILY_RUN = timedelta(days=1)


@promise("P8.1")
def accounts(now: datetime) -> Verdict:
    return _verdict("account-closed", now, _("closed accounts"))


@promise("P8.2")
def usage(now: datetime) -> Verdict:
    oldest = _oldest_event()
    verdict = _verdict("usage", now, _("usage events"))
    if oldest is None or verdict.status is Status.UNKNOWN:
        return verdict
    evidence = _("%(evidence)s The oldest is from %(day)s.") % {"evidence": verdict.evidence, "day": f"{oldest:%Y-%m-%d}"}
    return Verdict(verdict.status, evidence, verdict.figures | {"oldest": oldest.isoformat()})


@promise("P8.3")
def billing(now: datetime) -> Verdict:
    return _verdict("billing", now, _("invoices"))


@promise("P8.4")
def backups(now: datetime) -> Verdict:
    if not BackupSet.objects.exists():
        return Verdict(Status.UNKNOWN, _("No backup has been registered yet."))
    return _verdict("backups", now, _("backups"))


def _verdict(slug: str, now: datetime, what: str) -> Verdict:
    """Broken by rows later than a day, at risk where the rule in force keeps longer than was published."""
    rule = Rule.objects.in_force(now).filter(slug=slug).first()
    promised = _promised(slug)
    if rule is None or promised is None:
        return Verdict(Status.BROKEN, _("No rule in force ends %(what)s.") % {"what": what})
    late = _late(rule, promised, now - DAILY_RUN)
    waiting = count(_over(rule, promised, now))
    held = count(predicate.deferred(rule, _cutoff(rule, promised, now)))
    figures = {"promised": promised.isoformat(), "rule": rule.period, "late": late, "due_today": waiting - late, "kept_by_holds": held}
    words = {"late": shown(late), "what": what, "period": promised.words(), "waiting": shown(waiting), "held": shown(held)}
    if late:
        return Verdict(Status.BROKEN, _("%(late)s %(what)s are still there more than a day after %(period)s.") % words, figures)
    if calendar.add(now, rule.length) > calendar.add(now, promised):
        words["rule"] = rule.length.words()
        return Verdict(Status.AT_RISK, _("The rule keeps %(what)s for %(rule)s, %(period)s are published.") % words, figures)
    evidence = _("No %(what)s are older than %(period)s.") if not waiting else _("%(waiting)s %(what)s go with the next daily run.")
    if held:
        evidence = f"{evidence} " + _("Holds and restrictions keep %(held)s.")
    return Verdict(Status.KEPT, evidence % words, figures)


def _promised(slug: str) -> Period | None:
    """The period in the newest published policy; None when it promises none."""
    published = PolicyVersion.objects.newest()
    period = published.snapshot["facts"]["rules"].get(slug, {}).get("period") if published else None
    return Period.parse(period) if period else None


def _late(rule: Rule, promised: Period, moment: datetime) -> int:
    return count(_over(rule, promised, moment))


def _over(rule: Rule, promised: Period, moment: datetime) -> QuerySet[Any]:
    """What should be gone at `moment` by the published period, and nothing keeps."""
    return predicate.releasable(rule, _cutoff(rule, promised, moment))


def _cutoff(rule: Rule, promised: Period, moment: datetime) -> datetime:
    if rule.anchor_is_date:
        return calendar.start_of(calendar.cutoff(moment.date(), promised))
    return calendar.cutoff(moment, promised)


def _oldest_event() -> datetime | None:
    """By the bounds of the monthly partitions: only the oldest one that has rows is read."""
    for partition in partitions.existing(connection, UsageEvent._meta.db_table):
        month = UsageEvent.objects.filter(occurred_at__gte=partition.lower, occurred_at__lt=partition.upper)
        if (oldest := month.order_by().aggregate(oldest=Min("occurred_at"))["oldest"]) is not None:
            return oldest
    return None
