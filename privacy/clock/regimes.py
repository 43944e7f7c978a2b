"""Whose law a request falls under, as far as the clock is concerned."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Regime(TextChoices):
    EU = "eu", _("EU and EEA (GDPR)")
    UK = "uk", _("United Kingdom (UK GDPR)")
    CALIFORNIA = "us-ca", _("California (CCPA)")
    BRAZIL = "br", _("Brazil (LGPD)")
    CANADA = "ca", _("Canada (PIPEDA)")
    OTHER = "other", _("Elsewhere or unknown")


_EEA = frozenset(
    [
        "AT",
        "BE",
        "BG",
        "CY",
        "CZ",
        "DE",
        "DK",
        "EE",
        "ES",
        "FI",
        "FR",
        "GR",
        "HR",
        "HU",
        "IE",
        "IS",
        "IT",
        "LI",
        "LT",
        "LU",
        "LV",
        "MT",
        "NL",
        "NO",
        "PL",
        "PT",
        "RO",
        "SE",
        "SI",
        "SK",
    ]
)
_SINGLE = {"GB": Regime.UK, "BR": Regime.BRAZIL, "CA": Regime.CANADA}


def of_country(code: str) -> Regime:
    """By ISO 3166 code. The United States stay OTHER: the state decides, and an address on file need not name it."""
    code = code.upper()
    return Regime.EU if code in _EEA else _SINGLE.get(code, Regime.OTHER)
