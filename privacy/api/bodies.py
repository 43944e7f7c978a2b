"""A small JSON body, read no further than its bound.

What could go wrong: megabytes where a page of text is expected; brackets nested so deeply that reading them is a fault
of the server. Both are the sender's, and are told so.
"""

from collections.abc import Mapping
from io import BytesIO
from typing import IO, Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

MOST = 64 * 1024


class BodyTooLarge(APIException):
    status_code = 413
    default_code = "too-much"


class SmallJSONParser(JSONParser):
    """As REST framework's own, up to MOST bytes: 413 above, 400 for whatever is no JSON."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body: bytes = stream.read(MOST + 1)
        if len(body) > MOST:
            raise BodyTooLarge(_("A call takes at most %(size)d kB.") % {"size": MOST >> 10})
        try:
            return super().parse(BytesIO(body), media_type, parser_context)
        except RecursionError:
            raise ParseError(_("The body is nested too deeply.")) from None
