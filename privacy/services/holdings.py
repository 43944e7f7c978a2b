"""What is held about a person that can be put right, value by value.

What they are called is what the data map calls them, as in a copy: models have names for colleagues.

What could go wrong: a row that is somebody else's by now is shown, or written to (the rows come from the data map, and
only while the account has the proven mailbox), or a role is handed out because somebody asked for it (what is chosen
from a list, or links to another record, is proposed in free words, and a colleague chooses).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.utils.translation import gettext as _

from crasme.crm.fields import MailboxField
from crasme.crm.models import Account
from crasme.crm.services.corrections import CORRECTABLE
from crasme.crm.validators import validate_language
from crasme.kit import datamap
from privacy import readable
from privacy.models import Request
from privacy.services.people import still_theirs
from privacy.services.places import Place, digest, normal
from privacy.services.subjects import about


@dataclass(frozen=True, slots=True)
class Held:
    """One value. `place` says where it stands; `key` names it in a form."""

    row: Model
    name: str

    @property
    def label(self) -> str:
        return self.row._meta.label_lower

    @property
    def place(self) -> Place:
        return self.label, str(self.row.pk), self.name

    @property
    def key(self) -> str:
        return f"{self.row._meta.model_name}-{self.row.pk}-{self.name}"

    @property
    def field(self) -> Any:
        return self.row._meta.get_field(self.name)

    @property
    def title(self) -> str:
        return title_of(self.label, self.name)

    @property
    def group(self) -> str:
        """What the record is, as a heading."""
        return group_of(self.label)

    @property
    def is_language(self) -> bool:
        """Whether it is stored as the code of a language."""
        return _is_language(self.field)

    @property
    def in_words(self) -> bool:
        """Whether the person describes the right value and a colleague chooses it."""
        return bool(self.field.is_relation or self.field.choices)

    @property
    def is_mailbox(self) -> bool:
        return isinstance(self.field, MailboxField)

    @property
    def text(self) -> str:
        """The value as the person reads it."""
        return shown(self.field, getattr(self.row, self.field.attname), self.row)

    @property
    def stored(self) -> str:
        """The value as it is compared and hashed."""
        return normal(str(getattr(self.row, self.field.attname) or ""))

    def digest(self, value: str) -> str:
        return digest(self.place, value)


def held(request: Request, *, lock: bool = False) -> list[Held]:
    """Every value of the own rows of whoever asks that can be corrected; none when the account has left the mailbox.

    With `lock` the rows are locked, the account first, as everybody else does.
    """
    if not still_theirs(request):
        return []
    return [Held(row, name) for row, names in _rows(request, lock=lock) for name in names]


def by_place(found: Iterable[Held]) -> dict[Place, Held]:
    return {each.place: each for each in found}


def _rows(request: Request, *, lock: bool) -> Iterator[tuple[Model, tuple[str, ...]]]:
    subject = about(request).whole
    for model, names in CORRECTABLE.items():
        rows = _table_of(model).rows(subject).order_by("pk")
        if lock:
            rows = rows.select_for_update()
        for row in rows:
            if not (isinstance(row, Account) and row.status == Account.Status.ERASED):
                yield row, names


def group_of(label: str) -> str:
    """What the records of a table are, in the active language. LookupError when they are no more."""
    return _(datamap.table(label).title)


def title_of(label: str, name: str) -> str:
    """What the field is called, in the active language. LookupError when it is no more."""
    return _(datamap.table(label).fields[name].meaning)


def shown(field: Any, value: Any, row: Model | None = None) -> str:
    """A stored value in words: the name of what it links to, the label of a choice, what a language is called."""
    if value in (None, ""):
        return ""
    if field.is_relation:
        linked = (
            getattr(row, field.name) if row is not None else field.related_model._base_manager.filter(pk=value).first()
        )
        return str(getattr(linked, "name", linked or ""))
    return readable.language(str(value)) if _is_language(field) else str(dict(field.flatchoices).get(value, value))


def _is_language(field: Any) -> bool:
    return validate_language in field.validators


def _table_of(model: type[Model]) -> datamap.Table:
    return datamap.table(model._meta.label)
