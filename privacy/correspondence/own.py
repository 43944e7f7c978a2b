"""A letter in the company's own words: the text that staff wrote, filled in, as plain text and as HTML.

What could go wrong: half a letter. A placeholder that this program no longer knows, or one that has no value although
it always should, stops the mail (LetterBroken) instead of leaving a hole. What a value says is escaped and never read
again for placeholders. The lines that cannot be left out are added here.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from django.template.loader import render_to_string
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from privacy.correspondence import markup
from privacy.correspondence.catalogue import Entry
from privacy.correspondence.markup import Block, Line, Slot, Unreadable
from privacy.correspondence.placeholders import Context, Form, Value
from privacy.correspondence.shipped import collapsed
from privacy.errors import LetterBroken

Values = Mapping[str, Value]
_BREAK = SafeString("<br>")


@dataclass(frozen=True, slots=True)
class Own:
    """`letter` is the id of the row that the text comes from; "" for one that is only being looked at."""

    entry: Entry
    subject_text: str
    body_text: str
    letter: str = ""
    _blocks: list[Block] = field(init=False)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "_blocks", markup.read(self.body_text))
        except Unreadable:
            raise _broken() from None

    def subject(self, context: Context) -> str:
        blocks = markup.read(self.subject_text)
        values = self._values(blocks, context)
        return " ".join(_inline(line, values) for block in blocks for line in block.lines)

    def text(self, context: Context) -> str:
        filled = self._filled(context)
        body = "\n\n".join("\n".join(_plain(line, values) for line in block.lines) for block, values in filled)
        return collapsed(render_to_string("emails/own-text.txt", {**context, "own": body, "fixed": self.entry.fixed}))

    def html(self, context: Context) -> str:
        filled = self._filled(context)
        pieces = ((html,) for block, values in filled for html in self._html(block, values))
        body = format_html_join("\n", "{}", pieces)
        return render_to_string("emails/own-html.html", {**context, "own": body, "fixed": self.entry.fixed})

    def _filled(self, context: Context) -> list[tuple[Block, Values]]:
        """The blocks that have something to say. One whose optional placeholder has not is left out; of a list, the
        line alone.
        """
        values = self._values(self._blocks, context)
        kept = []
        for block in self._blocks:
            empty = {slot.name for slot in block.slots if not values[slot.name]}
            lines = [line for line in block.lines if not (line.bullet and empty & {slot.name for slot in line.slots})]
            bullets_gone = len(lines) < len(block.lines) and not any(line.bullet for line in lines)
            if not bullets_gone and not any(empty & {slot.name for slot in line.slots} for line in lines):
                kept.append((Block(tuple(lines)), values))
        return kept

    def _values(self, blocks: list[Block], context: Context) -> Values:
        known = self.entry.placeholders
        names = {slot.name for block in blocks for slot in block.slots}
        if names - set(known):
            raise _broken()
        values = {name: known[name].value(context) for name in names}
        if any(not value and not known[name].optional for name, value in values.items()):
            raise _broken()
        return values

    # --- HTML --------------------------------------------------------------------------------------------------------
    def _html(self, block: Block, values: Values) -> Iterator[SafeString]:
        for shape, lines in groupby(block.lines, key=self._shape):
            together = list(lines)
            if not shape:
                shown = [_marked(line, values) for line in together]
                yield format_html("<p>{}</p>", format_html_join(_BREAK, "{}", ((each,) for each in shown)))
            elif shape == "bullet":
                yield _list(_marked(line, values) for line in together)
            else:
                yield from (self._alone(line.alone, values[line.alone]) for line in together)

    def _shape(self, line: Line) -> str:
        """How the line is set: "" for running text, "bullet", or "alone" for a placeholder that is more than words."""
        if line.bullet:
            return "bullet"
        return "alone" if line.alone and self.entry.placeholders[line.alone].form is not Form.WORDS else ""

    def _alone(self, name: str, value: Value) -> SafeString:
        placeholder = self.entry.placeholders[name]
        if isinstance(value, list):
            return _list(value)
        if placeholder.form is Form.LINK:
            label = placeholder.button or self.entry.button
            return format_html('<p><a class="button" href="{}">{}</a></p>', value, label)
        return format_html('<p class="{}">{}</p>', "code" if placeholder.form is Form.CODE else "words", value)


def _list(items: Iterable[str]) -> SafeString:
    return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", ((item,) for item in items)))


def _marked(line: Line, values: Values) -> SafeString:
    """A line with its values, each of which keeps its direction to itself."""
    return format_html_join("", "{}", ((_piece(piece, values),) for piece in line.pieces))


def _piece(piece: str | Slot, values: Values) -> SafeString:
    if isinstance(piece, str):
        return conditional_escape(piece)
    return format_html("<bdi>{}</bdi>", _one_line(values[piece.name]))


# --- plain text ------------------------------------------------------------------------------------------------------
def _plain(line: Line, values: Values) -> str:
    value = values[line.alone] if line.alone else ""
    if isinstance(value, list):
        return "\n".join(f"* {item}" for item in value)
    if line.alone:
        return value
    return f"* {_inline(line, values)}" if line.bullet else _inline(line, values)


def _inline(line: Line, values: Values) -> str:
    return "".join(piece if isinstance(piece, str) else _one_line(values[piece.name]) for piece in line.pieces)


def _one_line(value: Value) -> str:
    return " ".join((", ".join(value) if isinstance(value, list) else value).split())


def _broken() -> LetterBroken:
    return LetterBroken(_("The company's own text of this letter does not fit any more."))
