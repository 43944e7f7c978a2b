"""`/inbox/`: the mail that the local sink received, so that a visitor can follow the links. Only while DEBUG is on.

What could go wrong: it opens outside development (every view answers 404 then, whatever the URLs say), a mail's markup
acts on this site (it is shown in a sandboxed frame with a policy of its own that allows no script and loads nothing),
a name in the address leads out of the spool (names are matched, never joined blindly), or a page is half translated (it
is a tool for developers and wholly in English, whatever language the mails are in).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import wraps
from pathlib import Path
from typing import Concatenate
from urllib.parse import urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

SHOWN = 200
_HTML_POLICY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"
)


@dataclass(frozen=True)
class Mail:
    """One received mail; `key` is its place in the spool."""

    key: str
    received: datetime
    message: EmailMessage

    @property
    def subject(self) -> str:
        return str(self.message["Subject"] or "")

    @property
    def sender(self) -> str:
        return str(self.message["From"] or self.message["X-Envelope-From"] or "")

    @property
    def recipient(self) -> str:
        return str(self.message["To"] or self.message["X-Envelope-To"] or "")

    @property
    def text(self) -> str:
        return self._part("plain")

    @property
    def html(self) -> str:
        return self._part("html")

    @property
    def attachments(self) -> list[str]:
        return [part.get_filename() or part.get_content_type() for part in self.message.iter_attachments()]

    @property
    def one_click(self) -> str:
        """Where a mail program's own button would unsubscribe, on this site alone; empty when it would offer none."""
        link = str(self.message["List-Unsubscribe"] or "").strip(" <>")
        ours = f"{settings.SITE_URL.rstrip('/')}/unsubscribe/"
        return urlsplit(link).path if self.message["List-Unsubscribe-Post"] and link.startswith(ours) else ""

    def _part(self, kind: str) -> str:
        part = self.message.get_body(preferencelist=(kind,))
        return "" if part is None else str(part.get_content())


def _spool() -> Path:
    return Path(settings.MAIL_SPOOL) / "new"


def _read(file: Path) -> Mail:
    message = message_from_bytes(file.read_bytes(), EmailMessage, policy=policy.default)
    received = datetime.fromtimestamp(int(file.stem.partition("-")[0]) / 1e9, tz=UTC)
    return Mail(key=file.stem, received=received, message=message)


def _find(key: str) -> Mail:
    for file in _spool().glob("*.eml"):
        if file.stem == key:
            return _read(file)
    raise Http404("This mail is not in the spool (any more).")


def _in_development[**P](
    view: Callable[Concatenate[HttpRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if not settings.DEBUG:
            raise Http404
        with translation.override("en"):
            return view(request, *args, **kwargs)

    return never_cache(require_safe(guarded))


@_in_development
def index(request: HttpRequest) -> HttpResponse:
    """The newest mails first."""
    files = sorted(_spool().glob("*.eml"), reverse=True)
    return render(request, "inbox/index.html", {"mails": map(_read, files[:SHOWN]), "count": len(files)})


@_in_development
def mail(request: HttpRequest, key: str) -> HttpResponse:
    """One mail: its headers, its text with links to follow, and its HTML part in a closed frame."""
    return render(request, "inbox/mail.html", {"mail": _find(key)})


@_in_development
@xframe_options_sameorigin
def html(request: HttpRequest, key: str) -> HttpResponse:
    """The HTML part alone, for the frame; links open in a new tab."""
    response = HttpResponse(f'<!doctype html><base target="_blank">{_find(key).html}')
    response["Content-Security-Policy"] = f"{_HTML_POLICY}; frame-ancestors 'self'"
    return response


urlpatterns = [
    path("", index, name="inbox"),
    path("<slug:key>/", mail, name="inbox-mail"),
    path("<slug:key>/html/", html, name="inbox-html"),
]
