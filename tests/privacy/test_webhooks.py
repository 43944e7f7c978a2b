"""Other systems are told: signed, once each, again when it failed, and never at an address that is not theirs."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from crasme.dashboard.works import parked
from crasme.kit.claims import claim
from crasme.ledger.models import Entry
from crasme.staff.models import User
from crasme.staff.services import revoke_key
from privacy.errors import Incomplete, MoveNotAllowed, NotYours
from privacy.models import Request, WebhookDelivery, WebhookEndpoint
from privacy.services import approvals, desk, intake, plans, sweeping, webhooks
from privacy.webhooks import Event, addresses, emit, posting, sending
from tests.builders import NOW, confirm_request, make_api_key, make_user, run_steps, sign_in, submit_request
from tests.receiver import Receiver

pytestmark = pytest.mark.django_db
EVERYTHING = list(Event.values)


@pytest.fixture
def receiver(settings: Settings) -> Iterator[Receiver]:
    settings.WEBHOOKS_TO_LOOPBACK = True
    with Receiver() as made:
        yield made


def endpoint_at(url: str, *, events: list[str] | None = None, **fields: object) -> tuple[WebhookEndpoint, str]:
    return webhooks.set_up(
        name="CRM", url=url, events=events or EVERYTHING, by=make_user(is_superuser=True), now=NOW,
        **{"key": None} | fields,
    )  # fmt: skip


def deliver(now: datetime = NOW) -> list[bool]:
    """Send what is due, in the order in which it happened."""
    due = WebhookDelivery.objects.claimable(now).order_by("created_at", "id").values_list("pk", flat=True)
    return [sending.send(pk, now=now) for pk in due]


def told(receiver: Receiver) -> list[str]:
    return [json.loads(call.body)["type"] for call in receiver.calls]


# --- what is told ----------------------------------------------------------------------------------------------------
def test_a_request_is_told_from_arrival_to_its_end_signed_and_without_a_word_about_the_person(
    receiver: Receiver, agent: User
) -> None:
    now = timezone.now()
    _endpoint, secret = endpoint_at(receiver.url)
    asked = confirm_request(submit_request(full_name="Ana Novak", details="Everything.", now=now), now=now)
    run_steps(now)
    plan = plans.current(asked)
    assert plan is not None
    approvals.release(asked, plan_hash=plan.hash, by=agent, now=now)
    run_steps(now)
    later = now + timedelta(minutes=1)
    assert all(deliver(later))
    assert told(receiver) == ["request.received", "request.confirmed", "request.decided", "request.closed"]
    for call in receiver.calls:
        assert call.path == "/hooks?from=crasme"
        assert call.headers["Host"] == f"127.0.0.1:{receiver.port}"
        Webhook(secret).verify(call.body, call.headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(call.body + b" ", call.headers)
        assert not [word for word in (b"ana", b"Ana", b"Everything", b"@") if word in call.body]
    data = json.loads(receiver.calls[-1].body)["data"]
    assert (data["reference"], data["kind"], data["state"], data["outcome"]) == (
        asked.reference, "access", "closed", "granted",
    )  # fmt: skip
    assert data["due"] == asked.effective_due.isoformat()
    ids = [call.headers["webhook-id"] for call in receiver.calls]
    assert sorted(ids) == sorted(str(pk) for pk in WebhookDelivery.objects.values_list("pk", flat=True))
    assert not deliver(later)  # each once


def test_refusals_ends_without_proof_and_extensions_are_told_too(receiver: Receiver, officer: User) -> None:
    endpoint_at(receiver.url, events=["request.decided", "request.closed", "request.extended"])
    refused = confirm_request(submit_request("complaint"))
    run_steps()
    refused.refresh_from_db()
    desk.refuse(refused, reason="not_covered", words="", by=officer, now=NOW)
    submit_request(email="bo@customer.example", now=NOW - timedelta(days=20))
    sweeping.lapse_unconfirmed(NOW)
    deliver()
    assert told(receiver) == ["request.decided", "request.closed"]
    assert [json.loads(call.body)["data"]["outcome"] for call in receiver.calls] == ["refused", "unconfirmed"]
    emit(Event.EXTENDED, refused, now=NOW)
    deliver()
    assert told(receiver)[-1] == "request.extended"


def test_an_endpoint_with_a_key_hears_only_of_what_that_key_entered_while_it_is_usable(receiver: Receiver) -> None:
    key, _header = make_api_key("requests:write", now=NOW)
    other, _header = make_api_key("requests:write", now=NOW)
    endpoint_at(receiver.url, key=key, events=["request.received"])

    def entered(by: object) -> Request:
        call = intake.Call(by, "T-1", (f"{by.pk}".replace("-", "") * 2, "b" * 64)) if by else None  # type: ignore[attr-defined]
        return submit_request(email="ana@customer.example", call=call)

    mine = entered(key)
    entered(other)
    entered(None)
    assert [each.request for each in WebhookDelivery.objects.all()] == [mine]
    revoke_key(key, actor="staff:x", now=NOW)
    key.refresh_from_db()
    emit(Event.RECEIVED, mine, now=NOW)
    assert WebhookDelivery.objects.count() == 1
    assert deliver() == [False]  # what was queued before is not sent either
    assert WebhookDelivery.objects.get().last_error == "endpoint-off"
    assert not receiver.calls


def test_a_message_exists_exactly_when_what_it_tells_was_committed(receiver: Receiver) -> None:
    endpoint_at(receiver.url)
    with (
        mock.patch("privacy.services.intake.enqueue", side_effect=RuntimeError),
        pytest.raises(RuntimeError),
    ):
        submit_request()
    assert not WebhookDelivery.objects.exists()


# --- failing ---------------------------------------------------------------------------------------------------------
def test_what_is_not_taken_is_sent_again_under_the_same_id_and_then_waits_for_a_person(
    receiver: Receiver, officer: User, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint, _secret = endpoint_at(receiver.url, events=["request.received"])
    submit_request()
    now = NOW
    for _ in range(sending.MAX_ATTEMPTS):
        receiver.answers.append((500, {}))
        assert deliver(now) == [False]
        assert not deliver(now)  # not before the pause is over
        now += timedelta(minutes=61)
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.status, delivery.last_error) == ("parked", 500, "http-500")
    assert len({call.headers["webhook-id"] for call in receiver.calls}) == 1
    assert len({call.body for call in receiver.calls}) == 1
    assert Entry.objects.get(verb="webhook.parked").facts["code"] == "http-500"
    assert "secret words" not in caplog.text
    webhooks.send_again(delivery, by=officer, now=now)
    assert deliver(now) == [True]
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.failing_since) == (0, None)
    # Taken, and yet lost over there: once more, the very same.
    webhooks.send_again(delivery, by=officer, now=now)
    assert deliver(now) == [True]
    assert receiver.calls[-1].body == receiver.calls[0].body
    assert receiver.calls[-1].headers["webhook-id"] == str(delivery.pk)


def test_a_message_on_its_way_is_not_sent_beside_itself(receiver: Receiver, officer: User) -> None:
    endpoint_at(receiver.url, events=["request.received"])
    submit_request()
    delivery = WebhookDelivery.objects.get()
    with pytest.raises(MoveNotAllowed):
        webhooks.send_again(delivery, by=officer, now=NOW)
    held = claim(WebhookDelivery, delivery.pk, now=NOW, lease=sending.LEASE)
    assert held is not None
    assert not sending.send(delivery.pk, now=NOW)
    assert sending.send(delivery.pk, now=NOW + sending.LEASE)  # the worker that held it is dead
    assert len(receiver.calls) == 1


def test_a_receiver_that_cannot_be_reached_is_left_alone_and_holds_up_nobody(
    receiver: Receiver, settings: Settings
) -> None:
    with Receiver() as gone:
        away, _secret = endpoint_at(gone.url, events=["request.received"])
    endpoint_at(receiver.url, events=["request.received"])
    for number in range(3):
        submit_request(email=f"ana{number}@customer.example")
    with mock.patch.object(posting, "resolve", wraps=posting.resolve) as looked_up:
        deliver()
        assert looked_up.call_count == 4  # once for the one that is away, whose other messages wait
    assert len(receiver.calls) == 3
    away.refresh_from_db()
    assert away.rest_until is not None
    assert away.rest_until > NOW
    assert set(away.deliveries.values_list("attempts", flat=True)) == {0, 1}
    assert webhooks.wake_deliveries(NOW + timedelta(seconds=25)) == 0
    assert webhooks.wake_deliveries(NOW + timedelta(minutes=2)) == 3


def test_days_of_nothing_but_failures_switch_it_off_and_everybody_sees_why(receiver: Receiver, officer: User) -> None:
    endpoint, _secret = endpoint_at(receiver.url, events=["request.received"])
    submit_request()
    receiver.answers.extend([(503, {})] * 2)
    deliver()
    assert webhooks.switch_off_failing(NOW + webhooks.PATIENCE - timedelta(seconds=1)) == 0
    assert webhooks.switch_off_failing(NOW + webhooks.PATIENCE + timedelta(seconds=1)) == 1
    endpoint.refresh_from_db()
    assert (endpoint.active, endpoint.off_why) == (False, "failures")
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.last_error) == ("parked", "endpoint-off")
    facts = Entry.objects.get(verb="webhook.switched").facts
    assert (facts["active"], facts["why"], facts["parked"]) == (False, "failures", 1)
    stopped = {str(kind.title): (kind.rows, kind.errors) for kind in parked()}
    assert stopped["Webhooks that were switched off"] == (1, "Nothing but failures for days")
    assert stopped["Webhook deliveries"] == (1, "The webhook is switched off.")
    submit_request(email="bo@customer.example")
    assert WebhookDelivery.objects.count() == 1  # it hears of nothing while it is off
    later = NOW + timedelta(days=6)
    receiver.answers.clear()
    assert webhooks.switch_on(endpoint, by=officer, now=later)
    assert not webhooks.switch_on(endpoint, by=officer, now=later)
    assert deliver(later) == [True]


def test_a_receiver_that_says_it_is_gone_is_believed(receiver: Receiver) -> None:
    endpoint, _secret = endpoint_at(receiver.url, events=["request.received"])
    submit_request()
    receiver.answers.append((410, {}))
    deliver()
    endpoint.refresh_from_db()
    assert endpoint.off_why == "gone"
    assert WebhookDelivery.objects.get().state == "parked"


# --- secrets ---------------------------------------------------------------------------------------------------------
def test_a_new_secret_signs_beside_the_former_one_for_a_day(receiver: Receiver, officer: User) -> None:
    now = timezone.now()
    endpoint, former = endpoint_at(receiver.url)
    secret = webhooks.rotate(endpoint, by=officer, now=now)
    assert secret != former
    for moment, both in ((now, True), (now + webhooks.OVERLAP, False)):
        endpoint.refresh_from_db()
        webhooks.try_out(endpoint, by=officer, now=moment)
        assert deliver(moment) == [True]
        call = receiver.calls[-1]
        with mock.patch("standardwebhooks.webhooks.timedelta", return_value=timedelta(days=2)):
            Webhook(secret).verify(call.body, call.headers)
            if both:
                Webhook(former).verify(call.body, call.headers)
            else:
                with pytest.raises(WebhookVerificationError):
                    Webhook(former).verify(call.body, call.headers)
    assert webhooks.end_overlaps(now + webhooks.OVERLAP) == 1
    endpoint.refresh_from_db()
    assert endpoint.former_secret is None


def test_only_who_may_sets_one_up_and_only_for_events_that_exist(agent: User, officer: User) -> None:
    wanted = {"name": "CRM", "url": "https://hooks.example.com/", "key": None, "now": NOW}
    with pytest.raises(NotYours):
        webhooks.set_up(**wanted, events=EVERYTHING, by=agent)  # type: ignore[arg-type]
    for events in ([], ["request.dreamt"]):
        with pytest.raises(Incomplete):
            webhooks.set_up(**wanted, events=events, by=officer)  # type: ignore[arg-type]
    assert webhooks.set_up(**wanted, events=EVERYTHING, by=officer)[1].startswith("whsec_")  # type: ignore[arg-type]


# --- addresses -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://hooks.example.com/", "address-not-https"),
        ("ftp://hooks.example.com/", "address-malformed"),
        ("https:///nowhere", "address-malformed"),
        ("https://ana:secret@hooks.example.com/", "address-malformed"),
        ("https://hooks.example.com/a b", "address-malformed"),
        ("https://hooks.example.com/\r\nHost: x", "address-malformed"),
        ("https://hooks.example.com:99999/", "address-malformed"),
        ("https://hooks.example.com/#here", "address-malformed"),
        ("https://127.0.0.1/", "address-not-public"),
        ("https://[::1]/", "address-not-public"),
        ("https://[::ffff:10.0.0.1]/", "address-not-public"),
        ("https://169.254.169.254/latest/meta-data/", "address-not-public"),
    ],
)
def test_addresses_that_cannot_be_used_are_refused_before_they_are_stored(url: str, code: str) -> None:
    with pytest.raises(addresses.AddressRefused) as refused:
        endpoint_at(url)
    assert refused.value.code == code


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.1", "224.0.0.1", "::1", "fe80::1", "fd00::1",
     "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:80ff:fffe"],
)  # fmt: skip
def test_a_name_that_leads_into_a_private_network_is_not_called(address: str) -> None:
    target = addresses.parse("https://hooks.example.com/")
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443))]
    found.append((socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)))
    with (
        mock.patch("socket.getaddrinfo", return_value=found),
        mock.patch("socket.create_connection") as connect,
        pytest.raises(addresses.AddressRefused) as refused,
    ):
        posting.post(target, b"{}", {})
    assert refused.value.code == "address-not-public"
    assert not connect.called


def test_a_name_is_looked_up_once_and_the_address_looked_at_is_the_one_called(receiver: Receiver) -> None:
    """Whoever answers with another address the second time gets no second question."""
    target = addresses.parse(receiver.url.replace("127.0.0.1", "hooks.example.com"))
    answers = [[(2, 1, 6, "", ("127.0.0.1", receiver.port))], AssertionError("asked twice")]
    with mock.patch("socket.getaddrinfo", side_effect=answers) as asked, mock.patch("socket.create_connection") as to:
        real = socket.socket()
        real.connect(("127.0.0.1", receiver.port))
        to.return_value = real
        assert posting.post(target, b"{}", {}) == 204
    assert asked.call_count == 1
    assert to.call_args.args[0] == ("127.0.0.1", receiver.port)
    assert receiver.calls[0].headers["Host"] == f"hooks.example.com:{receiver.port}"


def test_a_redirect_is_a_failure_and_is_not_followed(receiver: Receiver) -> None:
    endpoint_at(receiver.url, events=["request.received"])
    submit_request()
    with Receiver() as elsewhere:
        receiver.answers.append((307, {"Location": elsewhere.url}))
        assert deliver() == [False]
        assert not elsewhere.calls
    assert WebhookDelivery.objects.get().last_error == "http-307"


def test_a_receiver_that_answers_byte_by_byte_is_cut_off(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True
    monkeypatch.setattr(posting, "TOTAL", 0.3)
    ended = threading.Event()

    def drip(server: socket.socket) -> None:
        talking, _peer = server.accept()
        with talking:
            while not ended.wait(0.05):
                try:
                    talking.sendall(b"H")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=drip, args=(server,), daemon=True)
        thread.start()
        endpoint_at(f"http://127.0.0.1:{server.getsockname()[1]}/", events=["request.received"])
        submit_request()
        assert deliver() == [False]
        ended.set()
        thread.join(5)
    assert WebhookDelivery.objects.get().last_error in ("unreachable", "timeout")


def test_the_certificate_must_be_the_servers_own(settings: Settings, tmp_path: Path) -> None:
    settings.WEBHOOKS_TO_LOOPBACK = True
    served, trusted = certificate("hooks.example.com", tmp_path)
    with Receiver(served) as receiver, mock.patch.object(posting, "_context", return_value=trusted):
        found = [(2, 1, 6, "", ("127.0.0.1", receiver.port))]
        with mock.patch("socket.getaddrinfo", return_value=found):
            good = addresses.parse(f"https://hooks.example.com:{receiver.port}/")
            assert posting.post(good, b"{}", {}) == 204
            with pytest.raises(ssl.SSLCertVerificationError):
                posting.post(addresses.parse(f"https://other.example.com:{receiver.port}/"), b"{}", {})
    assert len(receiver.calls) == 1


def certificate(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a fresh certificate for the name, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(path)
    return served, ssl.create_default_context(cadata=made.public_bytes(serialization.Encoding.PEM).decode())


# --- the back office -------------------------------------------------------------------------------------------------
def test_the_back_office_sets_up_shows_the_secret_once_and_sends_again(client: Client, receiver: Receiver) -> None:
    sign_in(client, make_user("Operations"))
    base = "/admin/privacy/webhookendpoint/"
    answers = {"name": "CRM", "url": receiver.url, "events": ["request.received"], "key": ""}
    refused = client.post(f"{base}add/", answers | {"url": "https://10.0.0.1/"})
    assert "not a public one" in refused.content.decode()
    made = client.post(f"{base}add/", answers)
    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.secret in made.content.decode().replace("&#x2B;", "+")
    assert "no-store" in made["Cache-Control"]
    page = f"{base}{endpoint.pk}/change/"

    def act(name: str) -> str:
        return reverse(f"admin:privacy_webhookendpoint_{name}", args=[endpoint.pk])

    assert str(endpoint.secret) not in client.get(page).content.decode()
    client.post(act("try_out"), follow=True)
    assert deliver(timezone.now()) == [True]
    delivery = WebhookDelivery.objects.get()
    shown = client.get(f"/admin/privacy/webhookdelivery/{delivery.pk}/change/").content.decode()
    assert "webhook.test" in shown
    assert "secret words" not in shown
    again = reverse("admin:privacy_webhookdelivery_send_again", args=[delivery.pk])
    client.get(again)  # looking changes nothing
    assert not deliver(timezone.now())
    client.post(again)
    assert deliver(timezone.now()) == [True]
    former = endpoint.secret
    fresh = client.post(act("rotate")).content.decode()
    endpoint.refresh_from_db()
    assert endpoint.secret != former
    assert str(endpoint.secret) in fresh.replace("&#x2B;", "+")
    client.post(page, answers | {"url": receiver.url + "&more=1", "events": ["request.closed"]})
    client.post(act("switch_off"))
    endpoint.refresh_from_db()
    assert (endpoint.events, endpoint.off_why) == (["request.closed"], "by-hand")
    assert endpoint.url.endswith("&more=1")
    client.post(act("switch_on"))
    endpoint.refresh_from_db()
    assert endpoint.active
    verbs = [
        "webhook.made",
        "webhook.again",
        "webhook.rotated",
        "webhook.changed",
        "webhook.switched",
        "webhook.switched",
    ]
    written = Entry.objects.filter(verb__startswith="webhook.").order_by("pk")
    assert [entry.verb for entry in written] == verbs
    assert not [entry for entry in written if "whsec_" in json.dumps(entry.facts)]
