"""Text that a spreadsheet shows instead of running.

What could go wrong: a name such as `=HYPERLINK(…)` typed into a public form becomes a formula on the desk of whoever
opens the export, also when it begins with a blank, a tab, a zero-width character or a full-width sign, all of which
some program trims. So such text gets a leading apostrophe, at every place where a table leaves the house. Numbers and
dates stay what they are; a string is a string, "-5" included.
"""

import csv
import re
from collections.abc import Iterable
from datetime import date, time
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

# Everything a spreadsheet or a careless import may drop before it looks at the first character.
_IGNORED = r"\s\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b"
_DANGEROUS = re.compile(rf"[{_IGNORED}]*[{_SIGNS}\t\r\n\x00]")
_HARMLESS = (bool, int, float, Decimal, date, time, UUID, type(None))


class Writable(Protocol):
    def write(self, text: str, /) -> object: ...


def neutralise(value: Any) -> Any:
    """The value for one cell: numbers, dates, UUIDs and None unchanged, anything else as text that is no formula."""
    if isinstance(value, _HARMLESS):
        return value
    text = str(value)
    return f"'{text}" if _DANGEROUS.match(text) else text


def restore(value: Any) -> Any:
    """What `neutralise` was given, for text that it changed: an export that comes back as an import is the same."""
    if isinstance(value, str) and value.startswith("'") and _DANGEROUS.match(value, 1):
        return value[1:]
    return value


class SafeWriter:
    """Like `csv.writer`, with every cell neutralised. Delimiter ",", lines end with CR LF (RFC 4180)."""

    def __init__(self, file: Writable) -> None:
        self._writer = csv.writer(file)

    def writerow(self, row: Iterable[Any]) -> None:
        self._writer.writerow([neutralise(cell) for cell in row])

    def writerows(self, rows: Iterable[Iterable[Any]]) -> None:
        for row in rows:
            self.writerow(row)


def csv_writer(file: Writable) -> SafeWriter:
    """Open the file with `encoding="utf-8-sig", newline=""`: without the mark Excel takes UTF-8 for something else."""
    return SafeWriter(file)
