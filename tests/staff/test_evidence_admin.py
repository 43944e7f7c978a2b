"""The ledger and the access log in the admin: found, shown with names, never changed."""

import pytest
from django.db import connection, transaction
from django.db.utils import IntegrityError
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crasme.ledger.models import Entry
from crasme.ledger.services import record
from crasme.staff import actors
from crasme.staff.models import AccessEntry, User
from tests.builders import make_api_key, make_user, sign_in

pytestmark = pytest.mark.django_db
LEDGER = "/admin/ledger/entry/"


@pytest.fixture
def officer(client: Client) -> User:
    return sign_in(client, make_user("Privacy officer", first_name="Clara"))


def entry(actor: str = "system:retention", subject: str = "") -> Entry:
    with transaction.atomic():
        return record("staff.roles_changed", actor=actor, subject=subject, user="x", roles=["auditor"])


def shown(answer) -> list[Entry]:
    return list(answer.context["cl"].result_list)


def test_an_entry_is_found_by_id_verb_and_subject(client: Client, officer: User) -> None:
    first, second = entry(subject="account:00ff"), entry()
    assert shown(client.get(LEDGER, {"q": str(first.pk)}, follow=True)) == [first]
    assert shown(client.get(LEDGER, {"q": "account:00ff"}, follow=True)) == [first]
    assert shown(client.get(LEDGER, {"verb": "staff.roles_changed"})) == [second, first]
    assert shown(client.get(LEDGER, {"q": "staff.roles"}, follow=True)) == []


def test_actors_get_their_names_in_few_queries(client: Client, officer: User) -> None:
    key, _header = make_api_key("events:write")
    for _number in range(20):
        entry(actor=officer.ref)
    entry(actor=key.ref)
    client.get(LEDGER)
    with CaptureQueriesContext(connection) as queries:
        page = client.get(LEDGER).content.decode()
    assert "Clara" in page
    assert len(queries) < 20, [query["sql"] for query in queries]


def test_what_the_words_for_actors_are() -> None:
    user = make_user(first_name="Clara")
    assert actors.names([user.ref, "system", actors.system("retention"), actors.person("account:1"), "staff:gone"]) == {
        user.ref: "Clara",
        "system": "the system",
        "system:retention": "the system (retention)",
        "person:account:1": "the person",
        "staff:gone": "staff:gone",
    }


def test_an_entry_page_opens_and_nobody_changes_it(client: Client) -> None:
    sign_in(client, make_user(is_superuser=True))
    one = entry()
    address = f"{LEDGER}{one.pk}/change/"
    assert client.get(address).status_code == 200
    assert client.post(address, {"verb": "x"}).status_code == 403
    assert client.post(f"{LEDGER}{one.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.get(f"{LEDGER}add/").status_code == 403


@pytest.mark.parametrize(
    "sql", ["UPDATE ledger_entry SET actor = 'x'", "DELETE FROM ledger_entry", "TRUNCATE ledger_entry"]
)
def test_the_database_itself_refuses(sql: str) -> None:
    entry()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql)


def test_the_access_log_is_filtered_by_who_and_what(client: Client, officer: User) -> None:
    other = make_user()
    for user, table in ((officer, "crm.account"), (other, "crm.account"), (other, "crm.invoice")):
        AccessEntry.objects.create(at=timezone.now(), user=user, action="view", table=table)
    log = "/admin/staff/accessentry/"
    assert len(shown(client.get(log, {"user__id__exact": str(other.pk)}))) == 2
    assert len(shown(client.get(log, {"table": "crm.invoice"}))) == 1
