"""Reading usage events from NDJSON: every line checked, and turned into a line that COPY takes.

What could go wrong: one bad line out of 50,000 spoils the call and nobody can find it; a NUL, a lone surrogate or
"Infinity" passes here and breaks the insert as a whole; a card number typed into a search box is stored. So each
line is checked for all of that, and an error names the line and the field, and never quotes a value.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _

from crasme.crm.errors import EventsRefused, TooMuch
from crasme.crm.models import UsageEvent
from crasme.kit import cards, text

MOST_LINES: Final = 50_000
MOST_ERRORS: Final = 100
LONGEST_NAME: Final = 120
LARGEST_DETAIL: Final = 4_000
LONGEST_DURATION: Final = 2**31 - 1

REQUIRED: Final = frozenset({"id", "account", "occurred_at", "kind", "name"})
KNOWN: Final = REQUIRED | {"duration_ms", "detail"}
KINDS: Final = frozenset(UsageEvent.Kind.values)
COLUMNS: Final = ("id", "account_id", "occurred_at", "kind", "name", "duration_ms", "detail")

_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}").fullmatch
_UUID7 = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}").fullmatch
# RFC 3339, which is narrower than ISO 8601. PostgreSQL keeps microseconds: further digits are cut off.
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
).fullmatch
_decode = json.JSONDecoder().raw_decode
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True, slots=True)
class Batch:
    """Checked events as COPY lines (the columns of COLUMNS, text format), and the span of their instants."""

    rows: list[str]
    first: datetime
    last: datetime


class _Bad(Exception):
    """What is wrong with a line: the field ("" for the line itself), a slug for machines, a sentence for people."""

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(message)
        self.field, self.code, self.message = field, code, message

    def at(self, line: int) -> dict[str, object]:
        pointer = f"#/{self.field}" if self.field else "#"
        return {"line": line, "pointer": pointer, "detail": self.message, "code": self.code}


def read(body: bytes, *, oldest: datetime, newest: datetime) -> Batch | None:
    """All events of a body of NDJSON in UTF-8, or None when it holds none; blank lines are passed over.

    EventsRefused when any line is bad, with the first problem of each of the first hundred bad lines; TooMuch above
    MOST_LINES lines. Instants from `oldest` to `newest` are taken, both included.
    """
    rows: list[str] = []
    moments: list[datetime] = []
    bad: list[dict[str, object]] = []
    names = _Names()
    for number, raw in _lines(body):
        try:
            row, moment = _row(_object(raw), names, oldest, newest)
        except _Bad as problem:
            bad.append(problem.at(number))
            if len(bad) == MOST_ERRORS:
                break
            continue
        rows.append(row)
        moments.append(moment)
    if bad:
        raise EventsRefused(_("No event was stored, because some lines cannot be taken."), bad)
    return Batch(rows, min(moments), max(moments)) if rows else None


def _lines(body: bytes) -> Iterator[tuple[int, bytes]]:
    if body.count(b"\n") - body.endswith(b"\n") >= MOST_LINES:
        raise TooMuch(_("A call takes at most %(lines)d lines.") % {"lines": MOST_LINES})
    for number, raw in enumerate(body.split(b"\n"), start=1):
        if raw and not raw.isspace():
            yield number, raw


def _object(raw: bytes) -> dict[str, Any]:
    try:
        line = raw.strip().decode()
        found, end = _decode(line)
    except UnicodeDecodeError:
        raise _Bad("", "not-utf8", _("The line is not in UTF-8.")) from None
    except (ValueError, RecursionError):
        raise _Bad("", "not-an-object", _("The line is no JSON object.")) from None
    if type(found) is not dict or end != len(line):
        raise _Bad("", "not-an-object", _("The line is no JSON object."))
    if missing := REQUIRED - found.keys():
        raise _Bad(min(missing), "missing", _("The field is missing."))
    if unknown := found.keys() - KNOWN:
        raise _Bad(_shown(min(unknown)), "unknown", _("There is no such field."))
    return found


def _shown(key: str) -> str:
    """A key that the caller made up may hold anything; only one that looks like a name is repeated."""
    return key if re.fullmatch(r"[A-Za-z_]{1,30}", key) else "?"


class _Names(dict[str, str]):
    """Names already checked, as COPY takes them: a product has few pages and features, and they recur."""

    def __missing__(self, name: str) -> str:
        _check_name(name)
        self[name] = escaped = name.translate(_COPY_ESCAPES)
        return escaped


def _row(event: dict[str, Any], names: _Names, oldest: datetime, newest: datetime) -> tuple[str, datetime]:
    identifier, account, kind, name = event["id"], event["account"], event["kind"], event["name"]
    if type(identifier) is not str or not _UUID7(identifier):
        raise _Bad("id", "not-uuid7", _("This is no UUID of version 7."))
    if type(account) is not str or not _UUID(account):
        raise _Bad("account", "not-uuid", _("This is no UUID."))
    moment = _moment(event["occurred_at"])
    if moment > newest:
        raise _Bad("occurred_at", "future", _("The event lies in the future."))
    if moment < oldest:
        raise _Bad("occurred_at", "too-old", _("The event is older than usage data is kept."))
    if type(kind) is not str or kind not in KINDS:
        raise _Bad("kind", "not-a-kind", _("The kind is one of: %(kinds)s.") % {"kinds": ", ".join(sorted(KINDS))})
    if type(name) is not str:
        raise _Bad("name", "not-text", _("The name is a text."))
    name = names[name]
    duration = _duration(event.get("duration_ms"))
    detail = _detail(event.get("detail"))
    return f"{identifier}\t{account}\t{moment.isoformat()}\t{kind}\t{name}\t{duration}\t{detail}\n", moment


def _moment(value: Any) -> datetime:
    if type(value) is not str or not _INSTANT(value):
        raise _Bad(
            "occurred_at", "not-an-instant", _("This is no instant with its offset, such as 2026-11-22T13:05:00.250Z.")
        )
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise _Bad("occurred_at", "not-an-instant", _("There is no such day or time.")) from None


def _check_name(name: str) -> None:
    if not 0 < len(name) <= LONGEST_NAME:
        raise _Bad("name", "length", _("The name is a text of 1 to %(most)d characters.") % {"most": LONGEST_NAME})
    if what := text.problem(name):
        raise _Bad("name", "unreadable", _("The name holds %(what)s.") % {"what": what})
    if cards.find(name):
        raise _Bad("name", "card-number", _card())


def _duration(value: Any) -> str:
    if value is None:
        return r"\N"
    if type(value) is not int or not 0 <= value <= LONGEST_DURATION:
        raise _Bad(
            "duration_ms", "not-a-duration", _("The duration is a whole number of milliseconds, up to 2147483647.")
        )
    return str(value)


def _detail(value: Any) -> str:
    if not value and (value is None or value == {}):
        return "{}"
    if type(value) is not dict:
        raise _Bad("detail", "not-an-object", _("The detail is a JSON object."))
    try:
        encoded = _encode(value)
    except (ValueError, RecursionError):
        raise _Bad("detail", "not-json", _("The detail is nested too deeply or holds no real number.")) from None
    if len(encoded) > LARGEST_DETAIL:
        raise _Bad("detail", "length", _("The detail is longer than %(most)d characters.") % {"most": LARGEST_DETAIL})
    if not encoded.isascii() or "\\u" in encoded:
        for part in _texts(value):
            if what := text.problem(part):
                raise _Bad("detail", "unreadable", _("The detail holds %(what)s.") % {"what": what})
    if cards.find_in(value):
        raise _Bad("detail", "card-number", _card())
    return encoded.replace("\\", "\\\\")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _card() -> str:
    return _("This looks like a payment card number; card data is never stored here.")
