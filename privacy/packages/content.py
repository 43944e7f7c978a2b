"""What a copy tells about each table, beside the rows: GDPR Art. 15(1) and (2), from the rows that the policy shows.

What could go wrong: the letter says one period and the engine keeps another, or names recipients that were dropped
last year. Nothing here is prose about facts; it is the policy's own facts, in the person's language.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext, gettext_noop

from crasme.kit import datamap
from crasme.kit.calendar import Period
from crasme.kit.datamap import GIVEN, Purpose, Subject, Table
from crasme.kit.recipes import counts
from crasme.kit.remember import remembered
from privacy.policy import facts as policy_facts
from privacy.policy.words import PURPOSES, RECIPIENT_KINDS
from retention.endings import Endings
from retention.errors import RuleBroken

OF_OTHERS = gettext_noop("given by somebody else, in whose record it stands")


@dataclass(slots=True)
class Described:
    """One table with rows of the person. `is_own_word`: they gave it themselves, so there is no other source to name
    (GDPR Art. 15(1)(g)). `kept_for` is the period by which its rows end as things are, `stays_for` the one of what an
    erasure leaves of them; `shown` are the first rows, as (meaning, text) pairs, for reading."""

    label: str
    title: str
    purposes: list[str]
    source: str
    is_own_word: bool
    kept_for: str
    stays_for: str
    reasons: list[str]
    fields: dict[str, str]
    withheld: dict[str, str]
    rows: int = 0
    shown: list[list[tuple[str, str]]] = field(default_factory=list)

    @property
    def stem(self) -> str:
        """File name without its ending."""
        return self.label.lower().replace(".", "-").replace("+", "-")


@dataclass(frozen=True, slots=True)
class Facts:
    """The policy's facts in one language. `recipients` have a name, kind, purpose, country and safeguards; `last` says
    by which rule's slug nothing of a table's row is left, by the table's key."""

    controller: dict[str, Any]
    recipients: list[dict[str, str]]
    rules: dict[str, Any]
    rights: list[str]
    last: dict[str, str]
    _told: dict[str, Described] = field(default_factory=dict, repr=False)

    def described(self, table: Table) -> Described:
        """What is told about a table, in the active language, ready for its rows."""
        if table.key not in self._told:
            self._told[table.key] = replace(
                _in_words(table),
                kept_for=self._period(table, table.ends),
                stays_for=self._period(table, self.last.get(table.key, table.ends)),
            )
        return replace(self._told[table.key], shown=[])

    def _period(self, table: Table, slug: str) -> str:
        rule = self.rules.get(slug)
        if rule is None or not rule["period"]:
            reason = table.ends_reason or (rule["reason"] if rule else "")
            return gettext(reason) if reason else ""
        period = Period.parse(rule["period"]).words()
        if not rule["counted_from"]:
            return period
        return gettext("%(period)s, counted from: %(date)s") % {"period": period, "date": rule["counted_from"]}


def _in_words(table: Table) -> Described:
    """What the data map says of a table, in the active language: looked up once a process, for it comes with the
    program and does not change under it.
    """
    global _map, _words
    if (current := datamap.declarations()) is not _map:
        _map, _words = current, {}
    name = (table.key, translation.get_language())
    if name not in _words:
        _words[name] = _described(table)
    return _words[name]


_map: Mapping[str, Any] | None = None
_words: dict[tuple[str, str | None], Described] = {}


def _described(table: Table) -> Described:
    return Described(
        label=table.key,
        title=gettext("%(title)s of others that name you") % {"title": gettext(table.title)}
        if table.own
        else gettext(table.title),
        purposes=[str(PURPOSES[Purpose(purpose)].title) for purpose in table.purposes],
        source=gettext(OF_OTHERS if table.own and table.source == GIVEN else table.source),
        is_own_word=table.source == GIVEN and not table.own,
        kept_for="",
        stays_for="",
        reasons=[gettext(reason) for reason in table.legal_reasons()],
        fields={name: gettext(declared.meaning) for name, declared in table.exported().items()},
        withheld={
            gettext(declared.meaning): gettext(declared.withheld)
            for declared in table.fields.values()
            if declared.withheld
        },
    )


@remembered(key=lambda now, language: language)
def facts(now: datetime, language: str) -> Facts:
    """Read them in the person's language. Five queries."""
    last = _last_rules()
    with translation.override(language):
        found = policy_facts.collect(now, "controller", "recipients", "rules", "rights")
        return Facts(
            controller=found["controller"],
            recipients=[
                {
                    "name": each["name"],
                    "kind": str(RECIPIENT_KINDS[each["kind"]].title),
                    "purpose": each["purpose"],
                    "country": each["country"],
                    "safeguards": each["safeguards"],
                }
                for each in found["recipients"].values()
            ],
            rules=found["rules"],
            rights=[right["title"] for right in sorted(found["rights"].values(), key=lambda right: right["position"])],
            last=last,
        )


def _last_rules() -> dict[str, str]:
    endings, found = Endings(), {}
    for table in searched():
        try:
            ending = endings.final(table)
        except RuleBroken:  # a copy is made all the same, whatever became of the rule's table since
            continue
        if ending is not None:
            found[table.key] = ending.rule.slug
    return found


@remembered(key=lambda now, language: language)
def common(now: datetime, language: str) -> str:
    """The end of the page of a copy, which is the same for everybody: who else receives it, and the rights."""
    with translation.override(language):
        return render_to_string("portal/requests/package_common.html", {"facts": facts(now, language)})


def held(subject: Subject) -> list[tuple[Table, int]]:
    """Where we look, and how many rows of the person stand there now. One statement."""
    tables = searched()
    return list(zip(tables, counts("held", subject, lambda who: [table.rows(who) for table in tables]), strict=True))


def portable() -> list[Table]:
    """What of it is the person's to take along (GDPR Art. 20(1))."""
    return [view for view in searched() if view.portable]


def searched() -> list[Table]:
    """Where we look for a person who asks: every table that can hold one from outside and has something to show."""
    return [view for view in datamap.views() if view.category is not datamap.Category.STAFF and view.exported()]
