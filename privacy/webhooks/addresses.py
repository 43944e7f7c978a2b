"""Where a message may be sent: public addresses only, looked up once.

What could go wrong: an address that leads back into our own network, to a neighbour's machine or to the cloud's own
metadata service; a name that resolves to a public address when it is checked and to a private one when it is called.
So a name is resolved once, each of its addresses must be public, and the connection goes to the very address that was
looked at (privacy.webhooks.posting). IPv4 addresses that hide in IPv6 ones are looked at as what they are.
Source: OWASP ASVS 5.0 1.3.6, 13.2.4.
"""

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from privacy.errors import PrivacyError

LONGEST = 500
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # "global" by the registry, and IPv4 in truth
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class AddressRefused(PrivacyError):
    """No message is sent there; `code` says why, and goes into the delivery."""

    code = "address-refused"
    remedy = _("Give a complete https:// address of a public server, without a user name in it.")


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart. `host` is what the certificate must name and what the Host header says."""

    secure: bool
    host: str
    port: int
    path: str


def parse(url: str) -> Target:
    """The address taken apart, before anything is looked up. AddressRefused when it cannot be used."""
    if len(url) > LONGEST or not url.isascii() or any(character.isspace() or character < " " for character in url):
        raise AddressRefused(_("This is not an address."), code="address-malformed")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise AddressRefused(_("This is not an address."), code="address-malformed") from None
    host = parts.hostname or ""
    if parts.scheme not in ("https", "http") or not host:
        raise AddressRefused(_("This is not an address of a web server."), code="address-malformed")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressRefused(_("A user name or a fragment in the address is not sent."), code="address-malformed")
    secure = parts.scheme == "https"
    if not secure and not (settings.DEBUG or settings.WEBHOOKS_TO_LOOPBACK):
        raise AddressRefused(_("Only https:// is encrypted."), code="address-not-https")
    if (literal := _literal(host)) is not None:
        _require_public([literal])
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(secure, host, port or (443 if secure else 80), path)


def resolve(target: Target) -> list[str]:
    """The target's addresses, in the order in which to try them. AddressRefused when any is not public, or none is."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise AddressRefused(_("The name of the server cannot be found."), code="address-unknown") from None
    addresses = [ipaddress.ip_address(str(entry[4][0])) for entry in found]
    _require_public(addresses)
    return list(dict.fromkeys(map(str, addresses)))


def _require_public(addresses: list[Address]) -> None:
    for address in addresses:
        plain = _unwrapped(address)
        if plain.is_loopback and settings.WEBHOOKS_TO_LOOPBACK:
            continue
        # Multicast counts as global in the registry, and nobody listens there for us.
        if not plain.is_global or plain.is_multicast:
            raise AddressRefused(_("The address is not a public one."), code="address-not-public")


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one carries, by whichever of the known ways; else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
