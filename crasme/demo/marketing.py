"""One marketing mail to a customer who has not refused them, so that the ways out of it can be tried from `/inbox/`.

What could go wrong: no mail server answers (a filling by hand, before the servers are up). The demo is complete then
all the same, without this mail.
"""

import logging
from typing import Final

from consent import suppression
from consent.mailing import MarketingMail
from crasme.crm.models import Account
from crasme.demo.plan import Counts, Demo, Draw

TOPIC: Final = "marketing.features"
BODY: Final = """Hello,

from today you can sort a pipeline by the last reply. Open it and choose "Last reply" above the list.

Crasme"""

logger = logging.getLogger(__name__)


def make(demo: Demo, draw: Draw) -> Counts:
    # Every fortieth account has opted out, the first among them.
    emails = Account.objects.usable().order_by("pk").values_list("email", flat=True)[:10]
    reader = next((email for email in emails if suppression.allowed(email, TOPIC)), None)
    if reader is None:
        return {"marketing mails": 0}
    try:
        sent = MarketingMail(TOPIC, to=reader, subject="New: sort a pipeline by the last reply", body=BODY).send()
    except OSError as error:
        logger.warning("The marketing mail of the demo was not sent: %s.", type(error).__name__)
        sent = 0
    return {"marketing mails": sent}
