"""A forged sender gets nothing into anybody's correspondence, and what nobody vouches for says so."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from crasme.staff.models import User
from privacy.errors import MoveNotAllowed
from privacy.mailroom import authenticity, triage
from privacy.mailroom.parsing import LONGEST_RESULTS, parse
from privacy.models import Message, Request
from tests.builders import NOW, confirm_request, sign_in, submit_request
from tests.privacy.letters import came, letter
from tests.privacy.mails import deliver

pytestmark = pytest.mark.django_db
OURS = "mx.crasme.example"
PASS, FAIL = f"{OURS}; dmarc=pass header.from=customer.example", f"{OURS}; dmarc=fail header.from=customer.example"


@pytest.fixture(autouse=True)
def _server(settings: Settings) -> None:
    settings.MAIL_AUTHSERV_ID = OURS


def with_results(*headers: str, text: str = "Hello.", **more: str) -> bytes:
    """A mail as it lies in the mailbox: the topmost header is the one that was added last."""
    return "".join(f"Authentication-Results: {each}\r\n" for each in headers).encode() + letter(text, **more)


@pytest.mark.parametrize(
    ("expected", "headers"),
    [
        ("passed", [PASS]),
        ("passed", ["MX.Crasme.Example 1;\r\n\tspf=fail;\r\n\tdmarc=pass (p=none) header.from=customer.example;"]),
        ("passed", [f"{OURS}; dkim=pass header.i=@customer.example; spf=softfail smtp.mailfrom=a@list.example"]),
        ("passed", [f"{OURS}; spf = pass smtp.mailfrom = ana@customer.example"]),
        ("passed", ["relay.inside.example; dmarc=fail", PASS]),
        ("passed", [f"{OURS}; dkim=pass header.d=example; spf=pass smtp.mailfrom=a@customer.example"]),
        ("failed", [FAIL]),
        ("failed", [FAIL, PASS]),  # what stands below was there before
        ("failed", [f"{OURS}; dkim=fail header.d=customer.example"]),
        ("failed", [f"{OURS}; spf=softfail smtp.mailfrom=ana@customer.example"]),
        ("failed", [f"{OURS}; dkim=pass header.d=evil.example; spf=fail smtp.mailfrom=ana@customer.example"]),
        ("failed", [f"{OURS}; dmarc=pass header.from=evil.example"]),  # of two senders it looked at the other one
        ("failed", [f"{OURS}; dkim=none (; dmarc=pass) ; dmarc=fail"]),
        ("failed", [f'{OURS}; dkim=neutral reason="; dmarc=pass"; dmarc=fail']),
        ("failed", [f"{OURS}; x={'y' * LONGEST_RESULTS}; dmarc=fail"]),
        ("none", []),
        ("none", [f"{OURS}; none"]),
        ("none", [f"{OURS}; dkim=pass header.d=evil.example; spf=pass smtp.mailfrom=a@evil.example"]),
        ("none", [f"{OURS}; dkim=pass header.d=example; spf=pass smtp.mailfrom=a@other.example"]),
        ("none", [f"{OURS}; dkim=pass header.d=example header.i=@customer.example"]),  # who signed is another
        ("failed", [f"{OURS}; dmarc=pass header.from=mail.customer.example"]),  # not the sender whom we read
        ("none", [f"{OURS}; dmarc=temperror; spf=none"]),
        ("none", ["mx.elsewhere.example; dmarc=pass header.from=customer.example"]),
        ("none", [f"{OURS}.evil.example; dmarc=pass header.from=customer.example"]),
        ("none", [f"({OURS}; dmarc=pass) mx.elsewhere.example; dmarc=pass"]),
        ("none", ["", ";;;=;", '"\\', "((((", "a" * 50]),
    ],
)  # fmt: skip
def test_only_our_own_server_s_topmost_word_counts(expected: str, headers: list[str]) -> None:
    assert authenticity.check(parse(with_results(*headers))) == expected


@pytest.mark.parametrize(
    ("expected", "sender", "vouched"),
    [
        ("passed", "ana@news.shop.co.uk", "shop.co.uk"),
        ("passed", "ana@shop.co.uk", "a.b.shop.co.uk"),
        ("passed", "ana@xn--fa-hia.de", "mail.xn--fa-hia.de"),
        ("none", "ana@shop.co.uk", "other.co.uk"),
        ("none", "ana@shop.co.uk", "co.uk"),
        ("none", "ana@ana.github.io", "mallory.github.io"),  # whoever likes has a domain there
        ("none", "ana@xn--85x722f.xn--55qx5d.cn", "xn--p8s937b.xn--55qx5d.cn"),
        ("none", "ana@localhost", ""),
        ("none", "ana@sales.office.internal", "lab.office.internal"),  # names that nobody registers
        ("none", "ana@[192.0.2.1]", "[198.51.2.1]"),
        ("none", "ana@192.0.2.1", "198.51.2.1"),
    ],
)
def test_a_domain_vouches_for_its_own_organisation_alone(expected: str, sender: str, vouched: str) -> None:
    mail = with_results(f"{OURS}; dkim=pass header.d={vouched}", sender=sender)
    assert authenticity.check(parse(mail)) == expected


def test_a_forged_answer_waits_for_a_person_and_cannot_be_filed(agent: User, client: Client) -> None:
    request = confirm_request(submit_request())
    sent = len(deliver(NOW))
    found = came(with_results(FAIL, PASS, text="I take it all back.", Subject=request.reference))
    assert (found.status, found.why, found.suggested, found.sender_check) == ("triage", "forged", request, "failed")
    with pytest.raises(MoveNotAllowed, match="does not come from the sender"):
        triage.file_to(found, reference=request.reference, by=agent, now=NOW)
    wish = came(with_results(FAIL, text="Please delete my account."))
    assert (wish.status, wish.why, wish.suggested_kinds) == ("triage", "forged", ["deletion"])
    assert (Request.objects.count(), Message.objects.filter(direction="in").count(), len(deliver(NOW))) == (1, 0, 0)
    assert sent
    sign_in(client, agent)
    page = client.get(reverse("admin:privacy_inboundmail_change", args=[found.pk])).content.decode()
    assert "does not come from the sender whom it names" in page
    assert reverse("admin:privacy_inboundmail_file", args=[found.pk]) not in page


def test_what_nobody_vouches_for_is_filed_and_says_so(agent: User, client: Client, settings: Settings) -> None:
    request = confirm_request(submit_request())
    sign_in(client, agent)
    address = reverse("admin:privacy_request_change", args=[request.pk])
    came(with_results(PASS, text="One.", Subject=request.reference))
    assert "sender verified" in client.get(address).content.decode()
    settings.MAIL_AUTHSERV_ID = ""
    came(with_results(FAIL, text="Two.", Subject=request.reference))
    assert "sender not verified" in client.get(address).content.decode()
    received = Message.objects.filter(direction="in").order_by("pk")
    assert list(received.values_list("sender_check", flat=True)) == ["passed", "none"]
