"""Whether a mail comes from the sender that it names, as the server that received it says (RFC 8601).

What could go wrong: the sender writes that header himself. So only our own server's word counts, by the name in
MAIL_AUTHSERV_ID, and of its headers the topmost: a server puts its own on top and takes away those that bear its name,
so that what stands below is not its own. A pass counts for the domain of the sender that we read and for no other.
Where the header says nothing, or is not there, nothing is known, and whoever reads the mail is told that. Or a pass for
co.uk counts for every company there: which domains are one organisation's only the list of public suffixes knows. It
comes with a package and is never fetched; below a suffix younger than the package, strangers count as one organisation,
so it is renewed with the other packages. What ends in nothing that the list knows (an address in brackets, a name of
somebody's own network) is nobody's organisation: there only the very same domain counts.

Source: RFC 8601 §2.2, §5; RFC 7489 §3.1.1, §3.1.2 (relaxed alignment, the default), §3.2 (organisational domains).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from django.conf import settings
from publicsuffixlist import PublicSuffixList

from privacy.mailroom.parsing import LONGEST_RESULTS, Parsed
from privacy.models.messages import SenderCheck

_FAILED = frozenset({"fail", "hardfail", "softfail"})
# Where each method says whose domain it has looked at.
_DOMAIN_IN = {"dmarc": ("header.from",), "dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom",)}
_AROUND_EQUALS = re.compile(r"\s*=\s*")


@dataclass(frozen=True, slots=True)
class Result:
    """`method` and `result` as in "dkim=pass"; `properties` as in "header.d=example.com"."""

    method: str
    result: str
    properties: dict[str, str] = field(default_factory=dict)

    @property
    def domain(self) -> str:
        """Whose it looked at, "" when it does not say. Of DKIM it is who signed: `header.i` may lie below that, and
        stands for it only where it is all that is said.
        """
        found = (self.properties.get(name, "") for name in _DOMAIN_IN[self.method])
        return next(filter(None, found), "").rpartition("@")[2].rstrip(".")


def check(parsed: Parsed) -> SenderCheck:
    """What our server says of the sender; NONE when it says nothing, or is not known to us."""
    ours = settings.MAIL_AUTHSERV_ID.lower()
    for header in parsed.results if ours else ():
        name, results = read(header)
        if name == ours:
            # Somebody has blown it up until its end is out of sight.
            whole = len(header) < LONGEST_RESULTS
            return _judged(results, parsed.sender.rpartition("@")[2].lower()) if whole else SenderCheck.FAILED
    return SenderCheck.NONE


def _judged(results: list[Result], domain: str) -> SenderCheck:
    dmarc = [each for each in results if each.method == "dmarc"]
    elsewhere = any(each.domain not in ("", domain) for each in dmarc)
    if elsewhere or any(each.result == "fail" for each in dmarc):  # it looked at another sender than we, or denies it
        return SenderCheck.FAILED
    if any(each.result == "pass" for each in dmarc):
        return SenderCheck.PASSED
    others = [each for each in results if each.method in ("dkim", "spf")]
    if domain and any(each.result == "pass" and _aligned(each.domain, domain) for each in others):
        return SenderCheck.PASSED
    return SenderCheck.FAILED if any(each.result in _FAILED for each in others) else SenderCheck.NONE


def _aligned(one: str, other: str) -> bool:
    """Whether two domains are one organisation's."""
    return one == other or ("" != _organisation(one) == _organisation(other))


def _organisation(domain: str) -> str:
    """The domain that somebody registered; "" for a public suffix, and for what lies below none."""
    return _suffixes().privatesuffix(domain) or "" if domain else ""


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False)


def read(header: str) -> tuple[str, list[Result]]:
    """The name of the server and its results, in lower case; what is no result is left out. Never raises."""
    first, *rest = _parts(header.lower())
    results = []
    for part in rest:
        method, *properties = [word.partition("=")[::2] for word in _AROUND_EQUALS.sub("=", part).split()] or [("", "")]
        name = method[0].partition("/")[0]
        if name in _DOMAIN_IN:
            results.append(Result(name, method[1], dict(properties)))
    return (first.split() or [""])[0], results


def _parts(text: str) -> Iterator[str]:
    """What stands between semicolons, without comments; of what is quoted, only what cannot be taken for more."""
    part: list[str] = []
    depth, quoted, signs = 0, False, iter(text)
    for sign in signs:
        if sign == "\\" and (depth or quoted):
            next(signs, "")
        elif quoted or (sign == '"' and not depth):
            quoted = quoted != (sign == '"')
            part.append(sign if sign.isalnum() or sign in "@.-_+" else "")
        elif sign in "()":
            depth = max(0, depth + (1 if sign == "(" else -1))
            part.append(" ")
        elif sign == ";" and not depth:
            yield "".join(part)
            part = []
        elif not depth:
            part.append(sign)
    yield "".join(part)
