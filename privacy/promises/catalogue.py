"""Every promise that the policy makes, by number, in a few words; and why some of them cannot be asked of the data."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

TITLES: Final[dict[str, Promise]] = {
    "P1.1": _("Account information: only what is declared"),
    "P1.1a": _("Passwords are stored as a strong hash only"),
    "P1.2": _("Usage data: only what is declared"),
    "P1.3": _("Device information: only what is declared"),
    "P1.4": _("Cookies: only what is declared"),
    "P2.1": _("Used for providing the service"),
    "P2.2": _("Used for improving the platform"),
    "P2.3": _("Used for communication"),
    "P2.4": _("Used for security and compliance"),
    "P3.1": _("Shared with providers under contract only"),
    "P3.2": _("Disclosed only where the law demands it"),
    "P3.3": _("Everybody is told of a change of ownership"),
    "P4.1": _("Encrypted in transit and at rest"),
    "P4.2": _("Access by role"),
    "P4.3": _("Regular security audits"),
    "P4.4": _("Secure infrastructure, watched around the clock"),
    "P4.5": _("Regular security training"),
    "P4.6": _("An incident response plan that is followed"),
    "P5.1": _("Access requests are answered"),
    "P5.2": _("Correction requests are answered"),
    "P5.3": _("Deletion requests are answered"),
    "P5.4": _("Portability requests are answered"),
    "P5.5": _("Opt-outs are carried out"),
    "P5.6": _("Restriction requests are answered"),
    "P5.7": _("Every request is answered in time"),
    "P6.1": _("Cookies belong to the declared categories"),
    "P6.2": _("Cookie choices are respected"),
    "P7.1": _("Disconnected services leave nothing behind"),
    "P7.2": _("No payment card data is stored"),
    "P7.3": _("People are pointed to other services' policies"),
    "P8.1": _("Closed accounts are erased in time"),
    "P8.2": _("Usage data ends in time"),
    "P8.3": _("Billing records end in time"),
    "P8.4": _("Backups end in time"),
    "P8.5": _("Deletion can be asked for at any time"),
    "P9.1": _("No data is knowingly collected from children"),
    "P9.2": _("Children's data is deleted promptly"),
    "P9.3": _("Anybody can report children's data"),
    "P10.1": _("The published text is the one in force"),
    "P10.2": _("Material changes are announced"),
    "P10.3": _("Consent to changes where the law asks for it"),
    "P11.1": _("Questions get a first human answer soon"),
}

_PEOPLE = _("It is done by people and recorded elsewhere; nothing in this database shows it.")
_PURPOSE = _("Every table declares its purposes; how each row was used is not recorded.")

NO_CHECK: Final = _("No check asks for this promise yet.")
UNMEASURED: Final[dict[str, Promise]] = {
    "P2.1": _PURPOSE,
    "P2.2": _PURPOSE,
    "P2.4": _PURPOSE,
    "P3.2": _("Disclosures are not recorded here yet."),
    "P3.3": _("No change of ownership is recorded here; there is nothing to measure."),
    "P4.3": _PEOPLE,
    "P4.5": _PEOPLE,
    "P4.6": _PEOPLE,
    "P7.3": _("The product shows the link when a service is connected; that is not recorded."),
}
