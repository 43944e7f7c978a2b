"""What a copy says of a value to whoever reads it, in the language that is active.

What could go wrong: a value that the files beside it hold and the page leaves out (an empty one is shown as a dash), a
time without its zone, a company shown as a number (it is named), a code that means something to us only (the words of
its choice stand there, or those of `codes`; of a code that this version does not know any more, the code).
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache, partial
from typing import Any, Final

from django.db.models import Model
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format, number_format
from django.utils.translation import get_language, gettext as _

from crasme.kit import datamap
from crasme.kit.statements import Fetch
from privacy import factwords, readable
from privacy.packages import codes

LONGEST: Final = 300
Speaker = Callable[[Any], str]
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d[\d:.]*(Z|[+-]\d\d:\d\d)")
_CODES: Final[dict[str, Speaker]] = {"language": readable.language, "template": readable.letter}


def speaker(column: Any) -> Speaker:
    """How the values of one column of a model are said. What it leads to is named, where that is nobody."""
    if column.is_relation and (found := _named(column.related_model)) is not None:
        return cache(partial(_name, found))
    return partial(_said, words=_choices(column, get_language()), name=column.name)


@cache  # a copy has hundreds of columns, and their choices come with the program
def _choices(column: Any, _language: str | None) -> Mapping[Any, str]:
    """The words of a column's codes in the language that is active now; it is named for the cache."""
    return {code: str(label) for code, label in getattr(column, "flatchoices", None) or ()}


def _named(model: type[Model]) -> Fetch[Any] | None:
    """For the names of what is no person: companies and the like."""
    nobody = isinstance(datamap.covers(model._meta.label), datamap.NoPeople)
    return _by_key(model) if nobody and any(each.name == "name" for each in model._meta.concrete_fields) else None


@cache
def _by_key(model: type[Model]) -> Fetch[Any]:
    return Fetch(model._base_manager.order_by, "pk")


def _name(found: Fetch[Any], pk: Any) -> str:
    if pk is None:
        return readable.NOTHING
    row = found.one(pk)
    return str(pk if row is None else row.name)


def _said(value: Any, *, words: Mapping[Any, str], name: str) -> str:
    if _empty(value):
        return readable.NOTHING
    if not isinstance(value, dict | list) and value in words:
        return words[value]
    if isinstance(value, list) and words:
        return ", ".join(words.get(each, str(each)) for each in value)
    text = _in_words(value, name)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _in_words(value: Any, name: str) -> str:
    if _empty(value):
        return readable.NOTHING
    match value:
        case str():
            return _text(value, name)
        case bool():
            return _("Yes") if value else _("No")
        case int() if -1000 < value < 1000:  # nothing to group; most numbers are
            return str(value)
        case datetime():
            return f"{date_format(value, 'DATETIME_FORMAT')} UTC"
        case date():
            return date_format(value, "DATE_FORMAT")
        case int() | float() | Decimal():
            return number_format(value, force_grouping=True)
        case dict():
            inner = {key: name if name in codes.BY_CELL else str(key) for key in value}
            return " · ".join(f"{_key(key)}: {_in_words(each, inner[key])}" for key, each in value.items())
        case list():
            return ", ".join(_in_words(each, name) for each in value)
    return _text(str(value), name)


def _text(text: str, name: str) -> str:
    if name in _CODES:
        return _CODES[name](text)
    if _INSTANT.fullmatch(text) and (instant := parse_datetime(text)):
        return _in_words(instant.astimezone(UTC), name)
    return codes.value(name, text) or factwords.value(name, text) or text


def _empty(value: Any) -> bool:
    return value is None or value in ("", {}, [])


def _key(key: str) -> str:
    """A key inside a value: a topic, a category, the title of a table, or what staff call it."""
    if (words := codes.key(key)) is not None:
        return words
    covered = datamap.covers(key) if "." in key else None
    return _(covered.title) if isinstance(covered, datamap.Table) else readable.name(key)
