"""The letters that ship with the program, as files below templates/emails/, and how to get a text to start from.

What could go wrong: the copy that staff begin with says something else than the letter that they know. So it is made
by rendering the file itself, with marks where its values stand, in the language wanted; a test fills every copy in
again and compares it with what the file says.
"""

from dataclasses import dataclass

from django.template.loader import render_to_string
from django.utils import translation

from privacy.correspondence import markup, sample
from privacy.correspondence.catalogue import Entry
from privacy.correspondence.placeholders import Context

_FOOT = "\n--\n"


@dataclass(frozen=True, slots=True)
class Shipped:
    entry: Entry
    letter: str = ""

    def subject(self, context: Context) -> str:
        return render_to_string(f"emails/{self.entry.name}-subject.txt", dict(context)).strip()

    def text(self, context: Context) -> str:
        return collapsed(render_to_string(f"emails/{self.entry.name}-text.txt", dict(context)))

    def html(self, context: Context) -> str:
        return render_to_string(f"emails/{self.entry.name}-html.html", dict(context))


def collapsed(text: str) -> str:
    """Plain text: no line of a template that came out empty leaves more than one blank line behind."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.strip() or (lines and lines[-1]):
            lines.append(line.rstrip())
    return "\n".join(lines).strip() + "\n"


def to_start_from(entry: Entry, kind: str, language: str) -> tuple[str, str]:
    """Subject and body of the shipped letter with placeholders in place of values, as staff would have written them.

    `kind` may be "". What cannot be left out (the foot and the fixed lines) is not in it: it is added to every letter.
    """
    with translation.override(language):
        context = sample.marks(entry, kind)
        letter = Shipped(entry)
        body = letter.text(context).rpartition(_FOOT)[0].strip()
        for line in reversed(entry.fixed):
            body = body.removesuffix(str(line)).rstrip()
        values = sorted(_values(entry, context).items(), key=lambda item: -len(item[1]))
        return _unfilled(letter.subject(context), values), markup.tidy(_unfilled(body, values))


def _values(entry: Entry, context: Context) -> dict[str, str]:
    """Placeholder → how its mark looks in the rendered text."""
    found = {name: placeholder.value(context) for name, placeholder in entry.placeholders.items()}
    return {
        name: "\n".join(f"* {item}" for item in value) if isinstance(value, list) else value
        for name, value in found.items()
    }


def _unfilled(text: str, values: list[tuple[str, str]]) -> str:
    for name, value in values:
        text = text.replace(value, f"{{{name}}}")
    return text
