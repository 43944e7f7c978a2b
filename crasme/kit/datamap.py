"""The data map's vocabulary: what is stored about people, why, how it is found, shown, erased, and when it ends.

Each app that stores anything declares its tables in its own `datamap.py`, as `TABLES = [...]`; the declarations are
found as `admin.py` is. Everything that finds, exports, erases, counts or purges reads `tables()` and nothing else:
a second list of models anywhere is how people are forgotten. The system checks (`crasme.kit.checks`) refuse to start
with a field that nobody declared.

What could go wrong: a subject path that reaches too far. A path names *whose* row it is, and the whole row is shown and
erased with that person. Where somebody's address only stands in a row of another's (the billing address of a
colleague's account), it is a mention: of that row the person sees, and an erasure empties, that one column.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache, reduce
from importlib import import_module
from operator import or_
from typing import Any

from django.apps import apps
from django.db.models import Model, Q, QuerySet
from django.utils.functional import Promise
from django.utils.module_loading import module_has_submodule


class Category(StrEnum):
    """Kinds of data, by their number in the published policy."""

    ACCOUNT = "P1.1"
    USAGE = "P1.2"
    DEVICE = "P1.3"
    COOKIES = "P1.4"
    CONTENT = "P2.1"  # what customers put into the product: contacts, deals, notes
    INTEGRATION = "P7.1"
    BILLING = "P7.2"
    RIGHTS = "P5.7"  # what arises when somebody uses a right
    STAFF = "P4.2"  # the company's own people, who work here


class Purpose(StrEnum):
    SERVICE = "P2.1"
    IMPROVEMENT = "P2.2"
    COMMUNICATION = "P2.3"
    SECURITY = "P2.4"


class Sensitivity(StrEnum):
    """How much harm a leak does; it decides what lists show and what a log may hold."""

    LOW = "low"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"
    SECRET = "secret"  # never shown to anybody, not even to the person: hashes and keys


class Erase(StrEnum):
    """What an erasure does with one field."""

    DELETE = "delete"  # the whole row goes
    BLANK = "blank"  # emptied, the row stays
    KEEP = "keep"  # stays, for the reason given
    ANONYMISE = "anonymise"  # replaced by what `how` says


# Where data comes from, as GDPR Art. 15(1)(g) asks. What has one of these two sources is the person's to take along
# (Art. 20, and WP 242 rev.01: provided knowingly, or observed; not what was made from it).
GIVEN = "given by the person"
OBSERVED = "collected when the product is used"


@dataclass(frozen=True, slots=True)
class Field:
    """One column's declaration. `withheld` says why an export leaves it out; empty means that it is shown."""

    meaning: str
    erase: Erase
    sensitivity: Sensitivity = Sensitivity.PERSONAL
    reason: str = ""
    how: str = ""
    withheld: str = ""


def gone(meaning: str, *, sensitivity: Sensitivity = Sensitivity.PERSONAL, withheld: str = "") -> Field:
    """The row that holds this field is deleted on erasure."""
    return Field(meaning, Erase.DELETE, sensitivity, withheld=withheld)


def blanked(meaning: str, *, sensitivity: Sensitivity = Sensitivity.PERSONAL, withheld: str = "") -> Field:
    """The field is emptied on erasure: NULL where the column allows it, else its empty value."""
    return Field(meaning, Erase.BLANK, sensitivity, withheld=withheld)


def kept(meaning: str, *, reason: str, sensitivity: Sensitivity = Sensitivity.PERSONAL, withheld: str = "") -> Field:
    """The field outlives an erasure, for `reason`, until the table's rule ends it."""
    return Field(meaning, Erase.KEEP, sensitivity, reason=reason, withheld=withheld)


def anonymised(meaning: str, *, how: str, sensitivity: Sensitivity = Sensitivity.PERSONAL) -> Field:
    """The field is replaced on erasure; `how` names the replacement: "zero", "now", or a literal after "=" ."""
    return Field(meaning, Erase.ANONYMISE, sensitivity, how=how)


_NOT_TAKEN_ALONG = frozenset({Category.RIGHTS, Category.STAFF})


@dataclass(frozen=True, slots=True)
class Table:
    """What one model stores about people.

    label     "app.model", resolved by the checks
    title     what the rows are, in words that a person reading their own export understands (plural)
    subject   identifier kind → ORM path to it; the kinds in use are account, email, person, visitor and staff
    ends      slug of the retention rule that ends a row; `ends_reason` where no period can (a standing wish)
    mentions  identifier kind → column of this table in which a row of somebody else's can name the person
    goes_with links without which a row is nothing: erased together with the row that they lead to, and never cut
    fields    every column but the subject's own keys must be here
    source    where the data comes from, as GDPR Art. 15(1)(g) asks
    order     path that sorts an export
    shelf_of  label of the table whose rows on hold go here when their month is dropped; they are still the same rows
    """

    label: str
    title: str
    category: Category
    purposes: tuple[Purpose, ...]
    subject: Mapping[str, str]
    ends: str
    fields: Mapping[str, Field]
    source: str = GIVEN
    order: str = "pk"
    ends_reason: str = ""
    mentions: Mapping[str, str] = field(default_factory=dict)
    goes_with: tuple[str, ...] = ()
    shelf_of: str = ""
    # Set by `mentioned` only: the paths of the rows that are the person's own, and so no mentions.
    own: Mapping[str, str] = field(default_factory=dict)

    @property
    def model(self) -> type[Model]:
        return apps.get_model(self.label)

    @property
    def row_is_deleted(self) -> bool:
        """Whether an erasure deletes the row as a whole; the checks keep the fields in agreement."""
        return all(declared.erase is Erase.DELETE for declared in self.fields.values())

    @property
    def portable(self) -> bool:
        """Whether the rows are the person's to take along: their own, given or observed, not about using a right."""
        return not self.own and self.source in (GIVEN, OBSERVED) and self.category not in _NOT_TAKEN_ALONG

    def legal_reasons(self) -> list[str]:
        """Why anything in this table outlives an erasure; each reason once, in the order declared."""
        return list(dict.fromkeys(declared.reason for declared in self.fields.values() if declared.reason))

    @property
    def key(self) -> str:
        """The label, told apart from that of the mentions in the same table."""
        return f"{self.label}+mentions" if self.own else self.label

    def rows(self, subject: "Subject") -> QuerySet[Any]:
        """The subject's rows; none when the subject has no identifier of a kind that this table knows."""
        objects = self.model._base_manager.all()
        found = _any_of(self.subject, subject)
        if found is None:
            return objects.none()
        others = _any_of(self.own, subject)
        return objects.filter(found) if others is None else objects.filter(found).exclude(others)

    def mentioned(self) -> Iterator["Table"]:
        """This table once more for each mention: rows of others, of which one column is the person's."""
        for kind, name in self.mentions.items():
            only = {name: self.fields[name]}
            yield replace(self, subject={kind: name}, own=self.subject, mentions={}, fields=only, order="pk")

    def exported(self) -> dict[str, Field]:
        return {name: declared for name, declared in self.fields.items() if not declared.withheld}


