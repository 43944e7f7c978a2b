"""Looks for payment card numbers in everything that is stored (P7.2).

What could go wrong: a door that nobody thought of: raw SQL, a restored file, a table of another room. So the scan
reads every text and JSON column of every table, whatever the data map says of it. The database passes over rows
without twelve digits close together; the rest comes through a server-side cursor and is judged as at the doors.
Encrypted columns are decrypted and judged too.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Final

from django.apps import apps
from django.db import models, transaction
from django.db.models import Field, Func, Model, Value
from django.db.models.functions import Cast

from crasme.kit import cards
from crasme.kit.fields import EncryptedTextField

CHUNK: Final = 2_000
# Between two columns, so that digits of one never join those of the next.
_APART: Final = " | | "


@dataclass(frozen=True, slots=True)
class Finding:
    """Where a card number lies: table "crm.account", column, and the row's primary key. Never the number."""

    table: str
    column: str
    row: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def scan() -> Iterator[Finding]:
    """Every place that holds a card number, table by table. Read-only; memory does not grow with the tables."""
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._meta.proxy:
            yield from _scan_model(model)


def columns(model: type[Model]) -> list[Field]:
    """What is read of a model: text and JSON, save the columns that it names in NEVER_CARDS, with the reason there."""
    kinds = (models.CharField, models.TextField, models.JSONField)
    exempt = set(getattr(model, "NEVER_CARDS", ()))
    return [field for field in model._meta.concrete_fields if isinstance(field, kinds) and field.name not in exempt]


def _scan_model(model: type[Model]) -> Iterator[Finding]:
    fields = columns(model)
    sealed = [field for field in fields if isinstance(field, EncryptedTextField)]
    if plain := [field for field in fields if field not in sealed]:
        texts = [Cast(field.name, models.TextField()) for field in plain]
        everything = Func(Value(_APART), *texts, function="concat_ws", output_field=models.TextField())
        suspicious = model._base_manager.alias(everything=everything).filter(everything__regex=_suspicious())
        yield from _judge(model, plain, suspicious)
    if sealed:
        yield from _judge(model, sealed, model._base_manager.all())


@cache
def _suspicious() -> str:
    """Twelve digits of any script with at most three other characters between: wider than any card, on purpose."""
    zeros = [c for c in map(chr, range(0x20000)) if unicodedata.category(c) == "Nd" and unicodedata.digit(c) == 0]
    digit = "".join(f"{zero}-{chr(ord(zero) + 9)}" for zero in zeros)  # each script has its ten in a row
    return f"[{digit}]([^{digit}]{{0,3}}[{digit}]){{11}}"


def _judge(model: type[Model], fields: Sequence[Field], rows: Any) -> Iterator[Finding]:
    names = [field.name for field in fields]
    # One transaction a table: the cursor lives in it, and a connection pooler keeps to it.
    with transaction.atomic():
        for pk, *values in rows.order_by().values_list("pk", *names).iterator(chunk_size=CHUNK):
            for name, value in zip(names, values, strict=True):
                if cards.find_in(value):
                    yield Finding(table=model._meta.label_lower, column=name, row=str(pk))
