"""Why rows are still here, and until when, in words that staff and auditors understand: one row, or a whole table.

One row is asked as a thousand are. What could go wrong: a second reckoning beside the purge's. So what is over and what
is kept comes as it is compiled for the purge, from the database, by one statement; names are read of kept rows only.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db.models import BooleanField, Case, F, Model, Q, QuerySet, UUIDField, Value, When
from django.utils.translation import gettext as _

from crasme.kit import datamap
from retention import coverage
from retention.endings import Ending, Endings
from retention.errors import NoSuchRow, NotAKey, NotInSchedule
from retention.fields import broken, require
from retention.grounds import Ground, Naming, Row, grounds, kept
from retention.models import Rule
from retention.obstacles import Scopes

AT_ONCE = 5_000  # rows of a table that is explained as a whole, at a time
KEYS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """`until` (aware, UTC) is None where no period has begun or none can; `over` says that the period is over, `kept`
    that something keeps the row whatever the period says; `reasons` are short phrases, the period's own first. `rule`
    is the slug of the rule that the period is of, `matters` the file references of the holds."""

    label: str
    pk: str
    until: datetime | None
    reasons: tuple[str, ...]
    kept: bool
    over: bool
    rule: str = ""
    matters: tuple[str, ...] = ()

    def words(self) -> str:
        """ "kept until 2031-03-01: tax law; hold M-17"."""
        because = "; ".join(self.reasons)
        if self.over and self.kept:
            return _("period over on %(day)s, kept: %(because)s") % {"day": self._day(), "because": because}
        if self.over:
            return _("due since %(day)s: %(because)s") % {"day": self._day(), "because": because}
        if self.until is None:
            return _("kept: %(because)s") % {"because": because}
        return _("kept until %(day)s: %(because)s") % {"day": self._day(), "because": because}

    def _day(self) -> str:
        return self.until.date().isoformat() if self.until else ""

    def __str__(self) -> str:
        return self.words()


def explain(label: str, pk: Any, now: datetime) -> Verdict:
    """Why the row stays. NotInSchedule for a table that no rule ends, RuleBroken where its rule names what is no more,
    NotAKey for what is no key of the table, NoSuchRow when it is not there (any more)."""
    key = _key(model_of(label), pk)
    found = explain_all(label, model_of(label)._base_manager.filter(pk=key), now)
    if not found:
        raise NoSuchRow(_("There is no such row (any more)."), remedy=_where_else(label, key))
    return found[0]


def explain_all(label: str, rows: QuerySet[Any], now: datetime) -> list[Verdict]:
    """Why each of the rows stays, in their order; by a handful of statements, however many they are."""
    return _Explainer(model_of(label), now).of(rows)


def explain_keys(label: str, keys: Sequence[Any], now: datetime) -> Iterator[Verdict]:
    """Why each of the rows with these keys stays, in the order of the keys; those that are gone are left out. NotAKey
    before anything is said when one is no key of the table."""
    explainer = _Explainer(model_of(label), now)
    every = [_key(explainer.model, each) for each in keys]
    for start in range(0, len(keys), KEYS_AT_ONCE):
        wanted = every[start : start + KEYS_AT_ONCE]
        place = {str(each): number for number, each in enumerate(wanted)}
        found = explainer.of(explainer.model._base_manager.filter(pk__in=wanted))
        yield from sorted(found, key=lambda verdict: place[verdict.pk])


def explain_table(label: str, now: datetime) -> Iterator[Verdict]:
    """Why every row of the table stays, by its key; a chunk at a time, so that a table of any size can be read."""
    explainer = _Explainer(model_of(label), now)
    every = explainer.model._base_manager.order_by("pk")
    last: Any = None
    while True:
        rows = every if last is None else every.filter(pk__gt=last)
        # A key that several rows share (a table in months has such keys) is never cut in two.
        edge = rows.values_list("pk", flat=True)[AT_ONCE - 1 : AT_ONCE].first()
        found = explainer.of(rows if edge is None else rows.filter(pk__lte=edge))
        yield from found
        if edge is None:
            return
        last = edge


def model_of(label: str) -> type[Model]:
    """The model of a label. NotInSchedule when there is none, RuleBroken when a rule is about it all the same."""
    try:
        return apps.get_model(label)
    except (LookupError, ValueError):
        rule = Rule.objects.active().filter(target__iexact=label).order_by("slug").first()
        if rule is not None:
            raise broken(rule, rule.target) from None
        remedy = _("Write the label of a model, such as crm.invoice.")
        raise NotInSchedule(_("There is no table of this name."), remedy=remedy) from None


def keys_of(label: str, given: Iterable[Any]) -> list[str]:
    """Keys as verdicts name them. NotAKey when one is no key of the table."""
    model = model_of(label)
    return [str(_key(model, each)) for each in given]


def _key(model: type[Model], given: Any) -> Any:
    """The key in the type of the table's keys. NotAKey when it cannot be one; it is not repeated, for it may be an
    address or a name."""
    try:
        return model._meta.pk.to_python(given)
    except (ValidationError, ValueError, TypeError):
        looks = _("a UUID") if isinstance(model._meta.pk, UUIDField) else _("a number")
        words = _("This is no key of %(table)s: each of its keys is %(looks)s.") % {
            "table": model._meta.label_lower, "looks": looks
        }  # fmt: skip
        raise NotAKey(words, remedy=_("Copy the id from the row's page in the back office.")) from None


def _where_else(label: str, key: Any) -> str:
    """What to do about a key that the table does not have: keys are never used twice, so another table may have it."""
    for table in datamap.tables() if isinstance(key, UUID) else ():
        is_other = table.label.lower() != label.lower() and isinstance(table.model._meta.pk, UUIDField)
        if is_other and table.model._base_manager.filter(pk=key).exists():
            return _("It is a key of %(table)s: ask for that one.") % {"table": table.label.lower()}
    return _("If it was there, a run or an erasure ended it: see the runs, and `retention prove`.")


class _Explainer:
    """What is the same for all rows of a table: its endings, and what can keep."""

    def __init__(self, model: type[Model], now: datetime) -> None:
        self.model, self.now = model, now
        found = _endings(model)
        self.endings: list[Ending | None] = [None] if isinstance(found, str) else list(found)
        self.standing = found if isinstance(found, str) else ""
        # What many rows share is said and reckoned once.
        self._why = cache(self._reason)
        self._until = lru_cache(AT_ONCE)(self._end)

    def of(self, rows: QuerySet[Any]) -> list[Verdict]:
        self.scopes = Scopes.now()  # anew for each chunk: a long reading sees holds that are placed meanwhile
        columns: dict[str, Any] = {}
        for place, ending in enumerate(self.endings):
            if ending is not None:
                columns |= {f"anchor_{place}": F(ending.path), f"over_{place}": _flag(ending.past(self.now))}
            keeping = kept(self.model, ending, self.scopes)
            columns[f"kept_{place}"] = _flag(keeping) if keeping is not None else Value(False)
        read = list(rows.values("pk").annotate(**columns).values("pk", *columns))
        chosen = [self._chosen(row) for row in read]
        named: dict[int, _Named] = {}
        for place in range(len(self.endings)):
            numbers = [at for at, row in enumerate(read) if chosen[at] == place and row[f"kept_{place}"]]
            named |= self._named(rows, place, {_identity(read[at], self.endings): at for at in numbers})
        nothing = _Named((), ())
        return [self._verdict(row, chosen[at], named.get(at, nothing)) for at, row in enumerate(read)]

    def _chosen(self, row: Row) -> int:
        """What ends first has acted already where a later one has begun: an erased account waits for its tombstone's
        end."""
        begun = [place for place, ending in enumerate(self.endings) if ending and row[f"anchor_{place}"] is not None]
        return begun[-1] if begun else 0

    def _named(self, rows: QuerySet[Any], place: int, wanted: dict[Any, int]) -> dict[int, "_Named"]:
        """What keeps those rows, in words."""
        if not wanted:
            return {}
        ending = self.endings[place]
        found, naming = grounds(self.model, ending, self.scopes), Naming(self.model, ending)
        columns: dict[str, Any] = {f"anchor_{at}": F(each.path) for at, each in enumerate(self.endings) if each}
        columns |= {f"ground_{number}": _flag(ground.rows) for number, ground in enumerate(found)}
        kept_rows = self.model._base_manager.filter(pk__in=list({key[0] for key in wanted}))
        names = [name for name in naming.columns if name != "pk"]
        read = [
            row
            for row in kept_rows.values("pk").annotate(**columns).values("pk", *columns, *names)
            if _identity(row, self.endings) in wanted
        ]
        naming.read(read, self.scopes.keepers)
        return {wanted[_identity(row, self.endings)]: _name(row, found, naming) for row in read}

    def _verdict(self, row: Row, place: int, named: "_Named") -> Verdict:
        ending = self.endings[place]
        until = self._until(place, row[f"anchor_{place}"]) if ending is not None else None
        return Verdict(
            label=self.model._meta.label_lower,
            pk=str(row["pk"]),
            until=until,
            reasons=(self._why(place, until is not None), *named.words),
            kept=bool(row[f"kept_{place}"]),
            over=bool(ending is not None and row[f"over_{place}"]),
            rule=ending.rule.slug if ending is not None else "",
            matters=named.matters,
        )

    def _end(self, place: int, anchor: Any) -> datetime | None:
        ending = self.endings[place]
        return ending.until(anchor) if ending is not None else None

    def _reason(self, place: int, has_begun: bool) -> str:
        """Why rows are kept until the end of their period."""
        ending = self.endings[place]
        if ending is None:
            return self.standing
        if has_begun:
            return str(ending.rule.legal_reason).rstrip(".")
        waiting = _("%(reason)s The period of %(period)s has not begun")
        return waiting % {"reason": ending.rule.legal_reason, "period": ending.rule.length.words()}


@dataclass(frozen=True, slots=True)
class _Named:
    words: tuple[str, ...]
    matters: tuple[str, ...]


def _name(row: Row, found: Sequence[Ground], naming: Naming) -> _Named:
    words: list[str] = []
    matters: list[str] = []
    for number, ground in enumerate(found):
        if not row[f"ground_{number}"]:
            continue
        if ground.hold:
            matters = naming.matters(row)
            words += [_("hold %(matter)s") % {"matter": matter} for matter in matters] or [_("on hold")]
        elif ground.keeper is not None:
            words += naming.open(ground.keeper, row)
        else:
            words.append(ground.words)
    # What keeps a row and the row with which it ends is said once.
    return _Named(tuple(dict.fromkeys(words)), tuple(matters))


def _flag(condition: Q) -> Case:
    """True or False, where SQL could say neither."""
    return Case(When(condition, then=Value(True)), default=Value(False), output_field=BooleanField())


def _identity(row: Row, endings: Iterable[Ending | None]) -> tuple[Any, ...]:
    """A row of a table in months is known by its key and its date only."""
    return (row["pk"], *(row[f"anchor_{place}"] for place, ending in enumerate(endings) if ending))


def _endings(model: type[Model]) -> list[Ending] | str:
    """The rules that end the table, or the reason why none can. RuleBroken for one that names what is no more."""
    found = _found(model)
    for ending in found if isinstance(found, list) else ():
        require(ending.rule)
    return found


def _found(model: type[Model]) -> list[Ending] | str:
    table = coverage.table_of(model)
    every = Endings()
    if table is None:
        target = model._meta.label_lower
        rules = [rule for rule in every.rules.values() if rule.target.lower() == target and not rule.changes_fields]
        found = [Ending(rule, rule.anchor) for rule in rules]
        if found:
            return found
    elif found := every.of(table):
        return found
    elif table.ends_reason:
        return table.ends_reason
    raise NotInSchedule(_("No active rule ends this table."))