def _any_of(paths: Mapping[str, str], subject: "Subject") -> Q | None:
    """The rows to which any of the paths leads for this subject; None when no path is of a kind it has."""
    conditions = [
        Q(**{f"{path}__in": subject.values[kind]}) for kind, path in paths.items() if subject.values.get(kind)
    ]
    return reduce(or_, conditions) if conditions else None


@dataclass(frozen=True, slots=True)
class NoPeople:
    """A model that stores nothing about people, and why one may say so. `label` may end in ".*" for a whole app."""

    label: str
    why: str


@dataclass(frozen=True, slots=True)
class Subject:
    """A person as the database knows them: identifier kind → values, all of one human being."""

    values: Mapping[str, frozenset[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, **kinds: Any) -> "Subject":
        """`Subject.of(account=account.pk, email=["a@b.c"])`; None and empty values are left out."""
        values = {}
        for kind, value in kinds.items():
            many = value if isinstance(value, list | tuple | set | frozenset) else [value]
            if present := frozenset(item for item in many if item not in (None, "")):
                values[kind] = present
        return cls(values)

    def __repr__(self) -> str:
        return f"Subject({', '.join(f'{len(values)} {kind}' for kind, values in self.values.items())})"


@dataclass(frozen=True, slots=True, eq=False)
class Keeper:
    """What keeps rows past their period until it is settled: a request that is not answered, an invoice in dispute.

    label      the model whose open rows keep
    is_open    lookups that hold of such a row for as long as it keeps
    why        for staff, with `{reference}` in it where `reference` is given
    account    path to the account whose rows all stay, but for those about using a right; empty where it keeps one
               row only
    row        foreign key to that one row; empty where a row keeps itself
    reference  column that names the row, or says since when it is open; never a person
    """

    label: str
    is_open: Mapping[str, Any]
    why: str | Promise
    account: str = ""
    reference: str = ""
    row: str = ""

    @property
    def model(self) -> type[Model]:
        return apps.get_model(self.label)

    @property
    def kept_model(self) -> type[Model] | None:
        """The model of the one row that an open row keeps; None where it keeps an account's."""
        if self.account:
            return None
        return self.model._meta.get_field(self.row).related_model if self.row else self.model

    def open_rows(self) -> QuerySet[Any]:
        return self.model._base_manager.filter(**self.is_open)


@cache
def keepers() -> tuple[Keeper, ...]:
    """Every keeper of every installed app: what its `datamap.py` lists as `KEEPERS`."""
    return tuple(_listed("KEEPERS"))


@cache
def declarations() -> dict[str, Table | NoPeople]:
    """Every declaration of every installed app, by lower-case label. Call it only once the apps are loaded."""
    found: dict[str, Table | NoPeople] = {}
    for declared in _all_declared():
        label = declared.label.lower()
        if label in found:
            raise LookupError(f"{declared.label} is declared twice in the data map.")
        found[label] = declared
    return found


def _all_declared() -> Iterator[Table | NoPeople]:
    yield from _listed("TABLES")


def _listed(name: str) -> Iterator[Any]:
    for config in apps.get_app_configs():
        if config.module is not None and module_has_submodule(config.module, "datamap"):
            yield from getattr(import_module(f"{config.name}.datamap"), name, ())


def tables() -> list[Table]:
    """The tables that hold people, in the order declared (parents before what hangs off them)."""
    return [declared for declared in declarations().values() if isinstance(declared, Table)]


def views() -> list[Table]:
    """The tables, each followed by its mentions: every place where something about a person can stand."""
    return [view for table in tables() for view in (table, *table.mentioned())]


def table(label: str) -> Table:
    """The declaration of one model. Raises LookupError when it holds no people or is not declared."""
    declared = declarations().get(label.lower())
    if not isinstance(declared, Table):
        raise LookupError(f"{label} is not a table of the data map.")  # noqa: TRY004
    return declared


def covers(label: str) -> Table | NoPeople | None:
    """The declaration that covers a model, whole-app ones included; None when nobody declared it."""
    found = declarations()
    return found.get(label.lower()) or found.get(f"{label.lower().split('.')[0]}.*")


def found_by(kinds: Iterable[str]) -> list[Table]:
    """The tables that can be searched by any of these identifier kinds."""
    wanted = set(kinds)
    return [table for table in tables() if wanted & {*table.subject, *table.mentions}]
