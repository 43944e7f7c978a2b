"""A forgotten password: mailed by a worker, the same answer to every address."""

from unittest import mock
from urllib.parse import urlparse
from uuid import UUID

import pytest
from celery import current_app
from django.conf import settings
from django.core import mail
from django.test import Client
from django.urls import reverse
from redis.exceptions import ConnectionError as BrokerDown

from crasme.staff.tasks import mail_password_link
from tests.builders import make_user

pytestmark = pytest.mark.django_db
PAGE = "/accounts/password/reset/"


def ask(client: Client, email: str, **publish: object) -> list[UUID]:
    """The ids that were handed to the workers."""
    with mock.patch.object(current_app, "send_task", **publish) as sent:
        assert client.post(PAGE, {"email": email})["Location"] == reverse("account_reset_password_done")
    assert mail.outbox == []  # the page itself sends nothing
    return [UUID(call.kwargs["args"][0]) for call in sent.call_args_list]


def test_every_address_costs_the_page_the_same_and_only_staff_get_mail(client: Client) -> None:
    user = make_user()
    known, unknown = ask(client, user.email), ask(client, "no@crasme.com")
    assert (known, len(unknown)) == ([user.pk], 1)
    assert [mail_password_link(str(identifier)) for identifier in known + unknown] == [True, False]
    assert [letter.to for letter in mail.outbox] == [[user.email]]


def test_the_mailed_link_sets_a_password(client: Client) -> None:
    user = make_user()
    assert mail_password_link(str(user.pk))
    link = next(word for word in str(mail.outbox[0].body).split() if "/password/reset/key/" in word)
    assert link.startswith(settings.SITE_URL)
    form = client.get(urlparse(link).path, follow=True)
    new = "another long password"
    client.post(form.redirect_chain[-1][0], {"password1": new, "password2": new})
    user.refresh_from_db()
    assert user.check_password(new)


def test_who_left_meanwhile_gets_none() -> None:
    user = make_user(is_active=False, left_at="2026-01-01T00:00Z")
    assert not mail_password_link(str(user.pk))
    assert mail.outbox == []


def test_a_broker_that_is_down_fails_no_page(client: Client) -> None:
    assert len(ask(client, make_user().email, side_effect=BrokerDown)) == 1


def test_a_mail_server_that_is_down_leaves_no_address_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    user = make_user()
    with mock.patch("django.core.mail.EmailMessage.send", side_effect=OSError(user.email)):
        assert not mail_password_link(str(user.pk))
    assert "could not be mailed" in caplog.text
    assert user.email not in caplog.text
