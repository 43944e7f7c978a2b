"""A restored database erases somebody again: their copies, letters and mail set aside go too, and nobody else's."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction

from crasme.crm.models import Account
from crasme.kit.datamap import Subject
from privacy.mailroom import forgetting
from privacy.models import InboundMail, Message, Package, Person
from privacy.services import packages
from retention import erasure, gate, replay
from retention.gate import State
from retention.outside import soon
from retention.outside.lines import Note
from retention.outside.places import place
from tests.builders import NOW, make_account, reviewed_request
from tests.privacy.letters import came, letter

pytestmark = pytest.mark.django_db
ANA, BEN = "ana@customer.example", "ben@customer.example"


def erase(subject: Subject) -> None:
    erasure.erase(subject, plan_hash=erasure.preview(subject, NOW).hash, actor="system:test", now=NOW)


def bring_back_as_before(*subjects: Subject, and_also: Callable[[], object] = lambda: None) -> None:
    """Erase, and go back to before it, as a restored backup does; the ledger stays as it is."""
    with transaction.atomic():
        for subject in subjects:
            erase(subject)
        and_also()
        soon.drain()
        transaction.set_rollback(True)
    place().append(lambda tail: [Note("done", tail.open[0].number, tail.open[-1].number).line])
    assert gate.look().state is State.BEHIND


def with_a_copy(email: str) -> tuple[Account, Person, Package]:
    account = make_account(email=email)
    request = reviewed_request("access", email)
    package = Package.objects.create(
        request=request,
        file_name=f"{request.pk.hex}.zip",
        sha256="0" * 64,
        size=1,
        rows=1,
        key="a2V5",
        made_at=NOW,
        expires_at=NOW + timedelta(days=14),
    )
    return account, request.person, package


def test_copies_letters_and_mail_set_aside_go_with_whoever_is_erased_again() -> None:
    ana, ana_asks, hers = with_a_copy(ANA)
    ben, ben_asks, his = with_a_copy(BEN)
    mails = {address: came(letter("An offer.", sender=address)) for address in (ANA, BEN)}
    InboundMail.objects.filter(pk__in=[mail.pk for mail in mails.values()]).update(
        status="ignored", settled_at=NOW, person=None
    )
    waiting = Message.objects.filter(request__person=ben_asks).unfinished().count()
    assert waiting
    assert Message.objects.filter(request__person=ana_asks).unfinished().exists()
    bring_back_as_before(Subject.of(account=ana.pk, email=ANA), Subject.of(person=ana_asks.pk))

    report = replay.replay(actor="system:replay", now=NOW)

    assert (report.acts, gate.look().state) == ({"adopt": 1, "erasure": 2}, State.OPEN)
    hers.refresh_from_db()
    his.refresh_from_db()
    assert (hers.key, hers.deleted_at is not None) == (None, True)
    assert (his.key, his.deleted_at) == ("a2V5", None)
    ana_asks.refresh_from_db()
    ben_asks.refresh_from_db()
    assert (ana_asks.email, ben_asks.email) == ("", BEN)
    assert not Message.objects.filter(request__person=ana_asks).unfinished().exists()
    assert Message.objects.filter(request__person=ben_asks).unfinished().count() == waiting
    for address, mail in mails.items():
        mail.refresh_from_db()
        assert bool(mail.body) == (address == BEN)
    ben.refresh_from_db()
    assert ben.email == BEN


def test_copies_and_mails_that_only_an_address_led_to_go_as_well() -> None:
    """An erasure by address alone leaves no key of an account; a child whose account was reported never asked."""
    cleo = reviewed_request("access", "cleo@customer.example").person
    _account, _person, hers = with_a_copy(ANA)
    Package.objects.filter(pk=hers.pk).update(request=cleo.requests.get())
    mails = [came(letter("Hello.", sender="child@school.example")) for _number in range(3)]
    waiting, aside, unread = (InboundMail.objects.filter(pk=mail.pk) for mail in mails)
    before = waiting.values("status", "settled_at", "person").get()
    for mail in (waiting, aside):
        mail.update(status="ignored", settled_at=NOW, person=None)

    def and_also() -> None:
        packages.destroy_of(cleo, why="erasure", now=NOW)
        forgetting.empty_of_address("child@school.example", now=NOW)

    bring_back_as_before(Subject.of(email=cleo.email), and_also=and_also)
    waiting.update(**before)  # the backup is from before it was looked at

    report = replay.replay(actor="system:replay", now=NOW)

    assert report.acts == {"adopt": 1, "erasure": 1, "destroy": 1, "let-go": 1, "empty": 1}
    hers.refresh_from_db()
    assert (hers.key, hers.deleted_at) == (None, NOW)
    assert list(InboundMail.objects.values_list("status", "body", "why").order_by("status", "why")) == [
        ("ignored", None, "unclear"),
        ("ignored", None, "unclear"),
        ("triage", "Hello.", "forgotten"),  # nobody vouched for it, so nothing waited for it; it is still to be read
    ]
    assert unread.get().sender
    soon.drain()
    assert gate.look().at.number == 5, "what was done again is not written again"
