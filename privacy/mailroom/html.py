"""HTML mail as plain text.

What could go wrong: markup acts on whoever reads it (nothing of it is kept), a link hides where it leads (its address
is written out), hidden text is read as the sender's (style, script and head are dropped), a giant or broken document
stops the worker (who asks cuts it to LONGEST first; the standard library's parser takes anything).
"""

import re
from html.parser import HTMLParser

LONGEST = 1_000_000  # characters of markup that are read
_BLOCKS = frozenset([
    "address", "article", "blockquote", "body", "br", "center", "dd", "div", "dl", "dt", "footer", "form", "h1", "h2",
    "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul",
])  # fmt: skip
_SILENT = frozenset(["head", "script", "style", "template", "title", "noscript", "svg"])
_CELLS = frozenset(["td", "th"])
_SPACES = re.compile(r"[ \t\r\n\f\v]+")


def to_text(markup: str) -> str:
    """The text that a reader would see, a line a block; quoted parts as lines with ">"."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line: list[str] = []
        self._quoted = 0
        self._silent = 0
        self._link = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SILENT:
            self._silent += 1
        if tag in _BLOCKS:
            self._break()
        if tag in _CELLS and self._line:
            self._line.append(" ")
        if tag == "blockquote":
            self._quoted += 1
        if tag == "li":
            self._line.append("* ")
        if tag == "a":
            self._link = next((value or "" for name, value in attrs if name == "href"), "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _SILENT:
            self._silent = max(0, self._silent - 1)
        if tag == "a":
            self._write_link()
        if tag in _BLOCKS:
            self._break()
        if tag == "blockquote":
            self._quoted = max(0, self._quoted - 1)

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self._line.append(data)

    def _write_link(self) -> None:
        link, self._link = self._link, ""
        if link.startswith(("http://", "https://")) and link not in "".join(self._line[-3:]):
            self._line.append(f" <{link}>")

    def _break(self) -> None:
        line = _SPACES.sub(" ", "".join(self._line)).strip()
        self._line = []
        if line or (self._lines and self._lines[-1].strip("> ")):
            self._lines.append(f"{'>' * min(self._quoted, 9)} {line}".rstrip() if self._quoted else line)

    def text(self) -> str:
        self._break()
        return "\n".join(self._lines).strip()
