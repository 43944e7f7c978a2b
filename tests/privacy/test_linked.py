"""One message with several wishes: one proof and one correspondence, but a clock, a way and an answer each."""

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from privacy.models import Message, Request
from privacy.services import confirmation, intake, verification
from privacy.services.intake import Submission
from privacy.states import Outcome, State
from tests.builders import NOW, make_account, run_steps, submit_request
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
ADDRESS = "ana@customer.example"


def asked_together(*kinds: str) -> list[Request]:
    return intake.submit_many([Submission(kind=kind, email=ADDRESS) for kind in kinds], now=NOW)


def test_one_mail_proves_the_mailbox_for_all_of_them() -> None:
    make_account(email=ADDRESS)
    lead, second, third = asked_together("access", "deletion", "complaint")
    assert [lead.lead, second.lead, third.lead] == [None, lead, lead]
    assert list(Message.objects.values_list("request", "template")) == [(lead.pk, "confirm")]
    deliver(NOW + timedelta(seconds=1))
    assert "deletion of your data" in str(mail.outbox[-1].body)
    assert "an answer to your complaint" in str(mail.outbox[-1].body)

    confirmation.confirm_by_link(verification.issue(lead, now=NOW).token, now=NOW)
    run_steps()
    states = dict(Request.objects.values_list("kind", "state"))
    assert states == {"access": State.REVIEW, "deletion": State.REVIEW, "complaint": State.REVIEW}
    assert Message.objects.filter(template="started").count() == 1  # of the lead, for all of them


def test_the_proof_of_one_that_follows_confirms_its_lead_as_well() -> None:
    lead, second = asked_together("access", "complaint")
    goes_on = confirmation.confirm_by_link(verification.issue(second, now=NOW).token, now=NOW)
    lead.refresh_from_db()
    assert (goes_on.pk, lead.state) == (second.pk, State.CONFIRMED)


def test_only_the_wish_that_was_asked_before_is_joined() -> None:
    earlier = submit_request("access", ADDRESS, now=NOW - timedelta(days=3))
    lead, second = asked_together("access", "complaint")
    goes_on = confirmation.confirm_by_link(verification.issue(lead, now=NOW).token, now=NOW)
    for request in (earlier, lead, second):
        request.refresh_from_db()
    assert goes_on == earlier
    assert (earlier.state, second.state) == (State.CONFIRMED, State.CONFIRMED)
    assert (lead.state, lead.outcome) == (State.CLOSED, Outcome.DUPLICATE)


def test_a_message_is_of_one_person() -> None:
    with pytest.raises(ValueError, match="one person"):
        intake.submit_many([Submission("access", ADDRESS), Submission("access", "bob@x.example")], now=NOW)
    assert not Request.objects.exists()


def test_the_pages_of_one_message_open_each_other_and_no_others(client: Client) -> None:
    lead, second = asked_together("access", "complaint")
    stranger = submit_request("access", "bob@elsewhere.example")
    looking = client.get(reverse("request-confirm", args=[verification.issue(lead, now=timezone.now()).token]))
    shown = looking.content.decode()
    assert "a copy of your data" in shown
    assert "an answer to your complaint" in shown  # the button confirms both, so the page names both
    page = reverse("request-status", args=[lead.reference])
    beside = reverse("request-beside", args=[lead.reference, second.reference])
    confirmed = client.post(
        reverse("request-confirm", args=[verification.issue(lead, now=timezone.now()).token]), follow=True
    )
    assert confirmed.redirect_chain[-1][0] == page
    assert beside in confirmed.content.decode()
    there = client.post(beside, follow=True)
    assert second.reference in there.content.decode()
    assert "complaint" in there.content.decode()

    foreign = reverse("request-beside", args=[lead.reference, stranger.reference])
    assert client.post(foreign, follow=True).redirect_chain[-1][0] == page
    unproven = Client().post(beside, follow=True)
    assert unproven.redirect_chain[-1][0] == page
    assert beside not in unproven.content.decode()  # it only asks for the address
