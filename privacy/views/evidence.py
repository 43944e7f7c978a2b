"""Checking a piece of evidence: anybody who holds a certificate may ask whether the ledger says the same.

What could go wrong: the page becomes a way to browse the ledger. It answers one exact number at a time, says what was
done and when, never by whom or about whom, and recomputes the digest instead of believing the stored one.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext, gettext_lazy as _
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from consent import receipts
from crasme.kit.limits import limited, network
from crasme.ledger import seals, signing
from crasme.ledger.models import Entry, Seal
from crasme.ledger.registry import known
from crasme.ledger.services import digest_of
from privacy import throttle, verbs
from privacy.models import Request
from privacy.states import Outcome
from privacy.views import admission
from retention import certificate
from retention.engine import plans

ERASING: Final = (Request.Kind.DELETION, Request.Kind.CHILD)
LARGEST_BODY: Final = 4 * receipts.LARGEST  # a form's text grows on its way; below FILE_UPLOAD_MAX_MEMORY_SIZE
PURPOSES: Final = (certificate.PURPOSE, plans.PURPOSE, seals.PURPOSE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the page says about one entry. `same` is None when no digest was given to compare with."""

    meaning: str
    recorded_at: datetime
    digest: str
    intact: bool
    same: bool | None
    seal: Seal | None


class EvidenceForm(forms.Form):
    entry = forms.UUIDField(
        label=_("Number of the entry"),
        help_text=_("It stands on the certificate."),
        error_messages={
            "invalid": _(
                "The number has 32 digits and letters from a to f, in five groups. Copy it from the certificate."
            )
        },
    )
    digest = forms.RegexField(
        r"^[0-9a-fA-F]{64}$",
        label=_("Digest"),
        required=False,
        strip=True,
        help_text=_("The line of letters and digits below the number, if you want it compared."),
        error_messages={"invalid": _("A digest has 64 characters: digits, and letters from a to f.")},
    )


class ReceiptForm(forms.Form):
    """A file, or the text in it; `too_large` when what came was not even read."""

    file = forms.FileField(
        label=_("File of a receipt or certificate"),
        required=False,
        allow_empty_file=True,
        help_text=_("It ends in .json, and has 512 kB at most. We look at it and keep nothing of it."),
        widget=forms.FileInput(attrs={"accept": ".json,application/json"}),
    )
    receipt = forms.CharField(
        label=_("Receipt of a cookie choice, or certificate of a retention run"),
        required=False,
        max_length=receipts.LARGEST,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "autocomplete": "off"}),
        help_text=_("The whole content of the file."),
    )

    def __init__(self, *args: Any, too_large: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.too_large = too_large

    def clean(self) -> dict[str, Any]:
        """`text` is what is to be checked."""
        cleaned = super().clean() or self.cleaned_data
        upload: UploadedFile | None = cleaned.get("file")
        content = upload.read(receipts.LARGEST + 1) if upload is not None else b""
        if self.too_large or len(content) > receipts.LARGEST:
            self.add_error("file", _("This is more than 512 kB: choose the file as you downloaded it from us."))
        elif upload is not None:
            try:
                cleaned["text"] = content.decode("utf-8-sig")
                json.loads(cleaned["text"])
            except (ValueError, RecursionError):
                self.add_error("file", _("This is no receipt or certificate: choose the file that ends in .json."))
        elif not self.errors:
            cleaned["text"] = cleaned.get("receipt", "")
            if not cleaned["text"]:
                self.add_error("file", _("Choose a file, or paste its content below."))
        return cleaned


def certificate_of(asked: Request) -> Entry | None:
    """The entry which says that a search after the erasure found nothing, if there is one."""
    if asked.kind not in ERASING or asked.outcome not in (Outcome.GRANTED, Outcome.PARTLY):
        return None
    return Entry.objects.filter(subject=asked.ref, verb=verbs.CERTIFIED.name).order_by("-id").first()


@csrf_exempt  # it changes nothing, and a token would need a cookie
@require_http_methods(["GET", "HEAD", "POST"])
@limited
def verify(request: HttpRequest) -> HttpResponse:
    """A form that asks by GET: the question is no secret, and its answer may be bookmarked. A receipt comes by POST: it
    is somebody's, and belongs into no address; nothing of it is kept."""
    if request.method == "POST":
        return _receipt(request)
    form = EvidenceForm(request.GET if "entry" in request.GET else None)
    asked = form.is_bound and form.is_valid()
    answer = _answer(form.cleaned_data["entry"], form.cleaned_data["digest"].lower()) if asked else None
    context = {"form": form, "asked": asked, "answer": answer, "receipt_form": ReceiptForm()}
    return render(request, "portal/evidence.html", context)


@require_safe
@cache_control(public=True, max_age=3600)
def keys(request: HttpRequest) -> JsonResponse:
    """The public halves of the keys under what leaves this house, by purpose, in hex: whoever holds a certificate
    compares the key on it. With them the ledger's newest seal: whoever keeps it can tell later that nothing before it
    was changed."""
    of = {purpose: signing.public_key(purpose) for purpose in PURPOSES}
    former = {purpose: rest for purpose in of if (rest := signing.keys(purpose)[1:])}
    return JsonResponse({"algorithm": "Ed25519", "keys": of, "former": former, "ledger": seals.head()})


def _receipt(request: HttpRequest) -> HttpResponse:
    throttle.CHECK_NETWORK.hit(network(request), now=timezone.now())
    # What is much more than a file of ours is not read at all, so that none of it comes to lie on a disk.
    too_large = admission.length(request) > LARGEST_BODY
    form = ReceiptForm({}, too_large=True) if too_large else ReceiptForm(request.POST, request.FILES)
    context: dict[str, Any] = {"form": EvidenceForm(), "receipt_form": form}
    if not form.is_valid():
        return render(request, "portal/evidence.html", context, status=422)
    text = form.cleaned_data["text"]
    run = _certificate(text)
    context |= {"verdict": receipts.verify(text)} if run is None else {"certificate": run}
    return render(request, "portal/evidence.html", context)


def _certificate(text: str) -> dict[str, Any] | None:
    """What is wrong with the certificate of a run, and the seal that its entry is in; None for anything else."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or "certificate" not in content:
        return None
    problems = certificate.check(content)
    if not problems and not certificate.is_ours(content):
        problems = [gettext("It is signed with a key that is not ours.")]
    return {"problems": problems, "sealed": None if problems else content.get("sealed")}


def _answer(number: UUID, digest: str) -> Answer | None:
    entry = Entry.objects.filter(pk=number).first()
    if entry is None:
        return None
    verb = known(entry.verb)
    computed = digest_of(entry)
    return Answer(
        meaning=gettext(verb.meaning) if verb else entry.verb,
        recorded_at=entry.recorded_at,
        digest=entry.digest,
        intact=computed == entry.digest,
        same=computed == digest if digest else None,
        seal=Seal.objects.filter(leaves__entry=entry.pk).first(),
    )
