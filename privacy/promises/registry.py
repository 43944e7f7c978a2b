"""The checks, by the number of the promise they keep an eye on."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from django.db import DatabaseError, models, transaction
from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext_lazy as _

from crasme.kit.errors import CrasmeError
from privacy.errors import PrivacyError
from privacy.promises import catalogue

logger = logging.getLogger(__name__)


class Status(models.TextChoices):
    KEPT = "kept", _("kept")
    AT_RISK = "at_risk", _("at risk")
    BROKEN = "broken", _("broken")
    UNKNOWN = "unknown", _("not measured")
    PARTLY = "partly", _("partly measured")  # what can be seen from here is in order, and some of it cannot be seen


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise of the policy. `unmeasured` says why nothing asks for it, where nothing does."""

    number: str
    title: LazyText
    unmeasured: LazyText | None = None

    @property
    def section(self) -> int:
        return int(self.number[1:].partition(".")[0])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check says: a status, one line of evidence for people, and the figures behind it for machines."""

    status: Status
    evidence: str
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the board."""

    promise: str
    title: str
    status: Status
    evidence: str
    figures: dict[str, Any]

    @property
    def section(self) -> int:
        return int(self.promise[1:].partition(".")[0])

    def as_dict(self) -> dict[str, Any]:
        return {
            "promise": self.promise,
            "title": self.title,
            "status": self.status.value,
            "evidence": self.evidence,
            "figures": self.figures,
        }


# One that asks for several promises at once answers by number.
Check = Callable[[datetime], Verdict | dict[str, Verdict]]

_checks: dict[str, Check] = {}


class RegistryError(PrivacyError):
    """A programmer's mistake: a check for a promise that the policy does not make, or two for one."""

    code = "promise-registry"


def promise(*numbers: str) -> Callable[[Check], Check]:
    """Register a check: `@promise("P8.2")` over `def usage(now: datetime) -> Verdict`.

    With several numbers the check's one verdict stands for all, unless it returns a verdict by number.
    """

    def register(check: Check) -> Check:
        for number in numbers:
            if number not in catalogue.TITLES:
                raise RegistryError(f"The policy makes no promise {number}.")
            if number in _checks:
                raise RegistryError(f"Two checks ask for {number}.")
            _checks[number] = check
        return check

    return register


def promises() -> list[Promise]:
    """All of them, in the order of the policy."""
    measured = _loaded()
    return [
        Promise(number, title, None if number in measured else catalogue.UNMEASURED.get(number, catalogue.NO_CHECK))
        for number, title in catalogue.TITLES.items()
    ]


def board(now: datetime, only: Iterable[str] | None = None) -> list[Finding]:
    """Every promise with its finding, in the order of the policy; `only` limits it to some numbers. `now` is aware."""
    wanted = None if only is None else set(only)
    asked: dict[Check, Verdict | dict[str, Verdict]] = {}
    return [_finding(each, now, asked) for each in promises() if wanted is None or each.number in wanted]


def _finding(each: Promise, now: datetime, asked: dict[Check, Verdict | dict[str, Verdict]]) -> Finding:
    if each.unmeasured is not None:
        verdict = Verdict(Status.UNKNOWN, str(each.unmeasured))
    else:
        check = _checks[each.number]
        if check not in asked:
            asked[check] = _ask(check, now)
        answer = asked[check]
        verdict = answer[each.number] if isinstance(answer, dict) else answer
    return Finding(each.number, str(each.title), verdict.status, verdict.evidence, verdict.figures)


def _ask(check: Check, now: datetime) -> Verdict | dict[str, Verdict]:
    """The check's verdict; one that fails is not measured, and must not take the others along."""
    try:
        with transaction.atomic():
            return check(now)
    except (DatabaseError, CrasmeError, models.ObjectDoesNotExist, LookupError) as error:
        logger.exception("The check %s failed.", check.__name__)
        return Verdict(Status.UNKNOWN, str(_("The check failed: %(error)s.")) % {"error": type(error).__name__})


def _loaded() -> dict[str, Check]:
    """The registered checks, with every module of privacy.promises.checks imported."""
    package = import_module("privacy.promises.checks")
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return _checks
