"""Topics and channels: what passes the gate, what a person changes, what the ledger of choices shows of it."""

import gzip
import json
import secrets
import uuid
from datetime import datetime
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from consent import marketing, peppers, preferences, suppression, topics, unsubscribe
from consent.errors import BadChoice, LiftRefused, UnknownScope
from consent.mailing import MarketingMail
from consent.models import Channel, MarketingChoice, Suppression, Topic
from consent.models.addresses import address_hash, is_address, normalise
from crasme.kit.ids import uuid7
from crasme.ledger.models import Entry
from tests import openapi
from tests.builders import make_account, make_api_key

pytestmark = pytest.mark.django_db
ADDRESS = "ana@customer.example"
EVERYTHING = ["announcements.email", "announcements.phone", "announcements.post", "features.email", "features.sms"]
WITHOUT_CONSENT = ["announcements.email", "announcements.post", "features.email"]
CHECK = "/api/v1/suppression/check/"


def choose(wanted: list[str], now: datetime, email: str = ADDRESS, **given: Any) -> bool:
    facts = {"event_id": uuid7(), "verification": uuid.uuid4(), "actor": "person:x", "now": now}
    return preferences.choose(email, wanted=wanted, **facts | given)


def on(email: str = ADDRESS) -> list[str]:
    """What stands for the person, which must be what the gate lets out."""
    found = [each.cell.name for each in preferences.standing(email) if each.on]
    passing = [cell.name for cell in topics.cells() if suppression.allowed(email, cell.scope, cell.channel)]
    assert found == passing
    return found


def test_who_never_chose_gets_what_needs_no_consent_and_nothing_else() -> None:
    assert [cell.name for cell in topics.cells()] == EVERYTHING
    assert on() == WITHOUT_CONSENT
    assert not suppression.allowed(ADDRESS, "marketing", Channel.SMS)  # no topic may come so without consent
    assert suppression.allowed(ADDRESS, "marketing", Channel.POST)
    assert suppression.refused(["a\0@x", "\ud800@x", "", "a\x1fb@x"]) == []  # nobody's, and no fault
    for scope, channel in (
        ("marketing.features", "post"),
        ("marketing.features", "fax"),
        ("marketing.nothing", "email"),
    ):
        with pytest.raises(UnknownScope):
            suppression.allowed(ADDRESS, scope, channel)


@pytest.mark.parametrize("wanted", [["features.sms"], EVERYTHING, ["announcements.email", "announcements.phone"], []])
def test_exactly_what_was_chosen_stands_whatever_stood_before(now: datetime, wanted: list[str]) -> None:
    before: list[Any] = [
        lambda: None,
        lambda: suppression.suppress(ADDRESS, reason="objected", source="staff", actor="staff:1", now=now),
        lambda: choose(["announcements.phone", "features.email"], now),
        lambda: choose([], now),
    ]
    for act in before:
        act()
        assert choose(wanted, now)
        assert on() == wanted
    newest = MarketingChoice.objects.first()
    assert newest is not None
    assert [name for name, yes in sorted(newest.choices.items()) if yes] == wanted
    assert sorted(newest.choices) == EVERYTHING
    assert newest.basis["features.sms"] == "consent"
    assert newest.shown["features"]["title"] == "feature updates"
    assert newest.computed_digest() == newest.digest
    assert newest.action == ("save" if wanted else "stop-all")
    assert "example" not in f"{newest} {newest.__dict__} {list(Entry.objects.values())}"


def test_a_wide_no_that_is_opened_stays_for_every_other_part(now: datetime) -> None:
    suppression.suppress(ADDRESS, channel="email", reason="complained", source="mail-server", actor="system:x", now=now)
    choose(["features.email"], now)
    left = Suppression.objects.get(address=ADDRESS, channel="email")
    assert (left.scope, left.reason) == ("marketing.announcements", "complained")
    lifted = Entry.objects.get(verb="consent.suppression_lifted")
    assert lifted.facts["scope"] == "marketing"
    for actor in ("staff:1", "system:import", ""):
        with pytest.raises(LiftRefused):
            choose(EVERYTHING, now, actor=actor)
    with pytest.raises(BadChoice, match=r"features\.post"):
        choose(["features.post"], now)
    assert on() == ["features.email"]


