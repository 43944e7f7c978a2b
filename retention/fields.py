"""Ending fields of rows that stay: which of them, what takes their place, and which rows still have something to lose.

A rule names fields ("billed_email", "occurred_at:month"), or takes those that the data map blanks and replaces. Every
replacement is a fixed point: applied twice it changes nothing more. So "acted on already" needs no mark on the row,
which would be one more thing to tell rows apart by: a row is due as long as a field differs from what would take its
place. A key is renewed by a random one, which is told by its version (4) from those that the models make (7).

What could go wrong: two rules on one field, of which the first blanks what the second still needs (the later end wins:
a field is left alone while another rule in force on it has not come to its end for that row); a "now" that is different
each day (refused); an encrypted column whose emptiness cannot be asked for (refused unless it takes NULL).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import and_, or_
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import connection, models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.functions import Cast, Substr, Trunc
from django.db.models.lookups import Exact
from django.utils.translation import gettext as _

from crasme.kit import calendar, datamap
from crasme.kit.datamap import Erase, Table, anonymised, blanked
from crasme.kit.fields import EncryptedField
from retention import graph
from retention.anonymity.decision import Decision, mentioned
from retention.errors import NotBlankable, RuleBroken
from retention.models import Rule
from retention.models.rules import FIELD_ACTIONS
from retention.replacements import NOW, replacement

BLANK, FRESH, HASH = "blank", "fresh", "hash"
COARSER = ("day", "month", "quarter", "year")
_HASHED = r"^([0-9a-f]{64})?$"


class _Hashed(Func):
    """A pseudonym, the same one for the same value: no check of anonymity lets it pass."""

    template = "encode(sha256(convert_to(%(expressions)s, 'UTF8')), 'hex')"
    output_field = models.TextField()


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of one column: `after` is one value for every row when it is `constant`, else an expression."""

    field: Any
    how: str
    after: Any
    constant: bool = False

    @property
    def name(self) -> str:
        return str(self.field.name)

    @property
    def expression(self) -> Any:
        return Value(self.after, output_field=self.stored) if self.constant else self.after

    @property
    def stored(self) -> Any:
        """The column's own field; a link is stored as the key that it leads to."""
        return self.field.target_field if self.field.is_relation else self.field

    @property
    def pending(self) -> Q:
        """True for rows in which the column is not yet what it would become."""
        if self.how == FRESH:
            version = Substr(Cast(self.name, models.TextField()), 15, 1)
            return ~Q(Exact(version, Value("4")))
        if self.constant and self.after is None:
            return Q(**{f"{self.name}__isnull": False})
        if self.constant:
            return ~Q(**{self.name: self.after})
        there = Q(**{f"{self.name}__isnull": False})
        return there & (~Q(**{f"{self.name}__regex": _HASHED}) if self.how == HASH else ~Q(**{self.name: self.after}))


def changes(rule: Rule) -> list[Change]:
    """What the rule does to a row. RuleBroken for a rule that cannot be carried out (any more)."""
    found = []
    for name, how in _named(rule):
        try:
            found.append(_change(rule, name, how))
        except FieldDoesNotExist as error:
            raise broken(rule, name) from error
        except NotBlankable as error:
            raise broken(rule, name, str(error)) from error
    return found


def require(rule: Rule) -> None:
    """RuleBroken unless everything that the rule names is there: before its run begins, and whenever it is taken up."""
    try:
        names = {field.name for field in rule.model._meta.concrete_fields}
        _anchored = rule.anchor and rule.anchor_is_date
    except (LookupError, ValueError) as error:
        raise broken(rule, rule.target) from error
    except FieldDoesNotExist as error:
        raise broken(rule, rule.anchor) from error
    for reference in rule.unreferenced_by:
        label, _dot, name = reference.rpartition(".")
        try:
            apps.get_model(label)._meta.get_field(name)
        except (LookupError, ValueError, FieldDoesNotExist) as error:
            raise broken(rule, reference) from error
    if not rule.changes_fields:
        return
    changes(rule)
    others(rule)
    if rule.action == Rule.Action.ANONYMISE:
        if gone := [name for name in mentioned(rule.anonymity) if name not in names]:
            raise broken(rule, ", ".join(gone))
        try:
            Decision.of(rule)
        except ValidationError as error:
            raise broken(rule, "anonymity", "; ".join(error.messages)) from error


def broken(rule: Rule, column: str, why: str = "") -> RuleBroken:
    """The error that names the rule and the column."""
    said = {"rule": rule.slug, "column": column, "table": rule.target, "why": why}
    if why:
        return RuleBroken(_("The rule %(rule)s cannot be carried out on %(column)s: %(why)s") % said)
    return RuleBroken(_("The rule %(rule)s names %(column)s, which is not (any more) in %(table)s.") % said)


def pending(rule: Rule, cutoff: datetime) -> Q:
    """True for rows in which the rule, at this cut-off, still has something to change."""
    return reduce(or_, (condition for _change, condition in _conditions(rule, cutoff)), Q(pk__in=[]))


def values(rule: Rule, cutoff: datetime) -> dict[str, Any]:
    """Column → what `QuerySet.update` puts there; a field that another rule still needs keeps its value."""
    return {
        change.name: Case(When(condition, then=change.expression), default=F(change.name), output_field=change.stored)
        for change, condition in _conditions(rule, cutoff)
    }


