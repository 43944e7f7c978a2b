"""Why each field of a row is still there, and until when: a row may keep some of its fields longer than others.

An invoice keeps the billed party for seven years and the mailbox that it was sent to for three. The field's own reason
is named where a rule ends the field before the row, or where the data map says why an erasure leaves it.

What could go wrong: a field explained by its rule while the row's rule comes first (the earlier end counts: with the
row every field goes), or by one of two rules on it (the later one counts, as for the purge), or by the rule that erases
the row and leaves this very field (the next one counts), or without the hold that keeps the row (what keeps the row
keeps its fields).
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from crasme.kit.datamap import Table
from retention import coverage, fields
from retention.endings import Ending, Endings
from retention.explanation import Verdict, explain, model_of
from retention.models import Rule
from retention.models.rules import FIELD_ACTIONS


@dataclass(frozen=True, slots=True)
class FieldVerdict:
    """`ended` says that the field's own rule has acted already; then nothing is left to keep."""

    name: str
    meaning: str
    verdict: Verdict
    ended: bool = False

    def words(self) -> str:
        """ "kept until 2029-03-01: asked for while it can be late; hold M-17"."""
        if self.ended:
            because = "; ".join(self.verdict.reasons[:1])
            return _("ended already: %(because)s") % {"because": because}
        return self.verdict.words()


def explain_fields(label: str, pk: Any, now: datetime) -> list[FieldVerdict]:
    """The fields of one row that say something other than the row itself. What `explain` raises."""
    row = explain(label, pk, now)
    model = model_of(label)
    rows = model._base_manager.filter(pk=pk)
    table = coverage.table_of(model)
    declared = table.fields if table is not None else {}
    ends = _ends(label)
    kept: Verdict | None = None
    found = []
    for field in model._meta.concrete_fields:
        meaning = declared[field.name].meaning if field.name in declared else str(field.verbose_name)
        if field.name in ends:
            found.append(_by_rule(field.name, meaning, ends[field.name], rows, row, now))
        elif field.name in declared and (reason := declared[field.name].reason.rstrip(".")):
            kept = kept or _after_erasure(table, rows, row, now)
            found.append(FieldVerdict(field.name, meaning, replace(kept, reasons=(reason, *kept.reasons[1:]))))
    return found


def _after_erasure(table: Table | None, rows: Any, row: Verdict, now: datetime) -> Verdict:
    """Until when what an erasure leaves of the row is there: an earlier rule that erases does not end it."""
    ending = Endings().final(table) if table is not None else None
    if ending is None or ending.rule.slug == row.rule:
        return row
    return replace(row, until=ending.last(rows), over=rows.filter(ending.past(now)).exists(), rule=ending.rule.slug)


def _ends(label: str) -> dict[str, list[Rule]]:
    """Field → the rules in force that end it. RuleBroken for one that names what is no more."""
    found: dict[str, list[Rule]] = {}
    for rule in Rule.objects.active().filter(target__iexact=label, action__in=FIELD_ACTIONS).order_by("slug"):
        fields.require(rule)
        for change in fields.changes(rule):
            found.setdefault(change.name, []).append(rule)
    return found


def _by_rule(name: str, meaning: str, rules: list[Rule], rows: Any, row: Verdict, now: datetime) -> FieldVerdict:
    ends = [(Ending(rule, rule.anchor).last(rows), rule) for rule in rules]
    # A period that has not begun ends after all others.
    until, rule = max(ends, key=lambda each: (each[0] is None, each[0] or now))
    if row.until is not None and (until is None or row.until <= until):
        return FieldVerdict(name, meaning, row)  # the row goes first, or at the same moment
    over = all(rows.filter(Ending(each, each.anchor).past(now)).exists() for _until, each in ends)
    change = next(each for each in fields.changes(rule) if each.name == name)
    reasons = (rule.legal_reason.rstrip("."), *row.reasons[1:])
    verdict = replace(row, until=until, over=over, reasons=reasons, rule=rule.slug)
    return FieldVerdict(name, meaning, verdict, ended=not rows.filter(change.pending).exists())