def test_a_page_sent_twice_is_one_act_and_the_record_stays(now: datetime) -> None:
    act = uuid7()
    assert choose(["features.sms"], now, event_id=act)
    assert choose([], now)
    assert not choose(["features.sms"], now, event_id=act)
    assert on() == []
    assert MarketingChoice.objects.count() == 2
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        MarketingChoice.objects.update(choices={})


def test_an_opt_out_by_another_way_is_no_permission_and_ends_one(now: datetime) -> None:
    choose(EVERYTHING, now)
    Client().post(f"/unsubscribe/{unsubscribe.make_token(ADDRESS, 'marketing.features')}/")
    assert on() == ["announcements.email", "announcements.phone", "announcements.post", "features.sms"]
    later = timezone.now()
    suppression.suppress(ADDRESS, reason="objected", source="privacy-request", actor="person:x", now=later)
    assert on() == []
    suppression.lift(ADDRESS, verification=uuid.uuid4(), actor="person:x", now=later)
    assert on() == WITHOUT_CONSENT  # consent that was taken back is not given by a general wish
    acts = MarketingChoice.objects.order_by("decided_at", "id").values_list("action", "surface")
    assert list(acts) == [
        ("save", "preferences"), ("unsubscribe", "link"), ("object", "request"), ("resume", "request"),
    ]  # fmt: skip
    # It is the only topic by post: refused there, all of post is; asked for again, it comes by post again.
    wish = {"scope": "marketing.announcements", "actor": "person:x", "now": later}
    no = {"reason": "objected", "source": "privacy-request"} | wish
    suppression.suppress(ADDRESS, channel="post", **no)
    assert on() == ["announcements.email", "features.email"]
    theirs = Suppression.objects.filter(address=ADDRESS)
    assert set(theirs.values_list("scope", "channel")) == {("marketing.announcements", "post"), ("marketing", "post")}
    suppression.lift(ADDRESS, verification=uuid.uuid4(), **wish)
    assert on() == WITHOUT_CONSENT
    assert marketing.latest(suppression.person_ref(ADDRESS))["announcements.post"] is True
    # By whatever channel, it is this topic alone, until nothing that is sent is left.
    suppression.suppress(ADDRESS, **no)
    assert theirs.get().channel == ""
    suppression.suppress(ADDRESS, **no | {"scope": "marketing.features"})
    assert set(theirs.filter(scope="marketing").values_list("channel", flat=True)) == set(Channel.values)


