"""What is held about a person that can be put right, value by value.

What could go wrong: a row that is somebody else's by now is shown, or written to (the rows come from the data map, and
only while the account has the proven mailbox), or a role is handed out because somebody asked for it (what is chosen
from a list, or links to another record, is proposed in free words, and a colleague chooses).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.utils.text import capfirst

from crasme.crm.fields import MailboxField
from crasme.crm.models import Account
from crasme.crm.services.corrections import CORRECTABLE
from crasme.kit import datamap
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
        return str(title_of(self.label, self.name))

    @property
    def group(self) -> str:
        """What the record is, as a heading."""
        return capfirst(str(self.row._meta.verbose_name))

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


def title_of(label: str, name: str) -> Any:
    """What the field is called, in the active language: the model's own word for it."""
    return capfirst(str(_field(label, name).verbose_name))


def shown(field: Any, value: Any, row: Model | None = None) -> str:
    """A stored value in words: the name of what it links to, the label of a choice."""
    if value in (None, ""):
        return ""
    if field.is_relation:
        linked = (
            getattr(row, field.name) if row is not None else field.related_model._base_manager.filter(pk=value).first()
        )
        return str(getattr(linked, "name", linked or ""))
    return str(dict(field.flatchoices).get(value, value))


def _field(label: str, name: str) -> Any:
    return datamap.table(label).model._meta.get_field(name)


def _table_of(model: type[Model]) -> datamap.Table:
    return datamap.table(model._meta.label)
