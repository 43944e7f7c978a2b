"""What of a mail is its writer's own words, and what is quoted; and what must not be kept of either.

What could go wrong: our own letter, quoted below an answer, is taken for the person's words ("your request for
deletion of your data"), or brings the secrets back that our records never hold: the link and the code in it.
"""

import re

from crasme.kit import cards

# How mail programs announce what they quote, in the languages that we write.
_ANNOUNCED = re.compile(
    r"^(?:"
    r"-{2,}\s*(?:original message|urspr[üu]ngliche nachricht|message d['’]origine|mensaje original|الرسالة الأصلية)\b.*"
    r"|_{10,}"
    r"|(?:on|am|le|el|em) .{4,200}(?:wrote|schrieb|a écrit|escribió).{0,120}:"
    r"|(?:في|بتاريخ) .{4,200}كتب.{0,60}:?"
    r"|(?:from|von|de|من)\s?: .+"
    r")$",
    re.IGNORECASE,
)
# The same, broken into two lines.
_BROKEN = re.compile(r"^(?:on|am|le|el|em) .{4,300}(?:wrote|schrieb|a écrit|escribió).{0,120}:$", re.IGNORECASE)
_SENT = re.compile(r"^(?:sent|gesendet|date|datum|envoyé|enviado|fecha|تاريخ|to|an|à|para|إلى)\s?:", re.IGNORECASE)
# Also as programs that guard their users pack it into a link of their own; and the secret alone, on a broken line.
_SLASH = r"(?:/|%2f)"
# Every page of ours that a secret in its address opens: the person's, a new mailbox's, a customer's, a recipient's.
_PAGES = rf"{_SLASH}(?:requests{_SLASH}(?:confirm|new-mailbox|release)|referrals|recipients{_SLASH}acknowledge){_SLASH}"
_OURS = re.compile(_PAGES, re.IGNORECASE)
_OUR_LINK = re.compile(rf"[^\s<>\"]{{0,300}}{_PAGES}[^\s<>\"]*", re.IGNORECASE)
_SECRET = re.compile(r"(?<![\w-])[\w-]{30,}(?![\w-])", re.ASCII)
_CODE = re.compile(r"(?<!\d)\d{4}[ \u00a0]\d{4}(?!\d)")
_CARDS = 50


def split(text: str) -> tuple[str, str]:
    """The writer's own words, and the quoted rest; the whole as their own when nothing else is left."""
    lines = text.splitlines()
    end = len(lines)
    for number, line in enumerate(lines):
        if _announces(line.strip(), lines[number + 1 : number + 4]):
            end = number
            break
    own = [line for line in lines[:end] if not line.lstrip().startswith(">")]
    quoted = [line for line in lines[:end] if line.lstrip().startswith(">")] + lines[end:]
    words = "\n".join(own).strip()
    return (words, "\n".join(quoted).strip()) if words else (text.strip(), "")


def _announces(line: str, following: list[str]) -> bool:
    whole = f"{line} {following[0].strip()}" if following else line
    if len(whole) > 400 or not (_ANNOUNCED.match(line) or _BROKEN.match(whole)):
        return False
    # "From: …" alone may be anybody's sentence; the block of a forwarded or answered mail goes on.
    if re.match(r"(?:from|von|de|من)\s?:", line, re.IGNORECASE):
        return any(_SENT.match(each.strip()) for each in following)
    return True


def without_secrets(text: str) -> str:
    """The text without our links and codes, and without payment card numbers."""
    if _OURS.search(text):
        for secret in (_OUR_LINK, _SECRET, _CODE):
            text = secret.sub("[…]", text)
    return without_cards(text)


def without_cards(text: str) -> str:
    """Every card number as "[…]": it must not be stored, and its writer must not be sent away for it."""
    for _round in range(_CARDS):
        if (found := cards.find(text)) is None:
            return text
        text = f"{text[: found.start]}[…]{text[found.end :]}"
    return re.sub(r"\d", "·", text) if cards.find(text) else text
