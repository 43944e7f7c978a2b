"""Files of people, handed to a colleague to be saved and never to be shown.

What could go wrong: a browser that runs what somebody has sent us, in the back office's own name. So nothing is opened
in place, nothing is guessed, and whatever opens all the same may do nothing.
"""

from django.http import HttpResponse


def as_file(name: str, content: bytes, *, media_type: str = "application/octet-stream") -> HttpResponse:
    """The bytes under a name of ours. Log the look first."""
    response = HttpResponse(content, content_type=media_type)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "no-store"
    return response
