"""P8.1 to P8.4: what is still there although its published period is over and nothing keeps it.

The promised period is the published one, not the rule's: a rule that was lengthened without a publication breaks the
promise at once. The engine runs once a day, so a row may be there for a day after its time; the evidence says so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Min, QuerySet
from django.utils.translation import gettext as _, ngettext

from crasme.crm.models import UsageEvent
from crasme.kit import calendar, partitions
from crasme.kit.calendar import Period
from privacy.models import PolicyVersion
from privacy.promises.asking import count, shown
from privacy.promises.registry import Status, Verdict, promise
from retention import predicate, services, wording
from retention.errors import RetentionError
from retention.models import BackupSet, Rule, Standing
from retention.obstacles import Scopes

DAILY_RUN = timedelta(days=1)
SLUGS = {"P8.1": "account-closed", "P8.2": "usage", "P8.3": "billing", "P8.4": "backups"}


@promise(*SLUGS)
def ended(now: datetime) -> dict[str, Verdict]:
    """Broken by rows later than a day, at risk where the rule in force keeps longer than was published."""
    rules = {
        rule.slug: rule
        for rule in Rule.objects.in_force(now).filter(slug__in=SLUGS.values()).select_related("standing")
    }
    promised = _promised(now)
    scopes = Scopes.now()
    verdicts = {}
    for number, slug in SLUGS.items():
        rule, period = rules.get(slug), promised.get(slug)
        if rule is None or period is None:
            verdicts[number] = Verdict(
                Status.BROKEN, _("No rule in force ends %(what)s.") % {"what": _things(number, 2)}
            )
        else:
            verdicts[number] = _verdict(Question(rule, period, scopes, number), now)
    verdicts["P8.2"] = _with_oldest(verdicts["P8.2"])
    verdicts["P8.4"] = _with_copies(verdicts["P8.4"], promised.get("backups"), now)
    if verdicts["P8.4"].status is not Status.BROKEN and not BackupSet.objects.exists():
        verdicts["P8.4"] = Verdict(Status.UNKNOWN, _("No backup has been registered yet."))
    return verdicts


def _things(number: str, count: int) -> str:
    """What the rule of a promise ends, as many as there are."""
    words = {
        "P8.1": ngettext("closed account", "closed accounts", count),
        "P8.2": ngettext("usage event", "usage events", count),
        "P8.3": ngettext("invoice", "invoices", count),
        "P8.4": ngettext("backup", "backups", count),
    }
    return words[number]


@dataclass(frozen=True, slots=True)
class Question:
    """One rule against the period that was published for it."""

    rule: Rule
    promised: Period
    scopes: Scopes
    number: str

    def over(self, moment: datetime) -> int:
        """Rows that should be gone at `moment` by the published period, and that nothing keeps."""
        return count(self._everywhere(predicate.releasable, moment))

    def kept(self, moment: datetime) -> int:
        """Rows past their period that a hold or a restriction keeps."""
        return count(self._everywhere(predicate.deferred, moment))

    def _everywhere(self, asked: Callable[..., QuerySet[Any]], moment: datetime) -> QuerySet[Any]:
        """In the rule's table, and in the one that took the held rows of its dropped partitions; one query."""
        cutoff, scopes = self._cutoff(moment), self.scopes
        rows = asked(self.rule, cutoff, scopes=scopes).values("pk")
        if not self.rule.carry_to:
            return rows
        shelf = apps.get_model(self.rule.carry_to)
        return rows.order_by().union(
            asked(self.rule, cutoff, scopes=scopes, model=shelf).order_by().values("pk"), all=True
        )

    def _cutoff(self, moment: datetime) -> datetime:
        if self.rule.anchor_is_date:
            return calendar.start_of(calendar.cutoff(moment.date(), self.promised))
        return calendar.cutoff(moment, self.promised)