def test_a_new_topic_is_a_row_and_one_given_up_stays_refused(now: datetime) -> None:
    topic = Topic.objects.create(slug="webinars", title="Webinars", purpose="Live on the web.", email="consent")
    topics.forget()
    try:
        assert not suppression.allowed(ADDRESS, "marketing.webinars")
        choose(["webinars.email"], now)
        assert on() == ["webinars.email"]
        Topic.objects.filter(pk=topic.pk).update(active=False)
        topics.forget()
        assert "webinars.email" not in [cell.name for cell in topics.cells()]
        assert not suppression.allowed(ADDRESS, "marketing.webinars")  # nobody could refuse it on the page any more
        # The end of one opt-out is not that of another whose name begins alike.
        Topic.objects.create(slug="web", title="Web", purpose="The web.", email="soft-opt-in")
        topics.forget()
        for slug in ("web", "webinars"):
            given = {"reason": "objected", "source": "staff", "actor": "staff:1", "now": now}
            suppression.suppress("alike@x.example", scope=f"marketing.{slug}", **given)
        suppression.lift("alike@x.example", scope="marketing.web", verification=uuid.uuid4(), actor="person:x", now=now)
        assert [row.scope for row in Suppression.objects.filter(address="alike@x.example")] == ["marketing.webinars"]
        # Whoever refused each topic of a channel is not reached by one that is added later.
        given = {
            "reason": "unsubscribed",
            "source": "unsubscribe-link",
            "actor": "person:x",
            "now": now,
            "channel": "email",
        }
        sent = [cell.scope for cell in topics.cells() if cell.channel == "email"]
        for scope in sent:
            suppression.suppress("each@x.example", scope=scope, **given)
            suppression.suppress("back@x.example", scope=scope, **given | {"reason": "bounced"})
        Topic.objects.create(slug="later", title="Later", purpose="Later on.", email="soft-opt-in", sms="consent")
        topics.forget()
        assert not suppression.allowed("each@x.example", "marketing.later")
        assert suppression.allowed("back@x.example", "marketing.later")  # that was no wish
        assert suppression.allowed("some@x.example", "marketing.later")
        suppression.suppress("each@x.example", scope="marketing.later", **given)
        suppression.lift("each@x.example", scope=sent[-1], verification=uuid.uuid4(), actor="person:x", now=now)
        assert suppression.allowed("each@x.example", sent[-1])
        assert not suppression.allowed("each@x.example", "marketing.later")
        Client().post(f"/unsubscribe/{unsubscribe.make_token(ADDRESS, 'marketing.webinars')}/")
        assert not suppression.allowed(ADDRESS, "marketing.webinars")
        for wrong in ({"phone": "soft-opt-in"}, {"email": ""}):
            with pytest.raises(IntegrityError), transaction.atomic():
                Topic.objects.filter(pk=topic.pk).update(**wrong)
    finally:
        topics.forget()


# --- telephone numbers, and the pepper -------------------------------------------------------------------------------
def test_a_number_is_one_however_it_is_written(now: datetime) -> None:
    assert {normalise(each) for each in ("+43 1 555-0199", "0043 1/5550199", "+43(1)5550199", "+43 (0)1 5550199")} == {
        "+4315550199"
    }
    assert [is_address(each) for each in ("5550199", "+43", "@x", "a@", "a b@c.de", "ana@x.de", "")] == [
        False, False, False, False, False, True, False,
    ]  # fmt: skip
    suppression.suppress("+43 1 5550199", channel="phone", reason="objected", source="staff", actor="staff:1", now=now)
    assert not suppression.allowed("0043 15550199", "marketing.announcements", "phone")


