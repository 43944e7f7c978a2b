"""A body of NDJSON as bytes, unpacked when it came packed, and never larger than a bound.

What could go wrong: 25 MB of gzip that unpack to 25 GB; a Content-Length that lies; a body that ends in the middle.
So the packed bytes are bounded, and unpacking stops at the same bound, whatever the headers said.
"""

import zlib
from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, ParseError, UnsupportedMediaType
from rest_framework.parsers import BaseParser

from crasme.crm.intake import MOST_BYTES

_GZIP = 16 + zlib.MAX_WBITS


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "too-much"


class NdjsonParser(BaseParser):
    """`request.data` is the unpacked body, bytes. 413 above MOST_BYTES, 400 for broken gzip, 415 for other packings."""

    media_type = "application/x-ndjson"

    def parse(  # type: ignore[override]  # REST framework hands on anything, and the view wants bytes
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> bytes:
        headers = (parser_context or {})["request"].headers
        packed: bytes = stream.read(MOST_BYTES + 1)
        if len(packed) > MOST_BYTES:
            raise _too_large()
        encoding = headers.get("Content-Encoding", "identity").strip().lower()
        if encoding == "gzip":
            return _unpacked(packed)
        if encoding != "identity":
            raise UnsupportedMediaType(f"{self.media_type}; {encoding}", detail=_("Send it packed by gzip, or plain."))
        return packed


def _unpacked(packed: bytes) -> bytes:
    """Every member of a gzip stream, one after the other."""
    parts: list[bytes] = []
    room = MOST_BYTES
    while packed:
        member = zlib.decompressobj(wbits=_GZIP)
        try:
            parts.append(member.decompress(packed, max_length=room + 1))
        except zlib.error:
            raise ParseError(_("The body is no valid gzip.")) from None
        room -= len(parts[-1])
        if room < 0:
            raise _too_large()
        if not member.eof:
            raise ParseError(_("The gzip body ends too early."))
        packed = member.unused_data
    return b"".join(parts)


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(_("A call takes at most %(size)d MB, unpacked.") % {"size": MOST_BYTES >> 20})
