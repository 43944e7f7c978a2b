"""What workers are woken for. A task carries an id, or nothing, and calls one service.

Queues: `clock` (the sweep), `celery` (steps that only read and count), `export` (copies), `erasure`, `mail`,
`webhooks`.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from crasme.staff.actors import system
from privacy.correspondence import shift as mails
from privacy.mailroom import forgetting, poll, sorting
from privacy.promises import cardscan
from privacy.services import (
    alerts,
    assignment,
    emptying,
    links,
    packages,
    preferences,
    recipients,
    referrals,
    representatives,
    restriction,
    sweeping,
    webhooks,
)
from privacy.steps import shift
from privacy.webhooks import sending

log = logging.getLogger(__name__)


@shared_task(max_retries=3, default_retry_delay=30)
def step(step_id: str) -> None:
    shift.work(UUID(step_id), now=timezone.now())


@shared_task(max_retries=3, default_retry_delay=30)
def send(message_id: str) -> None:
    mails.work(UUID(message_id), now=timezone.now())


@shared_task(max_retries=3, default_retry_delay=30)
def deliver(delivery_id: str) -> None:
    sending.send(UUID(delivery_id), now=timezone.now())


@shared_task(max_retries=3, default_retry_delay=30)
def link(ask_id: str) -> None:
    links.answer(UUID(ask_id), now=timezone.now())


@shared_task(max_retries=3, default_retry_delay=30)
def preference_link(link_id: str) -> None:
    preferences.send(UUID(link_id), now=timezone.now())


@shared_task(max_retries=3, default_retry_delay=30)
def sort_mail(mail_id: str) -> None:
    sorting.sort(UUID(mail_id), now=timezone.now())


@shared_task
def read_mailbox() -> None:
    """Each minute, where there is a mailbox: take what waits in it."""
    if poll.is_on():
        poll.poll(now=timezone.now())


@shared_task
def sweep() -> None:
    """Each minute: wake what is due, end what is over. One duty that fails does not keep the others from theirs."""
    duties: tuple[Callable[[datetime], int], ...] = (
        sweeping.wake_steps,
        sweeping.wake_messages,
        sweeping.wake_mails,
        sweeping.lapse_unconfirmed,
        sweeping.follow_the_rules,
        assignment.hand_over,
        assignment.hand_back,
        alerts.warn,
        restriction.lift_told,
        packages.expire,
        recipients.remind,
        sweeping.forget_people,
        forgetting.empty_of_forgotten,
        links.answer_all,
        preferences.send_due,
        webhooks.wake_deliveries,
        webhooks.switch_off_failing,
        webhooks.end_overlaps,
        emptying.empty_rest,
        referrals.remind,
        referrals.give_up,
        representatives.forget,
    )
    failures = []
    for duty in duties:
        try:
            duty(timezone.now())
        except Exception as error:  # noqa: BLE001  (raised below, with the others)
            failures.append(error)
    if failures:
        raise ExceptionGroup("Duties of the sweep failed.", failures)


# Acknowledged at once: a search that outlasts the broker's patience must not begin again beside itself. A lost one is
# made up for by the next day's.
@shared_task(acks_late=False, soft_time_limit=3_600, time_limit=3_700)
def scan_cards() -> None:
    """Each day: search everything for payment card numbers; the promise board reads the recorded result."""
    cardscan.scan(actor=system("cards"), now=timezone.now())