def test_nobody_is_forgotten_while_the_pepper_is_exchanged(
    now: datetime, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    make_account(email="known@customer.example")
    for email in (ADDRESS, "known@customer.example", "unseen@customer.example"):
        suppression.suppress(email, reason="objected", source="staff", actor="staff:1", now=now)
    link = f"/unsubscribe/{unsubscribe.make_token('late@customer.example')}/"
    settings.SUPPRESSION_PEPPERS = {2: secrets.token_bytes(32), 1: b""}
    suppression.suppress("known@customer.example", reason="bounced", source="import", actor="system:x", now=now)
    assert Suppression.objects.filter(address="unseen@customer.example").exists()  # by its former hash
    topics.all_topics()
    assert suppression.is_suppressed(ADDRESS)
    with django_assert_num_queries(1):  # it was seen, and has moved
        assert suppression.is_suppressed(ADDRESS)
    assert Suppression.objects.get(address=ADDRESS).address == address_hash(ADDRESS, 2)
    Client().post(link)  # a link of before the exchange
    assert suppression.is_suppressed("late@customer.example")
    said = StringIO()
    call_command("suppression", "rehash", stdout=said)
    assert "1 rows moved to pepper 2" in said.getvalue()
    assert Suppression.objects.filter(address="known@customer.example").count() == 1
    assert peppers.standing() == {1: 1, 2: 3}
    settings.SUPPRESSION_PEPPERS = {2: settings.SUPPRESSION_PEPPERS[2]}
    with pytest.raises(CommandError, match="1 opt-outs cannot be found"):
        call_command("suppression", "status", stdout=StringIO())
    # A link under a key that was taken away says that it does not work, and not that somebody is unsubscribed.
    assert Client().post(link).status_code == 404


# --- the mail itself -------------------------------------------------------------------------------------------------
def test_a_marketing_mail_has_its_way_out_and_asks_the_gate_when_it_goes(now: datetime) -> None:
    made = [MarketingMail("marketing.features", to=ADDRESS, subject="New", body="Look.", html="<p>Look.") for _ in "ab"]
    assert made[0].send() == 1
    (sent,) = mail.outbox
    headers = sent.message()
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = headers["List-Unsubscribe"].strip("<>").removeprefix("http://testserver")
    assert path in str(sent.body)
    assert Client().post(path).status_code == 200
    assert made[1].send() == 0
    assert len(mail.outbox) == 1
    assert not suppression.allowed(ADDRESS, "marketing.features")
    assert suppression.allowed(ADDRESS, "marketing.announcements")
    for scope in ("service", "billing", "marketing.unheard"):
        with pytest.raises(UnknownScope):
            MarketingMail(scope, to=ADDRESS, subject="Your bill", body="Pay.")


# --- the API ---------------------------------------------------------------------------------------------------------
def ask(body: Any, key: str, **headers: str) -> HttpResponse:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Client().post(CHECK, sent, content_type="application/json", headers={"Authorization": key} | headers)  # type: ignore[return-value]


def test_the_crm_asks_about_one_or_many(now: datetime, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    _key, header = make_api_key("suppression:read")
    suppression.suppress("b7@x.example", reason="bounced", source="import", actor="system:x", now=now)
    choose(["features.sms"], now, "b3@x.example")
    question = {"addresses": [f"B{number}@x.example" for number in range(10)]}
    topics.all_topics()
    ask(question, header)  # notes the day of use
    with django_assert_num_queries(2):  # the key, and all addresses at once
        answer = openapi.check(ask(question, header), "post", CHECK)
    assert answer.json() == {"checked": 10, "allowed": 8, "refused": [3, 7]}
    packed = ask(gzip.compress(json.dumps(question).encode()), header, **{"Content-Encoding": "gzip"})
    assert packed.json() == answer.json()
    by_text = ask(question | {"scope": "marketing.features", "channel": "sms"}, header).json()
    assert by_text["refused"] == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert ask(question | {"scope": "billing"}, header).json()["refused"] == []


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b"{", 400, None),
        ([], 400, "#/addresses"),
        ({"addresses": []}, 400, "#/addresses"),
        ({"addresses": ["ana@x.example", "nobody"]}, 400, "#/addresses/1"),
        ({"addresses": ["ana@x.example", 7]}, 400, "#/addresses/1"),
        ({"addresses": ["ana@x.example", "a\0@x.example"]}, 400, "#/addresses/1"),
        ({"addresses": ["ana@x.example", "\ud800@x.example"]}, 400, "#/addresses/1"),
        ({"addresses": ["ana@x.example"], "scope": 7}, 400, "#/scope"),
        ({"addresses": ["ana@x.example"], "scope": "marketing.everything"}, 422, None),
        ({"addresses": ["ana@x.example"], "channel": "pigeon"}, 422, None),
        ({"addresses": ["ana@x.example"] * 100_001}, 413, None),
    ],
)
def test_a_question_that_cannot_be_answered_says_which_row(body: Any, status: int, pointer: str | None) -> None:
    _key, header = make_api_key("suppression:read")
    answer = openapi.check(ask(body, header), "post", CHECK)
    assert answer.status_code == status
    assert [each["pointer"] for each in answer.json().get("errors", [])] == ([pointer] if pointer else [])
    assert "x.example" not in answer.content.decode()
    assert "nobody" not in answer.content.decode()


def test_only_a_key_for_it_may_ask() -> None:
    _key, header = make_api_key("requests:write")
    assert openapi.check(ask({"addresses": [ADDRESS]}, header), "post", CHECK).status_code == 403
    assert openapi.check(ask({"addresses": [ADDRESS]}, "Bearer no.key"), "post", CHECK).status_code == 401
    assert marketing.latest(suppression.person_ref(ADDRESS)) == {}
