"""On the page of every row that a rule ends: until when it is kept, and why, in words.

What could go wrong: a hold's file reference shown to whoever may see the row. That a hold exists can be part of
proceedings; its reference and the way to it are for those who may look at holds.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from crasme.crm.models import Account, Invoice
from crasme.staff.admin import panels
from crasme.staff.admin.panels import Panel
from retention import dependants, explanation, obstacles, wording
from retention.dependants import Dependants
from retention.errors import RetentionError, RuleBroken
from retention.explanation import Verdict
from retention.models import Hold, Rule
from retention.obstacles import Scopes

ASKED = "dependants"
TEMPLATE = "admin/retention/panel.html"


@dataclass(frozen=True, slots=True)
class Reason:
    words: str
    icon: str
    tone: str = ""
    address: str = ""
    link: str = ""


@panels.register
def kept(request: HttpRequest, shown: Model) -> Panel | None:
    """The panel of a row; None for what no rule ends."""
    now = timezone.now()
    try:
        verdict = explanation.explain(shown._meta.label, shown.pk, now)
    except RuleBroken as error:
        head, reasons = _("Its rule ends nothing"), [Reason(str(error), "error", "bad")]
        return Panel(
            TEMPLATE, {"head": head, "tone": "bad", "state": _("rule broken"), "open": True, "reasons": reasons}
        )
    except RetentionError:
        return None
    rule = Rule.objects.active().filter(slug=verdict.rule).first() if verdict.rule else None
    head, tone, state = _state(verdict, rule)
    return Panel(
        TEMPLATE,
        {
            "verdict": verdict,
            "head": head,
            "tone": tone,
            "state": state,
            # What is looked at for this very question shows it; elsewhere it is one line above the page's own matter.
            "open": isinstance(shown, Invoice) or ASKED in request.GET,
            "reasons": _reasons(request, verdict, rule),
            "has_dependants": isinstance(shown, Account),
            "dependants": _dependants(request, shown, now),
        },
    )


@panels.say_what_is_held
def held(model: type[Model], keys: Collection[Any]) -> set[Any]:
    """Those of the rows that a hold covers in any way, by name or by account, organisation, category or period."""
    covered = obstacles.held(model, Scopes.now())
    return (
        set() if covered is None else set(model._base_manager.filter(covered, pk__in=keys).values_list("pk", flat=True))
    )


def _dependants(request: HttpRequest, shown: Model, now: datetime) -> list[Dependants] | None:
    """What hangs off an account, when the page is asked for it: every table is read for that."""
    if not isinstance(shown, Account) or ASKED not in request.GET:
        return None
    return list(dependants.of_account(shown.pk, now))


def _state(verdict: Verdict, rule: Rule | None) -> tuple[str, str, str]:
    day = {"day": verdict.until.date().isoformat() if verdict.until else ""}
    if verdict.over and verdict.kept:
        return _("Period over on %(day)s") % day, "warn", _("kept")
    if verdict.over:
        return _("Due since %(day)s") % day, "bad", _("goes with the next run")
    if verdict.until is None:
        return (_begins(verdict, rule) if rule is not None else _("No end yet")), "info", _("kept")
    if verdict.kept and verdict.matters:
        return _("Kept until %(day)s at least; no end while the hold lasts") % day, "warn", _("kept")
    if verdict.kept:
        return _("Kept until %(day)s at least; no end while something else keeps it") % day, "warn", _("kept")
    return _("Kept until %(day)s") % day, "good", _("kept")


def _begins(verdict: Verdict, rule: Rule) -> str:
    """Of a row whose period has not begun: how long it is, and by what it begins."""
    date = wording.column(rule.target, rule.anchor)
    if rule.target.lower() != verdict.label:
        date = f"{rule.model._meta.verbose_name}: {date}"
    words = _("No end yet: kept for %(period)s, counted from “%(date)s”, which is still open")
    return words % {"period": rule.length.words(), "date": date}


def _reasons(request: HttpRequest, verdict: Verdict, rule: Rule | None) -> list[Reason]:
    rule_page = ""
    if rule is not None and request.user.has_perm("retention.view_rule"):
        rule_page = reverse("admin:retention_rule_change", args=[rule.pk])
    link = {"address": rule_page, "link": _("Rule")} if rule_page else {}
    found = [Reason(verdict.reasons[0], "schedule", **link)]
    may_see = request.user.has_perm("retention.view_hold")
    holds: dict[str, Any] = {}
    if verdict.matters and may_see:
        holds = dict(Hold.objects.filter(matter__in=verdict.matters).values_list("matter", "pk"))
    of_holds = {_("hold %(matter)s") % {"matter": matter}: matter for matter in verdict.matters}
    for words in verdict.reasons[1:]:
        matter = of_holds.get(words)
        if matter is None:
            found.append(Reason(words, "lock", "warn"))
        elif matter in holds:
            page = reverse("admin:retention_hold_change", args=[holds[matter]])
            found.append(Reason(words, "gavel", "bad", page, _("Hold")))
        else:
            found.append(Reason(_("on hold"), "gavel", "bad"))
    return list(dict.fromkeys(found))