def _verdict(asked: Question, now: datetime) -> Verdict:
    late, waiting, kept = asked.over(now - DAILY_RUN), asked.over(now), asked.kept(now)
    figures = {
        "promised": asked.promised.isoformat(),
        "rule": asked.rule.period,
        "late": late,
        "due_today": waiting - late,
        "kept_by_holds": kept,
    }
    words = {
        "what": _things(asked.number, late or waiting or 2),
        "period": asked.promised.words(),
        "rule": asked.rule.length.words(),
        "late": shown(late),
        "waiting": shown(waiting),
        "kept": shown(kept),
    }
    standing: Standing | None = getattr(asked.rule, "standing", None)
    if standing is not None:
        figures |= {
            "oldest_overdue_hours": round(standing.overdue(now).total_seconds() / 3600, 1),
            "due_per_day": round(standing.intake, 1),
            "ended_per_day": round(standing.drain, 1),
        }
    if late:
        evidence = ngettext(
            "%(late)s %(what)s is still there more than a day after %(period)s.",
            "%(late)s %(what)s are still there more than a day after %(period)s.",
            late,
        )
        if standing is not None and standing.oldest_end is not None:
            evidence = " ".join((evidence, _("At the last measurement: %(standing)s.")))
            words["standing"] = wording.overdue(standing, now)
        return Verdict(Status.BROKEN, evidence % words, figures)
    if calendar.add(now, asked.rule.length) > calendar.add(now, asked.promised):
        evidence = _("The rule keeps %(what)s for %(rule)s, but %(period)s are published.")
        return Verdict(Status.AT_RISK, evidence % (words | {"what": _things(asked.number, 2)}), figures)
    evidence = _("No %(what)s outlived their %(period)s.")
    if waiting:
        evidence = ngettext(
            "%(waiting)s %(what)s passed %(period)s and goes with the next daily run.",
            "%(waiting)s %(what)s passed %(period)s and go with the next daily run.",
            waiting,
        )
    if kept:
        more = ngettext(
            "%(kept)s more is kept by holds and restrictions.",
            "%(kept)s more are kept by holds and restrictions.",
            kept,
        )
        evidence = f"{evidence} {more}"
    return Verdict(Status.KEPT, evidence % words, figures)


def _promised(now: datetime) -> dict[str, Period]:
    """Rule → period in the policy that applies; without its text, which is long."""
    rules = PolicyVersion.objects.begun(now).values_list("snapshot__facts__rules", flat=True).first() or {}
    return {slug: Period.parse(rule["period"]) for slug, rule in rules.items() if rule["period"]}


def _with_copies(verdict: Verdict, period: Period | None, now: datetime) -> Verdict:
    """Broken, too, by a copy at a processor's that nobody saw to be gone, and by one that no row knows."""
    if period is None or verdict.status is Status.BROKEN:
        return verdict
    since = calendar.cutoff(now - DAILY_RUN, period)
    theirs = BackupSet.objects.present().at_processors().filter(made_at__lt=since).count()
    try:
        unknown = services.unregistered_backups()
    except (RetentionError, OSError):
        unknown = []  # the run of the rule stops for the same reason, and says so
    old = sum(found.changed is not None and found.changed < since for found in unknown)
    if not theirs and not old:
        return verdict
    evidence = ngettext(
        "Older than %(period)s: %(theirs)s copy of processors and %(old)s unregistered.",
        "Older than %(period)s: %(theirs)s copies of processors and %(old)s unregistered.",
        theirs,
    )
    words = {"theirs": shown(theirs), "old": shown(old), "period": period.words()}
    return Verdict(Status.BROKEN, evidence % words, verdict.figures | {"processors": theirs, "unregistered": old})


def _with_oldest(verdict: Verdict) -> Verdict:
    oldest = _oldest_event()
    if oldest is None:
        return verdict
    evidence = _("%(evidence)s The oldest is from %(day)s.") % {
        "evidence": verdict.evidence,
        "day": f"{oldest:%Y-%m-%d}",
    }
    return Verdict(verdict.status, evidence, verdict.figures | {"oldest": oldest.isoformat()})


def _oldest_event() -> datetime | None:
    """By the bounds of the monthly partitions: only the oldest one that has rows is read."""
    for partition in partitions.existing(connection, UsageEvent._meta.db_table):
        month = UsageEvent.objects.filter(occurred_at__gte=partition.lower, occurred_at__lt=partition.upper)
        oldest: datetime | None = month.order_by().aggregate(oldest=Min("occurred_at"))["oldest"]
        if oldest is not None:
            return oldest
    return None
