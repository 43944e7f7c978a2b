"""References: what people quote on the telephone and staff type into a search box.

What could go wrong: a counter would tell everybody how many people complain, letters get misread aloud, and a guessed
reference must be worth nothing. So they are random, in Crockford's base 32 (no I, L, O, U), and open no door by
themselves: a page asks for proof of the mailbox first.
"""

import re
import secrets

from django.urls import register_converter

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PATTERN = rf"PR-[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}"
_MISREAD = str.maketrans("ILO", "110")


def new() -> str:
    """A fresh reference such as "PR-7K3M-9QXD"; 40 random bits."""
    symbols = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return f"PR-{symbols[:4]}-{symbols[4:]}"


def normalise(text: str) -> str:
    """What was meant by a typed reference: lower case, spaces, O for 0 and I or L for 1 are forgiven. "" if nothing."""
    symbols = re.sub(r"[\s\-‐‑–—]", "", text).upper()
    symbols = symbols.removeprefix("PR").translate(_MISREAD)
    reference = f"PR-{symbols[:4]}-{symbols[4:]}"
    return reference if re.fullmatch(PATTERN, reference) else ""


class ReferenceConverter:
    """`<reference:reference>` in a URL pattern; only the canonical form has a page."""

    regex = PATTERN

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(ReferenceConverter, "reference")
