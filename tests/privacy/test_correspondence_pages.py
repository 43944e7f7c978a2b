"""The person's own page: what the mail kept to itself, every wish of one message, and addresses opened by hand."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crasme.staff.models import User
from privacy.correspondence.withheld import marked
from privacy.models import Request
from privacy.services import intake, verification
from privacy.services.intake import Submission
from tests.builders import sign_in
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
ADDRESS = "ana@customer.example"


def opened(client: Client, *kinds: str) -> list[Request]:
    """Asked in one message and mailed; the client holds the proof."""
    now = timezone.now()
    requests = intake.submit_many([Submission(kind=kind, email=ADDRESS) for kind in kinds], now=now)
    deliver(now + timedelta(seconds=1))
    client.post(reverse("request-confirm", args=[verification.issue(requests[0], now=now).token]))
    return requests


def page(client: Client, asked: Request) -> str:
    return client.get(reverse("request-status", args=[asked.reference])).content.decode()


def test_a_spent_link_and_code_are_marked_and_explained(client: Client, agent: User) -> None:
    (asked,) = opened(client, "access")
    shown = page(client, asked)
    assert "[link]" not in shown
    assert '<span class="withheld">link</span>' in shown
    assert '<span class="withheld">code</span>' in shown
    assert "It is secret, so we do not keep it." in shown
    sign_in(client, agent)
    desk = client.get(reverse("admin:privacy_request_change", args=[asked.pk])).content.decode()
    assert "[code]" not in desk
    assert '<span class="withheld">code</span>' in desk


def test_marking_escapes_and_leaves_everything_else_alone() -> None:
    said = marked("<b>Hello</b> [link] [likn]", "de")
    assert said.text == '&lt;b&gt;Hello&lt;/b&gt; <span class="withheld">link</span> [likn]'
    assert said.any
    assert not marked("Nothing here.", "en").any


def test_the_title_names_every_wish_of_the_message(client: Client) -> None:
    lead, second, third = opened(client, "access", "deletion", "complaint")
    everything = "Your request for a copy of your data, deletion of your data and an answer to your complaint"
    assert f"<h1>{everything}</h1>" in page(client, lead)
    assert "<strong>A copy of your data</strong>:" in page(client, lead)
    alone = opened(Client(), "complaint")[0]
    assert alone.reference not in page(client, second)
    assert third.reference in page(client, lead)


def test_a_reply_needs_a_message_or_a_file_and_says_so(client: Client) -> None:
    (asked,) = opened(client, "access")
    form = page(client, asked).partition('id="letters"')[2].partition("</section>")[0]
    assert "Write something, or choose a file." in form
    assert "(optional)" not in form


@pytest.mark.parametrize("name", ["request-withdraw", "request-reply", "request-resume", "request-leave"])
def test_what_only_takes_forms_leads_to_its_page_when_opened(client: Client, name: str) -> None:
    (asked,) = opened(client, "access")
    response = client.get(reverse(name, args=[asked.reference]))
    assert response.headers["Location"] == reverse("request-status", args=[asked.reference])
    asked.refresh_from_db()
    assert asked.is_open
    assert client.put(reverse(name, args=[asked.reference])).status_code == 405


def test_a_link_can_be_asked_for_by_opening_its_address(client: Client) -> None:
    response = client.get(reverse("request-link"))
    assert response.status_code == 200
    assert "Get a link to your request" in response.content.decode()
    assert 'name="reference"' in response.content.decode()
    named = client.get(reverse("request-link-for", args=["PR-2345-6789"]))
    assert named.headers["Location"] == reverse("request-status", args=["PR-2345-6789"])
    assert client.get(reverse("request-code")).headers["Location"] == reverse("request-sent")
