"""Keyed hashes of addresses, under every pepper that is in use.

What could go wrong: the pepper is exchanged and everybody who opted out is forgotten. So hashes are looked up under
every pepper of SUPPRESSION_PEPPERS, new ones are made with the first, each row says which one it was made with, and an
old row gets the new hash when its address is next seen (`consent.peppers`).
"""

import hmac
import re
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.lookups import In
from django.utils.translation import gettext_lazy as _

from crasme.kit import crypto
from crasme.kit.text import normalise_email, problem

_HASH = re.compile(r"[0-9a-f]{64}")
_PHONE = re.compile(r"(?:\+|00)[\d\s()./-]{6,24}")
_NO_DIGIT = re.compile(r"\D")


def normalise(address: str) -> str:
    """An e-mail address as stored everywhere, or a telephone number as "+" and digits."""
    if "@" not in address and _PHONE.fullmatch(plain := address.strip()):
        digits = _NO_DIGIT.sub("", plain.replace("(0)", ""))
        return f"+{digits.removeprefix('00')}"
    return normalise_email(address)


def is_address(text: str) -> bool:
    """Whether it can be one: something on both sides of an "@", or a number with its country code."""
    if problem(text):  # the database could not even be asked about it
        return False
    plain = (text if text.isascii() else normalise(text)).strip()
    local, at, domain = plain.rpartition("@")
    return bool(local and domain and " " not in plain) if at else _PHONE.fullmatch(plain) is not None


def is_hash(text: str) -> bool:
    return bool(_HASH.fullmatch(text))


def current_version() -> int:
    return next(iter(settings.SUPPRESSION_PEPPERS))


def versions() -> tuple[int, ...]:
    """The numbers of the peppers in use, the one that new hashes are made with first."""
    return tuple(settings.SUPPRESSION_PEPPERS)


def address_hash(address: str, version: int | None = None) -> str:
    """HMAC-SHA256 of the normalised address, 64 hexadecimal digits, under the current pepper or that of a version."""
    return hmac.digest(_pepper(version), normalise(address).encode(errors="surrogatepass"), "sha256").hex()


def hashes_of(normalised: Iterable[str], version: int | None = None) -> list[str]:
    """The hashes of many addresses that are normalised already."""
    key, make = _pepper(version), hmac.digest
    return [make(key, each.encode(errors="surrogatepass"), "sha256").hex() for each in normalised]


def _pepper(version: int | None) -> bytes:
    own: bytes = settings.SUPPRESSION_PEPPERS[current_version() if version is None else version]
    return own or crypto.derived_key("consent.suppression")


class Among(In):
    """`column__among=[…]`: as `in`, but all values travel as one text, which neither the driver has to quote piece by
    piece nor the database to plan: 100,000 cost little more than one. They are taken as they are.
    """

    lookup_name = "among"

    def get_prep_lookup(self) -> Any:
        return list(self.rhs)

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        left, params = self.process_lhs(compiler, connection)
        # No address has the separator in it: it is a control character.
        return f"{left} = ANY(string_to_array(%s, chr(31)))", [*params, chr(31).join(self.rhs)]


models.CharField.register_lookup(Among)


class AddressHashField(models.CharField):
    """The keyed hash of an address. Takes an address or a hash, in assignments and in lookups; a lookup by an address
    finds its hash under any pepper in use.
    """

    description = _("Keyed hash of an e-mail address")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"max_length": 64} | kwargs)

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        if value is None or _HASH.fullmatch(value):
            return value
        return address_hash(value)

    def stored_forms(self, value: str) -> list[str]:
        """All that it can be stored as: a hash as it is, an address under every pepper. `kit.recipes` asks for it."""
        return [value] if is_hash(value) else [address_hash(value, version) for version in versions()]

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = self.get_prep_value(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value

    def validate(self, value: Any, model_instance: models.Model | None) -> None:
        super().validate(value, model_instance)
        if not is_address(value) and not _HASH.fullmatch(value):
            raise ValidationError(_("This is not an e-mail address."), code="address")


class _Under(In):
    """By hashes: as they are. By addresses: under every pepper."""

    def get_prep_lookup(self) -> Any:
        given = [self.rhs] if isinstance(self.rhs, str) else list(self.rhs)
        return [form for value in given for form in self.lhs.output_field.stored_forms(value)]

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        left, params = self.process_lhs(compiler, connection)
        return f"{left} = ANY(%s)", [*params, self.rhs]


@AddressHashField.register_lookup
class Is(_Under):
    lookup_name = "exact"


@AddressHashField.register_lookup
class IsIn(_Under):
    lookup_name = "in"
