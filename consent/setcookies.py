"""Reading a response's Set-Cookie headers: which names they would store, and whether they only delete.

What could go wrong: a header that Django's cookie jar did not make. A raw "Set-Cookie" may be spelled in any way a
browser tolerates, so it is read as browsers read it (RFC 6265 section 5.2: Max-Age beats Expires, the last of equal
attributes counts, a number that is none is ignored), and a comma that could start a second cookie counts as one.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookies import Morsel

_WHOLE = re.compile(r"-?[0-9]+")
_NEXT = re.compile(r",\s*([^\s=;,]+)\s*=")


def deletes(morsel: "Morsel[str]") -> bool:
    """Whether the cookie is over the moment it arrives, which removes it from the browser."""
    return _is_over(str(morsel["max-age"]).strip(), str(morsel["expires"]).strip())


def raw(header: str) -> Iterator[tuple[str, bool]]:
    """(name, deletes) of every cookie that a hand-made header could set; the name is "" for one without."""
    pair, _semicolon, rest = header.partition(";")
    name, equals, _value = pair.partition("=")
    attributes = {"max-age": "", "expires": ""}
    for part in rest.split(";"):
        key, _equals, value = part.partition("=")
        if key.strip().lower() in attributes:
            attributes[key.strip().lower()] = value.strip()
    yield name.strip() if equals else "", _is_over(attributes["max-age"], attributes["expires"])
    for found in _NEXT.finditer(header):
        yield found.group(1), False


def _is_over(max_age: str, expires: str) -> bool:
    if _WHOLE.fullmatch(max_age):
        return int(max_age) <= 0
    if not expires:
        return False
    try:
        moment = parsedate_to_datetime(expires)
    except ValueError:
        return False
    return moment.replace(tzinfo=moment.tzinfo or UTC) <= datetime.now(UTC)
