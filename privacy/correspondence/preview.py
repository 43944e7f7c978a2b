"""Looking at a letter before anybody gets it.

What could go wrong: a preview that acts. Nothing here writes: no link is issued, no row is stored, and the request that
a letter is about is only changed in memory.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any

from django.utils import translation

from privacy.correspondence import sample
from privacy.correspondence.catalogue import Entry
from privacy.correspondence.own import Own
from privacy.correspondence.render import Rendered, Text, compose, hidden, shown
from privacy.correspondence.shipped import Shipped
from privacy.models import Message, Request


def of_text(entry: Entry, kind: str, language: str, *, subject: str, body: str) -> Rendered:
    """A text of the company's own, for an invented request. LetterBroken when it cannot be filled in."""
    return _sampled(Own(entry, subject, body), entry, kind, language)


def of_shipped(entry: Entry, kind: str, language: str) -> Rendered:
    return _sampled(Shipped(entry), entry, kind, language)


def of_letter(
    request: Request,
    template: str,
    *,
    written: str,
    facts: Mapping[str, Any],
    changes: Mapping[str, Any],
    now: datetime,
) -> Rendered:
    """A letter as this person would get it now; `changes` are what the act is going to write into the request."""
    changed = copy.copy(request)
    for name, value in changes.items():
        setattr(changed, name, value)
    message = Message(request=changed, template=template, language=request.language, written=written, facts=dict(facts))
    return shown(message, now=now)


def _sampled(text: Text, entry: Entry, kind: str, language: str) -> Rendered:
    with translation.override(language):
        facts = sample.facts(entry, kind)
        return compose(text, facts, sent={}, kept=hidden())


def themed(html: str, theme: str) -> str:
    """The same mail as a reader in the "light" or "dark" theme sees it, whichever the one who looks at it uses."""
    media = "all" if theme == "dark" else "not all"
    return html.replace("@media (prefers-color-scheme: dark)", f"@media {media}").replace(
        '<meta name="color-scheme" content="light dark">',
        # Links lead nowhere: this is a picture of a mail.
        f'<meta name="color-scheme" content="{theme}"><style>a {{ pointer-events: none }}</style>',
    )


@dataclass(frozen=True, slots=True)
class Change:
    """A line of a comparison: "same", "gone" or "new"."""

    what: str
    line: str


def compared(before: str, after: str) -> Iterator[Change]:
    old, new = before.split("\n"), after.split("\n")
    for what, first, last, begin, end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if what == "equal":
            yield from (Change("same", line) for line in old[first:last])
        else:
            yield from (Change("gone", line) for line in old[first:last])
            yield from (Change("new", line) for line in new[begin:end])