def held_back(rule: Rule, cutoff: datetime) -> Iterator[tuple[Change, Rule, Q]]:
    """Each change that another rule in force holds back, that rule, and the condition of the rows in which it does."""
    moment = _moment(rule, cutoff)
    for other, names in others(rule):
        not_over = ~Q(**{f"{other.anchor}__lt": other.bound(other.cutoff(moment))})
        for change in changes(rule):
            if change.name in names:
                yield change, other, change.pending & not_over


def others(rule: Rule) -> list[tuple[Rule, frozenset[str]]]:
    """The other rules in force that end fields of the same table, each with its fields."""
    found = Rule.objects.active().filter(target__iexact=rule.target, action__in=FIELD_ACTIONS).exclude(slug=rule.slug)
    return [(other, frozenset(change.name for change in changes(other))) for other in found]


def clean(rule: Rule) -> None:
    """ValidationError for fields that the rule's action cannot end, and for anonymising without a whole decision."""
    if not rule.changes_fields:
        return
    try:
        found = [_change(rule, *each) for each in _named(rule)]
    except FieldDoesNotExist:
        raise ValidationError({"fields": _("The target has no such field.")}) from None
    except NotBlankable as error:
        raise ValidationError({"fields": str(error)}) from None
    if not found:
        raise ValidationError({"fields": _("Name the fields: the data map blanks none of this table.")})
    key = _partition_key(rule.model)
    if any(change.how in ("quarter", "year") and change.field.column in key for change in found):
        raise ValidationError(
            {"fields": _("That would move rows into another month's partition, which may be gone: take :month.")}
        )
    if rule.action == Rule.Action.UNLINK and not all(each.field.is_relation and each.constant for each in found):
        raise ValidationError({"fields": _("Only links to other rows can be unlinked.")})
    if any(change.how == FRESH for change in found) and any(
        edge.on_delete is not graph.OnDelete.NOTHING for edge in graph.edges_to(rule.model)
    ):
        raise ValidationError({"fields": _("Other tables lead to this key; it cannot be renewed.")})
    if rule.action == Rule.Action.ANONYMISE:
        Decision.of(rule)
        if any(change.constant and change.name == rule.anchor.partition("__")[0] for change in found):
            raise ValidationError(
                {
                    "fields": _(
                        "By what the period counts from, rows are found and measured again: make it coarser only."
                    )
                }
            )


def _named(rule: Rule) -> list[tuple[str, str]]:
    """Fields and what becomes of each: ("occurred_at", "month")."""
    return [entry.partition(":")[::2] for entry in rule.fields or _declared(rule)]


def _partition_key(model: type[models.Model]) -> str:
    """ "RANGE (occurred_at)" of a table in months; "" of any other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(pg_get_partkeydef(to_regclass(%s)), '')", [model._meta.db_table])
        return str(cursor.fetchone()[0])


def _declared(rule: Rule) -> Iterator[str]:
    """The fields that an erasure blanks or replaces; of links only what may be empty."""
    table = datamap.covers(rule.target)
    wanted = (Erase.BLANK, Erase.ANONYMISE) if rule.action == Rule.Action.ANONYMISE else (Erase.BLANK,)
    for name, declared in (table.fields if isinstance(table, Table) else {}).items():
        is_link = rule.model._meta.get_field(name).is_relation
        if declared.erase in wanted and is_link == (rule.action == Rule.Action.UNLINK):
            yield f"{name}:{declared.how}" if declared.how else name


def _change(rule: Rule, name: str, how: str) -> Change:
    field: Any = rule.model._meta.get_field(name)
    if not isinstance(field, models.Field) or not field.concrete:
        raise FieldDoesNotExist(name)
    if how in COARSER and isinstance(field, models.DateField):
        zone = {"tzinfo": UTC} if isinstance(field, models.DateTimeField) else {}
        return Change(field, how, Trunc(name, how, output_field=field, **zone))
    if how == FRESH and isinstance(field, models.UUIDField) and field.primary_key:
        return Change(field, how, Func(function="gen_random_uuid", output_field=models.UUIDField()))
    if how == HASH and isinstance(field, models.CharField | models.TextField) and (field.max_length or 64) >= 64:
        return Change(field, how, _Hashed(name))
    if isinstance(field, EncryptedField) and not field.null:
        raise NotBlankable(_("%(field)s is encrypted, so that nobody can ask whether it is empty.") % {"field": name})
    if field.unique:
        raise NotBlankable(
            _("%(field)s is different in every row; it cannot become the same in all.") % {"field": name}
        )
    after = replacement(field, blanked(name) if how in ("", BLANK) else anonymised(name, how=how))
    if after is NOW:
        raise NotBlankable(_("%(field)s would be different each day; write a date.") % {"field": name})
    return Change(field, how or BLANK, after, constant=True)


def _conditions(rule: Rule, cutoff: datetime) -> Iterator[tuple[Change, Q]]:
    """Each change with the condition under which a row gets it: it has something to lose there, and no other rule in
    force still needs it."""
    moment, besides = _moment(rule, cutoff), others(rule)
    for change in changes(rule):
        over = [
            Q(**{f"{other.anchor}__lt": other.bound(other.cutoff(moment))})
            for other, names in besides
            if change.name in names
        ]
        yield change, reduce(and_, over, change.pending)


def _moment(rule: Rule, cutoff: datetime) -> datetime:
    """The moment of a cut-off; at the end of a month up to three days earlier, which keeps a field longer, not less."""
    if rule.anchor_is_date:
        return calendar.start_of(calendar.add(cutoff.date(), rule.length))
    return calendar.add(cutoff, rule.length)
