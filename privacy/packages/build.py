"""Building a copy: a zip with every table as JSON and CSV, `about.json` for machines and `index.html` for people.

A portable copy holds what the person gave and what was observed, and describes each file by a schema; a copy for access
holds everything and explains it.

The zip is encrypted while it is written; plain text never touches the disk, not even in between.
"""

import hashlib
import io
import json
import tempfile
import zipfile
from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

from django.template.loader import render_to_string
from django.utils import translation

from crasme.kit.datamap import Subject, Table
from privacy.models import Request
from privacy.packages import attached, content, crypt, files, rows, schemas
from privacy.packages.content import Described

LEVEL = 4  # of deflate; beyond it time grows faster than the file shrinks
IN_MEMORY = 1024 * 1024  # bytes of one table's CSV


@dataclass(frozen=True, slots=True)
class Built:
    """`key` is base64; `sha256` and `size` are those of the zip as the person gets it; `rows` are counts by label."""

    file_name: str
    key: str
    sha256: str
    size: int
    rows: dict[str, int]


def build(request: Request, subject: Subject, *, contacts: int, now: datetime) -> Built:
    """Write the file and say what it is. Nothing refers to it yet; whoever made it must, or the sweep removes it.

    `contacts` is how many entries about the person customers have written.
    """
    key = crypt.new_key()
    with files.writing() as (name, file):
        sealer = crypt.Sealer(file, key)
        tally = _Tally(sealer)
        with zipfile.ZipFile(tally, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
            described = _fill(archive, request, subject, contacts=contacts, now=now)
        sealer.seal()
    return Built(
        file_name=name,
        key=b64encode(key).decode("ascii"),
        sha256=tally.digest.hexdigest(),
        size=tally.size,
        rows={table.label: table.rows for table in described},
    )


class _Tally(io.RawIOBase):
    """Counts and hashes what passes through."""

    def __init__(self, into: crypt.Sealer) -> None:
        super().__init__()
        self._into, self.size, self.digest = into, 0, hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.size += len(data)
        self.digest.update(data)
        return self._into.write(data)


def _fill(
    archive: zipfile.ZipFile, request: Request, subject: Subject, *, contacts: int, now: datetime
) -> list[Described]:
    facts = content.facts(now, request.language)
    portable = request.kind == Request.Kind.PORTABILITY
    found: list[tuple[Table, Described]] = []
    empty: list[str] = []
    with translation.override(request.language):
        for table, count in content.held(subject):
            if portable and not table.portable:
                continue
            described = facts.described(table)
            stream = rows.read(table, subject, count) if count else iter(())
            if (first := next(stream, None)) is None:
                empty.append(described.title)
                continue
            _table(archive, table, described, chain((first,), stream))
            if portable:
                schemas.write(archive, table, described)
            found.append((table, described))
        if not portable:
            attached.write(archive, subject)
        context = {
            "request": request,
            "now": now,
            "facts": facts,
            "tables": [described for _of, described in found],
            "portable": portable,
            "empty": empty,
            "contacts": contacts,
            "shown": rows.SHOWN,
            "common": "" if portable else content.common(now, request.language),
        }
        archive.writestr("about.json", json.dumps(_about(context), ensure_ascii=False, indent=1))
        page = "portal/requests/portable.html" if portable else "portal/requests/package.html"
        archive.writestr("index.html", render_to_string(page, context))
        if portable:
            archive.writestr("dictionary.csv", "\ufeff" + schemas.dictionary(found))
    return [described for _of, described in found]


def _table(archive: zipfile.ZipFile, table: Table, described: Described, found: Iterable[Sequence[Any]]) -> None:
    with _Aside() as sheet:
        with archive.open(f"data/{described.stem}.json", "w", force_zip64=True) as data:
            rows.write(found, table, described, data=data, sheet=sheet)
        with archive.open(f"data/{described.stem}.csv", "w", force_zip64=True) as entry:
            for piece in sheet.pieces():
                entry.write(piece)


class _Aside(io.RawIOBase):
    """Where the second file waits, since a zip takes one entry at a time: in memory, or once it is long in a file that
    is sealed with a key that nobody keeps.
    """

    def __init__(self) -> None:
        super().__init__()
        self._memory, self._key = io.BytesIO(), b""
        self._file: Any = None
        self._sealer: crypt.Sealer | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        if self._sealer is None and self._memory.tell() > IN_MEMORY:
            self._key, self._file = crypt.new_key(), tempfile.TemporaryFile(dir=files.folder())  # noqa: SIM115
            self._sealer = crypt.Sealer(self._file, self._key)
            self._sealer.write(self._memory.getvalue())
        if self._sealer is not None:
            return self._sealer.write(data)
        return self._memory.write(data)

    def pieces(self) -> Iterator[bytes]:
        """All that was written; nothing can follow it."""
        if self._sealer is None:
            yield self._memory.getvalue()
            return
        self._sealer.seal()
        self._file.seek(0)
        yield from crypt.opened(self._file, self._key)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        super().close()


def _about(context: dict[str, Any]) -> dict[str, Any]:
    """The same for machines: what the files hold, and everything that Art. 15 asks to be said about it."""
    facts, request = context["facts"], context["request"]
    return {
        "reference": request.reference,
        "made_at": context["now"].isoformat(),
        "controller": facts.controller,
        "tables": [
            {
                "title": table.title,
                "rows": table.rows,
                "files": [f"data/{table.stem}.json", f"data/{table.stem}.csv"],
                **({"schema": schemas.path_of(table)} if context["portable"] else {}),
                "fields": table.fields,
                "left_out": table.withheld,
                "purposes": table.purposes,
                "source": table.source,
                "kept_for": table.kept_for,
                "kept_because": table.reasons,
                "stays_for": table.stays_for if table.reasons else "",
            }
            for table in context["tables"]
        ],
        "nothing_found_in": context["empty"],
        "recipients": facts.recipients,
        "rights": facts.rights,
        "entries_written_by_customers": context["contacts"],
    }
