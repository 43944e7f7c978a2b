"""Whether a text of the company's own can be sent as a certain letter; if not, what is wrong and where.

What could go wrong: a mail with a hole where the link should be, or a reason that nobody reads because it stands in a
paragraph that is left out. So what a letter must say has to stand where nothing can take it away.
"""

from collections.abc import Iterator
from difflib import get_close_matches

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from privacy.correspondence import markup
from privacy.correspondence.catalogue import Entry
from privacy.correspondence.markup import Block, Fault, Slot, Unreadable
from privacy.correspondence.placeholders import Placeholder

SUBJECT_LENGTH, BODY_LENGTH = 150, 10_000


def check(entry: Entry, subject: str, body: str) -> None:
    """ValidationError with every problem, by field ("subject", "body")."""
    found = {"subject": list(_subject(entry, subject)), "body": list(_body(entry, body))}
    if problems := {name: texts for name, texts in found.items() if texts}:
        raise ValidationError(problems)


def _subject(entry: Entry, subject: str) -> Iterator[str]:
    text = markup.tidy(subject)
    if not text:
        yield _("Write a subject.")
    elif "\n" in text:
        yield _("A subject is one line.")
    elif len(text) > SUBJECT_LENGTH:
        yield _("A subject has at most %(number)d characters.") % {"number": SUBJECT_LENGTH}
    else:
        fitting = {
            name: found
            for name, found in entry.placeholders.items()
            if found.form.fits_a_subject and not found.optional
        }
        yield from _placeholders(subject, fitting, in_subject=True)


def _body(entry: Entry, body: str) -> Iterator[str]:
    text = markup.tidy(body)
    if not text:
        yield _("Write the text.")
    elif len(text) > BODY_LENGTH:
        yield _("A text has at most %(number)d characters.") % {"number": BODY_LENGTH}
    else:
        wrong = list(_placeholders(body, entry.placeholders, in_subject=False))
        yield from wrong
        if not wrong:
            yield from _missing(entry, markup.read(body))


def _placeholders(text: str, allowed: dict[str, Placeholder], *, in_subject: bool) -> Iterator[str]:
    try:
        blocks = markup.read(text)
    except Unreadable as error:
        yield from (_at(fault) for fault in error.faults)
        return
    unknown = [slot for block in blocks for slot in block.slots if slot.name not in allowed]
    yield from (_unknown(slot, allowed) for slot in unknown)
    if unknown:
        yield _("These can be used here: %(list)s.") % {"list": listed(allowed)}
    if in_subject:
        return
    for line in (line for block in blocks for line in block.lines if not line.alone):
        for slot in line.slots:
            if slot.name in allowed and allowed[slot.name].form.stands_alone:
                yield _("Line %(line)d: put {%(name)s} on a line of its own.") % {"line": slot.line, "name": slot.name}


def _missing(entry: Entry, blocks: list[Block]) -> Iterator[str]:
    """What must be said and is not, or only in a paragraph that something else may take away."""
    for name in entry.must:
        holding = [block for block in blocks if name in {slot.name for slot in block.slots}]
        if not holding:
            words = {"name": name, "meaning": entry.placeholders[name].meaning}
            yield _("{%(name)s} is missing: %(meaning)s. This letter cannot do without it.") % words
        elif not any(_is_sure(entry, block, name) for block in holding):
            yield _(
                "{%(name)s} stands in a paragraph that is left out when another placeholder in it has nothing to say. "
                "Give it a paragraph of its own."
            ) % {"name": name}


def _is_sure(entry: Entry, block: Block, name: str) -> bool:
    return not any(entry.placeholders[slot.name].optional for slot in block.slots if slot.name != name)


def listed(placeholders: dict[str, Placeholder]) -> str:
    return ", ".join(f"{{{name}}} ({found.meaning})" for name, found in placeholders.items())


def _unknown(slot: Slot, allowed: dict[str, Placeholder]) -> str:
    place = {"line": slot.line, "column": slot.column, "name": slot.name}
    if near := get_close_matches(slot.name.strip().lower(), allowed, n=1):
        words = _("Line %(line)d, character %(column)d: {%(name)s} cannot be used here. Did you mean {%(near)s}?")
        return words % {**place, "near": near[0]}
    return _("Line %(line)d, character %(column)d: {%(name)s} cannot be used here.") % place


def _at(fault: Fault) -> str:
    words = _("Line %(line)d, character %(column)d: %(what)s. Braces are for placeholders only.")
    return words % {"line": fault.line, "column": fault.column, "what": fault.what}
