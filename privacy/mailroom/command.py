"""`manage.py requests receive-mail`: take what waits in the mailbox, or one mail from a mail server's pipe.

    requests receive-mail            read the mailbox of IMAP_URL each minute, until stopped
    requests receive-mail --once     read it once
    requests receive-mail --stdin    store the one mail that stands on standard input

What could go wrong: a mail server believes that a mail was stored when it was not. So 0 is said after the commit only,
and after anything else 75, upon which every mail server keeps the mail and tries again (EX_TEMPFAIL of sysexits.h).
"""

import sys
from argparse import ArgumentParser
from time import sleep

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from privacy.errors import PrivacyError
from privacy.mailroom import poll
from privacy.mailroom.receive import LARGEST, receive
from privacy.models import InboundMail

TRY_AGAIN = 75
PAUSE = 60  # seconds between two readings of the mailbox


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="read the mailbox once")
    parser.add_argument("--stdin", action="store_true", help="store one mail from standard input; 75: try again")


def run(command: BaseCommand, *, once: bool, stdin: bool) -> None:
    """SystemExit with 75 when the mail on standard input could not be stored."""
    if stdin:
        _pipe(command)
    else:
        _mailbox(command, once=once)


def _pipe(command: BaseCommand) -> None:
    try:
        raw = sys.stdin.buffer.read(LARGEST + 1)
        rest = sum(len(more) for more in iter(lambda: sys.stdin.buffer.read(LARGEST), b""))
        if raw:
            receive(raw, source=InboundMail.Source.PIPE, now=timezone.now(), size=len(raw) + rest)
    except Exception as error:
        command.stderr.write(f"The mail could not be stored ({type(error).__name__}); try again later.")
        raise SystemExit(TRY_AGAIN) from error


def _mailbox(command: BaseCommand, *, once: bool) -> None:
    if not poll.is_on():
        raise CommandError("IMAP_URL is not set: there is no mailbox to read.")
    while True:
        try:
            read = poll.poll(now=timezone.now())
        except PrivacyError as error:
            if once:
                raise CommandError(str(error)) from None
            command.stderr.write(str(error))
        else:
            command.stdout.write(f"{read.stored} stored, {read.known} known already, {read.failed} not to be had")
        if once:
            return
        sleep(PAUSE)
