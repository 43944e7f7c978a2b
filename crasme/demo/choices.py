"""Cookie choices of a year and a half, refusals among them, and some opt-outs from marketing."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from itertools import batched

from django.db import connection
from django.db.models import F

from consent import filing, notices, rates, registry, suppression
from consent.models import ConsentEvent, NoticeDay, Suppression
from crasme.crm.models import Account
from crasme.demo.plan import Counts, Demo, Draw, uuid7_at
from crasme.kit.partitions import ensure_months

SPAN_DAYS = 540
BATCH = 2_000
FIGURES_DAYS = 40
ACTIONS = {"accept-all": 45, "refuse-all": 35, "save": 15, "close": 5}
ACTOR = "system:demo"


def make(demo: Demo, draw: Draw) -> Counts:
    ensure_months(connection, filing.TABLE, demo.ago(SPAN_DAYS).date(), demo.now.date())
    made = 0
    for batch in batched(_events(demo), BATCH):
        made += len(ConsentEvent.objects.bulk_create(batch))
        draw(made, demo.size.consents)
    rates.count(demo.now, days=FIGURES_DAYS)
    # Of five who saw the banner four answered.
    NoticeDay.objects.update(shown=(F("accepted") + F("refused") + F("chosen")) * 5 / 4)
    return {"cookie choices": made, "opt-outs": _opt_outs(demo)}


def _events(demo: Demo) -> Iterator[ConsentEvent]:
    """Four visitors in five decide once; the others come back and withdraw."""
    rng = demo.rng("choices")
    known, shown = registry.snapshot(), notices.shown().notices
    languages = sorted(shown)
    visitor = uuid.UUID(int=rng.getrandbits(128), version=4)
    for index in range(demo.size.consents):
        withdraws = index % 6 == 5
        if not withdraws:
            visitor = uuid.UUID(int=rng.getrandbits(128), version=4)
        decided = demo.ago(SPAN_DAYS * (1 - (index + 1) / demo.size.consents))
        language = rng.choice(languages)
        action = "withdraw" if withdraws else rng.choices(list(ACTIONS), weights=list(ACTIONS.values()))[0]
        granted = known.essential
        if action == "accept-all":
            granted = known.everything
        elif action == "save":
            granted |= rng.choice(list(known.bits.values()))
        event_id = uuid7_at(decided, rng)
        event = ConsentEvent(
            id=event_id,
            filed_at=filing.filed_at(event_id, decided),
            visitor=visitor,
            notice=shown[language]["sha256"],
            choices=known.choices(granted),
            action=action,
            surface="preferences" if withdraws else rng.choice(("banner", "banner", "preferences", "no-js")),
            gpc=rng.random() < 0.08,
            language=language,
            decided_at=decided,
            received_at=decided + timedelta(seconds=rng.uniform(0.1, 3)),
        )
        event.digest = event.computed_digest()
        yield event


def _opt_outs(demo: Demo) -> int:
    """Every fortieth account wants no marketing; through the service, so each has its ledger entry."""
    addresses = Account.objects.usable().order_by("pk").values_list("email", flat=True)[: demo.size.accounts : 40]
    for position, email in enumerate(addresses):
        suppression.suppress(
            email,
            reason=Suppression.Reason.UNSUBSCRIBED,
            source=Suppression.Source.LINK,
            actor=ACTOR,
            now=demo.ago(position % 300),
        )
    return len(addresses)
