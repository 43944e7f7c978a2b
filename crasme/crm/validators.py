from functools import cache
from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext, gettext_lazy as _

# BCP 47, as far as products use it: a language, perhaps a script or a region.
validate_language = RegexValidator(
    r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,4})?\Z", _("Write a language code such as de or pt-BR."), "language"
)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def validate_time_zone(value: str) -> None:
    """A name of the IANA time zone database."""
    if value not in _zones():
        raise ValidationError(gettext("Write a time zone such as Europe/Vienna or UTC."), code="time-zone")
