"""Text from outside: addresses that compare equal when they are one mailbox, and strings the database can store.

What could go wrong: "Åsa@Example.COM" and "åsa@example.com" become two people, so an erasure misses one; a NUL byte or
a lone surrogate breaks an insert halfway through an import; a masked address still tells who it is.
"""

import re
import unicodedata

import idna

# Tab, line feed and carriage return are text. NUL PostgreSQL refuses; the rest is never typed by a person. A lone
# surrogate has no UTF-8 form, and the last two code points of each plane are not characters.
_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_EDGES = "\ufeff\u200b\u2060"
_KEPT = "ßς"
_AT_KEPT = re.compile(f"([{_KEPT}])")


def normalise_email(address: str) -> str:
    """The form in which an address is stored, compared and hashed.

    NFKC, trimmed, case folded; an international domain becomes its ASCII form, a final dot goes. Gmail's dots and
    "+tags" stay, because guessing a provider's rules would join two people; "ß" and a final sigma stay for the same
    reason, since faß.de and fass.de may have two owners. It does not validate: text without "@" comes back trimmed and
    folded, so that a lookup simply finds nothing.
    """
    if address.isascii():  # most are: the same in a tenth of the time
        folded = address.strip().lower()
    else:
        folded = _folded(unicodedata.normalize("NFKC", address).strip().strip(_EDGES).strip())
        # Folding may leave a decomposed form behind ("İ"); once more makes the function idempotent.
        folded = unicodedata.normalize("NFKC", folded)
    local, at, domain = folded.rpartition("@")
    return f"{local}@{_ascii_domain(domain)}" if at else folded


def _folded(text: str) -> str:
    """Case folding that keeps the two letters which are not another spelling of the text that it makes of them."""
    return "".join(part if part in _KEPT else part.casefold() for part in _AT_KEPT.split(text.replace("ẞ", "ß")))


def _ascii_domain(domain: str) -> str:
    """Source: UTS 46, non-transitional, with the labels of IDNA 2008, as browsers and registries have it."""
    domain = domain.rstrip(".")
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return domain  # no such domain can be registered; comparing must still work


def mask_email(address: str) -> str:
    """Enough for its owner to recognise ("a…@e….com"), too little for anybody else. "…" when it is no address."""
    local, at, domain = normalise_email(address).rpartition("@")
    if not (local and at and domain):
        return "…"
    name, dot, top = domain.rpartition(".")
    return f"{local[0]}…@{name[0]}….{top}" if dot and name else f"{local[0]}…@{domain[0]}…"


def problem(text: str) -> str:
    """What makes this text impossible to store, by name and position (from 1), or "". Never quotes the text."""
    found = _REFUSED.search(text)
    if not found:
        return ""
    code = ord(found.group())
    if code == 0:
        kind = "a NUL character"
    elif 0xD800 <= code <= 0xDFFF:
        kind = "half of a surrogate pair (the text was decoded wrongly)"
    else:
        kind = f"the control character U+{code:04X}"
    return f"{kind} at position {found.start() + 1}"


def clean(text: str, *, strict: bool = False) -> str:
    """The text without NULs, control characters, lone surrogates and a leading byte order mark.

    Tabs and line ends stay. With `strict` nothing is dropped silently: ValueError names the problem and its position.
    """
    text = text.removeprefix("\ufeff")
    if strict and (what := problem(text)):
        raise ValueError(f"The text holds {what}.")
    return _REFUSED.sub("", text)
