"""Which files are taken, by what is in them.

What could go wrong: a program with the name of a picture (the name counts for nothing), an archive that unpacks to a
thousand times its size (no archive is ever opened, here or anywhere), a name that leads out of a folder or runs when
it is clicked (names are made here; the sender's is only shown).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crasme.kit import cards
from crasme.kit.text import clean
from privacy.models import Attachment

LARGEST = 10 * 1024 * 1024
MOST = 20

Refused = Attachment.Refused
_MAGIC: tuple[tuple[bytes, int, str, str], ...] = (
    (b"%PDF-", 0, "application/pdf", "pdf"),
    (b"\x89PNG\r\n\x1a\n", 0, "image/png", "png"),
    (b"\xff\xd8\xff", 0, "image/jpeg", "jpg"),
    (b"GIF87a", 0, "image/gif", "gif"),
    (b"GIF89a", 0, "image/gif", "gif"),
    (b"WEBP", 8, "image/webp", "webp"),
)
ENDINGS = {media_type: ending for _magic, _at, media_type, ending in _MAGIC}


@dataclass(frozen=True, slots=True)
class File:
    """What somebody attached: the name that they gave it, and its bytes."""

    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Judged:
    """`refused` says why its content is not kept; "" when it is."""

    media_type: str
    ending: str
    refused: str = ""


def recognised(content: bytes) -> Judged | None:
    """A PDF or a picture, by its first bytes; None for anything else."""
    for magic, at, media_type, ending in _MAGIC:
        if content[at : at + len(magic)] == magic:
            return Judged(media_type, ending)
    return None


def judge(file: File) -> Judged:
    """What the file is, by its first bytes."""
    if len(file.content) > LARGEST:
        return Judged("", "", Refused.SIZE)
    if (found := recognised(file.content)) is not None:
        return found
    if (text := _as_text(file.content)) is None:
        return Judged("", "", Refused.TYPE)
    if cards.find(text):
        return Judged("text/plain", "txt", Refused.CARD)
    return Judged("text/csv", "csv") if file.name.lower().endswith(".csv") else Judged("text/plain", "txt")


def _as_text(content: bytes) -> str | None:
    """Text in UTF-8 (or in a Windows or Latin alphabet), None for anything else."""
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        # Markup that a browser would run is no text here.
        active = text.lstrip()[:200].lower().startswith(("<!doctype html", "<html", "<svg", "<?xml", "<script"))
        return text if text and clean(text) == text.removeprefix("\ufeff") and not active else None
    return None


def rows(files: Iterable[File], *, now: datetime, **owner: Any) -> list[Attachment]:
    """Unsaved attachments of a mail or message, in order: at most so many with their content, the others by name."""
    made = []
    for number, file in enumerate(files, start=1):
        judged = judge(file) if number <= MOST else Judged("", "", Refused.MANY)
        made.append(
            Attachment(
                **owner,
                file_name=f"attachment-{number}.{judged.ending or 'bin'}",
                their_name=clean(file.name).strip()[:200] or None,
                media_type=judged.media_type,
                size=len(file.content),
                content=None if judged.refused else file.content,
                refused=judged.refused,
                stored_at=now,
            )
        )
    return made
