"""Mail on the desk: sorted by a click, read with its request, its files saved and logged."""

import re

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crasme.staff.models import AccessEntry, User
from crasme.staff.roles import AUDITOR
from privacy.models import Attachment, InboundMail, Message, Request
from tests.builders import confirm_request, make_user, reviewed_request, sign_in
from tests.privacy.letters import ANA, PDF, PNG, came, letter

pytestmark = pytest.mark.django_db
LIST = reverse("admin:privacy_inboundmail_changelist")


def act(mail: InboundMail, name: str) -> str:
    return reverse(f"admin:privacy_inboundmail_{name}", args=[mail.pk])


def test_an_agent_sorts_mail_by_a_click(client: Client, agent: User) -> None:
    now = timezone.now()
    sign_in(client, agent)
    assert b"quokka" not in client.get(LIST).content
    asks, answers, other = (
        came(letter(f"I want {word}. <b>x</b>", subject=f"About {word}", files={"a.png": PNG}), now=now)
        for word in ("my personal data gone", "quokka", "an invoice")
    )
    page = client.get(LIST).content.decode()
    assert page.index("my personal data gone") < page.index("an invoice")
    assert "a…@c….example" in page
    assert ANA not in page
    assert "days left" in page
    shown = client.get(reverse("admin:privacy_inboundmail_change", args=[asks.pk])).content.decode()
    assert ANA in shown
    assert "&lt;b&gt;x" in shown
    assert "does not say clearly" in shown

    assert client.get(act(asks, "make")).status_code == 200
    assert InboundMail.objects.waiting().count() == 3
    client.post(act(asks, "make"), {"kinds": ["deletion", "access"], "language": "de"})
    lead = Request.objects.get(lead=None)
    assert (lead.kind, lead.linked.get().kind, lead.language, lead.entered_by) == ("access", "deletion", "de", agent)
    confirm_request(lead, now=now)
    mistyped = client.post(act(answers, "file"), {"reference": "PR-0000-0000"}).content.decode()
    assert 'value="PR-0000-0000"' in mistyped  # what was typed stays, with what is wrong beside it
    assert "There is no request with this reference." in mistyped
    client.post(act(answers, "file"), {"reference": lead.reference})
    assert lead.messages.unread().count() == 2
    client.post(act(other, "dismiss"))
    assert not InboundMail.objects.waiting().exists()
    assert "an invoice" not in client.get(LIST).content.decode()
    assert "an invoice" in client.get(f"{LIST}?sorted=ignored").content.decode()
    client.post(act(other, "look_again"))
    client.post(LIST, {"action": "dismiss_all", "_selected_action": [other.pk]})
    other.refresh_from_db()
    assert (other.status, other.settled_by) == ("ignored", agent)


def test_the_request_s_page_shows_what_came_in_and_files_are_saved_and_logged(client: Client, agent: User) -> None:
    request = reviewed_request(now=timezone.now())
    came(letter("The quokka.", Subject=request.reference, files={"sc<an>.pdf": PDF}), now=timezone.now())
    sign_in(client, agent)
    address = reverse("admin:privacy_request_change", args=[request.pk])
    page = client.get(address).content.decode()
    assert "The quokka." in page
    assert "nobody has read it" in page
    assert "sc&lt;an&gt;.pdf" in page
    assert (
        request.reference in client.get(reverse("admin:privacy_request_changelist") + "?mail=unread").content.decode()
    )
    file = Attachment.objects.get()
    client.post(reverse("admin:privacy_attachment_mark_identity", args=[file.pk]))
    assert "Identity document" in client.get(address).content.decode()
    save = reverse("admin:privacy_attachment_save_file", args=[file.pk])
    answer = client.get(save)
    assert (answer.content, answer["Content-Type"]) == (PDF, "application/octet-stream")
    assert answer["Content-Disposition"] == 'attachment; filename="attachment-1.pdf"'
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    logged = AccessEntry.objects.filter(action="download", table="privacy.attachment", user=agent)
    assert logged.get().subject_ref
    write = reverse("admin:privacy_request_write", args=[request.pk])
    seen = re.search(r'name="seen" value="([^"]+)"', client.get(write).content.decode())
    assert seen is not None
    client.post(write, {"words": "Thank you.", "seen": seen.group(1)})
    assert "nobody has read it" not in client.get(address).content.decode()
    assert Message.objects.get(template="message").written == "Thank you."
    sign_in(client, make_user(AUDITOR))
    assert client.get(save).status_code == 403
    assert client.get(reverse("admin:privacy_attachment_change", args=[file.pk])).status_code == 200


def test_the_mail_as_it_came_is_kept_while_it_could_not_be_read(client: Client, agent: User) -> None:
    raw = b"From: ana@customer.example\nSubject: =?x\nContent-Type: application/pkcs7-mime\n\n"
    found = came(raw, now=timezone.now())
    assert (found.status, found.why) == ("triage", "unreadable")
    sign_in(client, agent)
    assert client.get(act(found, "save_raw")).content == raw
    client.post(act(found, "dismiss"))
    assert client.get(act(found, "save_raw")).status_code == 404
