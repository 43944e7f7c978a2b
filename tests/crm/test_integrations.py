"""Disconnecting a service leaves nothing of it (P7.1), unless a legal hold says otherwise for a while."""

import pytest
from django.db import connection
from django.db.models import QuerySet

from crasme.crm import tasks
from crasme.crm.models import Account, Integration, SyncedMessage
from crasme.crm.services import integrations
from crasme.ledger.models import Entry
from tests.builders import NOW, make_account, make_integration

pytestmark = pytest.mark.django_db
WHO = "person:account:00"


def _disconnect(integration: Integration) -> int:
    return integrations.disconnect(integration, actor=WHO, now=NOW)


def _evidence() -> "QuerySet[Entry]":
    return Entry.objects.filter(verb="crm.integration_disconnected")


def test_tokens_cursor_and_messages_all_go() -> None:
    other = make_integration(make_account(), messages=2)
    integration = make_integration(make_account(), messages=3)
    assert _disconnect(integration) == 3
    assert list(Integration.objects.all()) == [other]
    assert SyncedMessage.objects.count() == 2
    assert _evidence().get().facts == {"provider": "gmail", "messages": 3, "kept": 0}


def test_disconnecting_twice_is_as_good_as_once() -> None:
    integration = make_integration(make_account(), messages=1)
    stale = Integration.objects.get(pk=integration.pk)
    assert _disconnect(integration) == 1
    assert _disconnect(stale) == 0
    assert _evidence().count() == 1


def test_a_hold_keeps_the_messages_and_never_the_tokens() -> None:
    account = make_account(on_hold=True)
    integration = make_integration(account, messages=3)
    assert _disconnect(integration) == 0
    integration.refresh_from_db()
    assert (integration.access_token, integration.refresh_token, integration.sync_cursor) == ("", "", "")
    assert integration.messages.count() == 3
    assert not Integration.objects.connected().exists()
    assert _evidence().get().facts == {"provider": "gmail", "messages": 0, "kept": 3}

    assert tasks.finish_disconnecting() == 0
    Account.objects.filter(pk=account.pk).update(on_hold=False)
    assert tasks.finish_disconnecting() == 1
    assert not Integration.objects.exists()
    assert not SyncedMessage.objects.exists()


def test_a_restriction_keeps_the_messages_as_a_hold_does() -> None:
    account = make_account(restricted_at=NOW)
    integration = make_integration(account, messages=2)
    assert _disconnect(integration) == 0
    assert tasks.finish_disconnecting() == 0
    assert integration.messages.count() == 2
    Account.objects.filter(pk=account.pk).update(restricted_at=None)
    assert tasks.finish_disconnecting() == 1


def test_after_disconnecting_under_a_hold_the_service_can_be_connected_anew() -> None:
    account = make_account(on_hold=True)
    _disconnect(make_integration(account))
    again = make_integration(account)
    assert list(Integration.objects.connected()) == [again]


def test_closed_and_restricted_accounts_are_not_synchronised() -> None:
    make_integration(make_account(closed_at=NOW))
    make_integration(make_account(restricted_at=NOW))
    assert not Integration.objects.connected().exists()


def test_tokens_are_stored_encrypted() -> None:
    make_integration(make_account(), access_token="ya29.secret-canary")
    with connection.cursor() as cursor:
        cursor.execute("SELECT access_token FROM crm_integration")
        stored = cursor.fetchone()[0]
    assert "canary" not in stored
    assert Integration.objects.get().access_token == "ya29.secret-canary"
